"""Return paths: the envelope sender of a mail that leaves, and the addresses at a bounce domain that are ours.

Everything that is read here comes from outside. No database is needed: the SMTP door asks while PostgreSQL is away.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction

from undelivered.delivery import signing
from undelivered.delivery.address_parts import ascii_domain
from undelivered.delivery.addresses import validate
from undelivered.delivery.models import MailDomain, Provider, ReturnPath
from undelivered.delivery.signing import Purpose
from undelivered.delivery.transports.provider_url import parse_provider_url
from undelivered.desk import audit
from undelivered.desk.actors import By

#: What a local part begins with -> what the token behind it is for. The longest one makes 51 characters of RFC 5321's
#: 64; a return path has 47, which leaves room for the 16 that BATV puts in front.
PREFIXES = {
    "b-": Purpose.RETURN_PATH,
    "f-": Purpose.FEEDBACK_LOOP,
    "probe-": Purpose.PROBE,
}
#: What other servers wrap a sender in, and where the pieces are parted. The sender is one of the pieces.
#: prvs: BATV (draft-levine-smtp-batv), in both orders that are in use; btv1, msprvs1: other makers' of the same;
#: SRS0, SRS1: what a forwarder makes of it, so that SPF holds there.
_WRAPPED = re.compile(r"(?:prvs=|btv1==|msprvs1=|srs[01][=+-])", re.IGNORECASE)
_PARTED = re.compile(r"[=/+]")


class Ours(NamedTuple):
    """An address that we signed: what for, and the id in it."""

    purpose: Purpose
    id: UUID


def sender(id: UUID, bounce_domain: str) -> str:
    """The signed envelope sender of a notification."""
    return f"b-{signing.token(Purpose.RETURN_PATH, id)}@{bounce_domain}"


def feedback_loop(project_id: int | None, domain: str) -> str:
    """Where mailbox providers may send a project's complaints (None: the site's). Secret: it is evidence by itself."""
    return f"f-{signing.token(Purpose.FEEDBACK_LOOP, UUID(int=project_id or 0))}@{domain}"


def probe(id: UUID, bounce_domain: str) -> str:
    """Where the mail goes that tests what a provider makes of our envelope sender."""
    return f"probe-{signing.token(Purpose.PROBE, id)}@{bounce_domain}"


def opened(address: str) -> UUID | None:
    """The notification that a signed return path names: at whatever domain, in whatever case, wrapped or not."""
    return _opened(address, Purpose.RETURN_PATH)


def opened_feedback_loop(address: str) -> int | None:
    """The project whose feedback loop reports to this address; 0: the site's."""
    id = _opened(address, Purpose.FEEDBACK_LOOP)
    return None if id is None else id.int


def opened_probe(address: str) -> UUID | None:
    return _opened(address, Purpose.PROBE)


def ours(address: str) -> Ours | None:
    """What an address was signed for, and its id; None where we did not sign it."""
    local = address.strip().removeprefix("<").rpartition("@")[0].strip('"')
    pieces = _PARTED.split(local) if _WRAPPED.match(local) else [local]
    for piece in pieces:
        start = piece[: -signing.LENGTH].lower()
        if purpose := PREFIXES.get(start):
            id = signing.read(purpose, piece[-signing.LENGTH :])
            if id is not None:
                return Ours(purpose, id)
    return None


def _opened(address: str, purpose: Purpose) -> UUID | None:
    found = ours(address)
    return found.id if found and found.purpose is purpose else None


# --- which sender a mail leaves with ----------------------------------------------------------------------------------


@transaction.atomic
def choose(provider: Provider, mode: ReturnPath, *, by: By) -> None:
    """From the next mail on, the envelope sender is what this mode says."""
    if Provider.objects.filter(pk=provider.pk).exclude(return_path=mode).update(return_path=mode):
        audit.record(
            "provider.changed",
            by=by,
            project=provider.project,
            target=provider.name,
            return_path=ReturnPath(mode).value,
        )


def sender_for(mode: str, id: UUID, *, from_address: str, login: str, bounce_domain: str) -> str:
    """The envelope sender with a provider of this mode. Where there is no bounce domain, as with `LOGIN`."""
    if mode == ReturnPath.SIGNED and bounce_domain:
        return sender(id, bounce_domain)
    if mode == ReturnPath.PROVIDER:
        return from_address
    return login or from_address


@lru_cache(maxsize=256)
def login_address(url: str) -> str:
    """The address that a provider's login is; empty where its user name is none, as `apikey`."""
    try:
        user = parse_provider_url(url).username
    except ValueError:  # a provider that is not spoken to by SMTP
        return ""
    local, at, domain = user.rpartition("@")
    return f"{local}@{ascii_domain(domain)}" if at and validate(user) is None else ""


def bounce_domain(from_domain: str) -> str:
    """Where the bounces of mail from this domain go; empty: nowhere of ours."""
    own = MailDomain.objects.filter(domain=ascii_domain(from_domain)).values_list("bounce_domain", flat=True).first()
    return own or site_bounce_domain()


def site_bounce_domain() -> str:
    """`UNDELIVERED_BOUNCE_DOMAIN`; empty where there is none."""
    return settings.ENV.bounce_domain or ""
