"""The domains that mail is sent from: their bounce domains, what is known of how they send, and looks at their records
in DNS. `MailDomain.found` has `selectors` and `addresses` as admins entered them, and the last `look`."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import timedelta
from ipaddress import ip_address

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from undelivered.delivery import dns, return_path
from undelivered.delivery.address_parts import ascii_domain
from undelivered.delivery.dns import Asked, Look
from undelivered.delivery.dns.dkim import SELECTOR, Signature
from undelivered.delivery.dns.lookup import Resolver
from undelivered.delivery.models import MailDomain, Provider
from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import Project

DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
#: A look asks some thirty questions: it is not repeated at once.
PAUSE = timedelta(seconds=10)
MOST_ENTERED = 20


def find(domain: str) -> MailDomain:
    """What is known of a domain; a new one, not stored, where that is nothing."""
    domain = ascii_domain(domain)
    return MailDomain.objects.filter(domain=domain).first() or MailDomain(domain=domain)


def proposed(domain: str) -> str:
    """The bounce domain to take: below the From domain, so that SPF speaks for both."""
    return f"bounces.{domain}"


@transaction.atomic
def change(
    domain: str,
    *,
    by: By,
    project: Project | None,
    bounce_domain: str,
    selectors: Sequence[str] = (),
    addresses: Sequence[str] = (),
    taken: Collection[str] = (),
) -> MailDomain:
    """Sets where bounces go and what a look needs to know. Raises `BadInput` by field.

    `taken`: domains that people write from. Their mail would be lost if it came here.
    """
    domain = ascii_domain(domain)
    bounces = _bounce_domain(bounce_domain, domain, {domain, *taken})
    entered = {"selectors": _selectors(selectors), "addresses": _addresses(addresses)}
    MailDomain.objects.get_or_create(domain=domain)
    row = MailDomain.objects.select_for_update().get(domain=domain)
    if row.bounce_domain != bounces:
        audit.record(
            "domain.changed", by=by, project=project, target=domain, bounce_domain=[row.bounce_domain, bounces]
        )
        row.proved_at = None  # what came back came to another domain
    row.bounce_domain, row.found = bounces, {**row.found, **entered}
    row.save(update_fields=["bounce_domain", "found", "proved_at"])
    return row


def asked(row: MailDomain, provider: Provider | None) -> Asked:
    """What a look at this domain's records needs to know."""
    return Asked(
        row.domain,
        row.bounce_domain or return_path.site_bounce_domain(),
        ascii_domain(settings.ENV.smtp_name),
        dns.sender(provider) if provider else None,
        tuple(row.found.get("selectors", ())),
        tuple(row.found.get("addresses", ())),
        tuple(Signature(*one) for one in row.found.get("signatures", ())),
        f"postmaster@{row.domain}",  # an address that every domain has (RFC 2142)
    )


def last_look(row: MailDomain) -> Look | None:
    return Look.of_json(row.found.get("look") or {})


def check(question: Asked, resolver: Resolver | None = None) -> Look | None:
    """Looks at a domain's records now, and keeps what was found. None: somebody did so a moment ago."""
    now = timezone.now()
    MailDomain.objects.get_or_create(domain=question.domain)
    due = Q(checked_at=None) | Q(checked_at__lte=now - PAUSE)
    if not MailDomain.objects.filter(due, domain=question.domain).update(checked_at=now):
        return None
    found = dns.look(question, resolver)
    with transaction.atomic():  # outside: a look takes seconds
        row = MailDomain.objects.select_for_update().get(domain=question.domain)
        row.found = {**row.found, "look": found.as_json()}
        row.save(update_fields=["found"])
    return found


def _bounce_domain(given: str, domain: str, taken: Collection[str]) -> str:
    bounces = ascii_domain(given.strip().strip(".").lstrip("@"))
    if bounces and not DOMAIN.fullmatch(bounces):
        raise BadInput("bounce_domain", f"{given.strip()} is not a domain. Use a name such as {proposed(domain)}.")
    if bounces in taken:
        alone = f"Use a name that is for bounces alone, such as {proposed(domain)}."
        raise BadInput("bounce_domain", f"People write from {bounces}: their mail would be lost here. {alone}")
    return bounces


def _selectors(given: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(one.strip().lower().partition("._domainkey")[0] for one in given if one.strip()))
    for one in found:
        if not SELECTOR.fullmatch(one) or len(one) > 200:
            raise BadInput("selectors", f"“{one[:60]}” is no selector: it is what s= says in a DKIM-Signature.")
    return _few(found, "selectors")


def _addresses(given: Sequence[str]) -> list[str]:
    found = []
    for one in given:
        try:
            found += [str(ip_address(one.strip()))] if one.strip() else []
        except ValueError:
            raise BadInput("addresses", f"“{one.strip()[:60]}” is no IP address.") from None
    return _few(list(dict.fromkeys(found)), "addresses")


def _few(found: list[str], field: str) -> list[str]:
    if len(found) > MOST_ENTERED:
        raise BadInput(field, f"At most {MOST_ENTERED} can be looked at.")
    return found
