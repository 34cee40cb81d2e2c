"""The test of a provider: what does it make of our envelope sender?

A mail goes out through the provider with a signed return path, to an address of the bounce domain that is for this test
alone. The envelope sender that it comes back with says where bounces would go. Kept in `MailDomain.found`, the last
test of each provider under `probes`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from undelivered.database import ids
from undelivered.database.texts import writable
from undelivered.delivery import mime, providers, return_path, secrets
from undelivered.delivery.addresses import canonical, validate
from undelivered.delivery.dns import dkim
from undelivered.delivery.models import MailDomain, Provider, ReturnPath
from undelivered.delivery.outcomes import Outcome, Unreachable
from undelivered.delivery.transports import Transport
from undelivered.delivery.transports.esp_url import is_esp
from undelivered.delivery.transports.smtp import SmtpTransport
from undelivered.desk import audit
from undelivered.desk.actors import By

#: A person waits for the provider's answer.
SEND_S = 20.0
#: A mail has one or two; each costs a question to DNS later.
MOST_SIGNATURES = 5
#: A second test soon after the first would only say the same.
PAUSE = timedelta(seconds=10)
SUBJECT = "Where do bounces go? A test mail of Undelivered to itself"
TEXT = """This mail was sent by Undelivered to itself, to see what a mail provider makes of its return path.

Nobody needs to read it.
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """One test, as stored. `outcome`: the kind of the provider's answer; `stage` and `reply`: its place and words.

    `sender` is the envelope sender that it came back with, `mode` what follows from that.
    """

    id: str
    at: str
    bounce_domain: str
    from_address: str
    login: str = ""
    outcome: str = ""
    stage: str = ""
    reply: str = ""
    back_at: str = ""
    sender: str = ""
    peer: str = ""
    mode: str = ""


@dataclass(frozen=True, slots=True)
class _Words:
    from_address: str
    from_name: str = ""
    reply_to: str = ""
    subject: str = SUBJECT
    text: str = TEXT
    html: str = ""
    headers: list[list[str]] = field(default_factory=lambda: [["Auto-Submitted", "auto-generated"]])


@dataclass(frozen=True, slots=True)
class _To:
    recipient: str
    recipient_name: str = ""
    project_id: int = 0
    request_id: int | None = None
    customer_id: int | None = None
    personal: dict[str, Any] = field(default_factory=dict)


# --- sending ----------------------------------------------------------------------------------------------------------


def start(provider: Provider, from_address: str, *, by: By) -> Probe:
    """Sends a test mail from this address and says what the provider answered. Raises ValueError with a sentence.

    Takes as long as the provider does, up to `SEND_S`.
    """
    if is_esp(provider.url):
        raise ValueError("An email service takes bounces itself: there is nothing to test.")
    if validate(from_address):
        raise ValueError(f"{from_address} is no address to send from.")
    domain = mime.domain(from_address)
    bounce_domain = return_path.bounce_domain(domain)
    if not bounce_domain:
        raise ValueError(f"{domain} has no bounce domain yet.")
    id, now = ids.uuid7(), timezone.now()
    probe = Probe(
        str(id),
        now.isoformat(),
        bounce_domain,
        mime.ascii_domain(from_address),
        return_path.login_address(provider.url),
    )
    # Kept before it is sent: it may be back before the provider's answer is read.
    with transaction.atomic():
        last = _change(domain, provider.pk, lambda old: probe if _is_due(old, now) else old)
        if last != probe:
            raise ValueError("A test was started a moment ago.")
        audit.record("provider.tested", by=by, project=provider.project, target=provider.name, domain=domain)
    outcome = _send(provider, id, probe)
    reply = writable(outcome.reply[:500])
    facts = {"outcome": type(outcome).__name__.lower(), "stage": outcome.stage.value, "reply": reply}
    done = _change(domain, provider.pk, lambda old: replace(old, **facts) if old and old.id == probe.id else old)
    return done or probe


def _is_due(old: Probe | None, now: datetime) -> bool:
    return old is None or now - datetime.fromisoformat(old.at) > PAUSE


def _send(provider: Provider, id: UUID, probe: Probe) -> Outcome:
    to = return_path.probe(id, probe.bounce_domain)
    message = mime.write(_Words(probe.from_address), _To(to), id=id, at=timezone.now())
    try:
        transport = _transport(provider)
    except (secrets.Unreadable, ValueError) as error:
        return Unreachable(str(error), our_fault=True)
    sender = return_path.sender(id, probe.bounce_domain)
    utf8 = mime.needs_smtputf8(probe.from_address)
    return asyncio.run(_hand_over(transport, sender, to, message, utf8))


async def _hand_over(transport: Transport, sender: str, to: str, message: bytes, utf8: bool) -> Outcome:
    try:
        async with asyncio.timeout(SEND_S):
            return await transport.send(sender, to, message, smtputf8=utf8)
    except TimeoutError:
        return Unreachable(f"No answer within {SEND_S:g} seconds")
    finally:
        await transport.close()


def _transport(provider: Provider) -> Transport:
    return SmtpTransport(providers.smtp_settings(provider, connections=1))


# --- coming back ------------------------------------------------------------------------------------------------------


def seen(id: UUID, *, sender: str | None, peer: str = "", raw: bytes = b"") -> bool:
    """A test came back with this envelope sender; None: the door does not know it. Whether anybody waits for it.

    `peer`: who brought it. `raw`: the mail, whose signatures tell the DKIM selectors that the DNS page asks for.
    """
    for row in MailDomain.objects.filter(found__has_key="probes").order_by("pk"):
        for provider, stored in row.found["probes"].items():
            if stored["id"] == str(id):
                _came_back(row.domain, int(provider), Probe(**stored), sender, peer, raw)
                return True
    return False


@transaction.atomic
def _came_back(domain: str, provider: int, probe: Probe, sender: str | None, peer: str, raw: bytes) -> None:
    now = timezone.now()
    facts = {"back_at": now.isoformat(), "peer": writable(peer[:100])}
    if sender is not None:
        facts |= {"sender": writable(sender[:320]), "mode": _mode(probe, sender).value}
    _change(domain, provider, lambda old: replace(old, **facts) if old and old.id == probe.id and not old.mode else old)
    row = MailDomain.objects.select_for_update().get(domain=domain)
    if signatures := dkim.signatures(raw)[:MOST_SIGNATURES]:
        row.found["signatures"] = [[writable(part[:253]) for part in one] for one in signatures]
    if return_path.bounce_domain(domain) == probe.bounce_domain:
        row.proved_at = now
    row.save(update_fields=["found", "proved_at"])


def _mode(probe: Probe, sender: str) -> ReturnPath:
    """Where bounces go with a provider that makes this of our envelope sender."""
    opened = return_path.opened(sender)
    if opened is not None and str(opened) == probe.id:
        return ReturnPath.SIGNED
    own = {canonical(one) for one in (probe.login, probe.from_address) if one}
    return ReturnPath.LOGIN if canonical(sender) in own else ReturnPath.PROVIDER


# --- keeping ----------------------------------------------------------------------------------------------------------


def last(domain: str, provider: Provider) -> Probe | None:
    """The last test of this provider with mail from this domain; None where its settings were changed since."""
    row = MailDomain.objects.filter(domain=domain).first()
    stored = row.found.get("probes", {}).get(str(provider.pk)) if row else None
    if stored is None or datetime.fromisoformat(stored["at"]) < provider.changed_at:
        return None
    probe = Probe(**stored)
    return probe if probe.bounce_domain == return_path.bounce_domain(domain) else None


@transaction.atomic
def _change(domain: str, provider: int, change: Callable[[Probe | None], Probe | None]) -> Probe | None:
    """The last test of a provider, as it is after `change`; others write beside it at the same time."""
    MailDomain.objects.get_or_create(domain=domain)
    row = MailDomain.objects.select_for_update().get(domain=domain)
    stored = row.found.setdefault("probes", {})
    old = Probe(**stored[str(provider)]) if str(provider) in stored else None
    new = change(old)
    if new is not None and new != old:
        stored[str(provider)] = asdict(new)
        row.save(update_fields=["found"])
    return new
