"""SMTP credentials and trusted networks of a project: made, listed, taken back. Doors hear of it within seconds."""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from undelivered.delivery.address_parts import ascii_domain
from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.models import Project
from undelivered.inbound.access import Network, digest
from undelivered.inbound.models import SmtpCredential, TrustedNetwork

_DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
#: A network larger than this (as many addresses as an IPv4 /8 has) is a mistake.
WIDEST = {4: 8, 6: 32}


@transaction.atomic
def create(project: Project, *, by: By, name: str = "", from_domains: Sequence[str] = ()) -> tuple[SmtpCredential, str]:
    """A new credential and its password, which can never be read again. Raises ValueError for what is no domain."""
    domains = _domains(project, from_domains)
    password = secrets.token_urlsafe(24)  # 192 bits
    made = SmtpCredential.objects.create(
        project=project,
        name=name,
        username=f"{project.key.lower()}-{secrets.token_hex(4)}",
        digest=digest(password),
        from_domains=domains,
        created_by=by.person,
    )
    audit.record("smtp_credential.created", by=by, project=project, target=made.username, from_domains=domains)
    return made, password


@transaction.atomic
def revoke(credential: SmtpCredential, *, by: By) -> bool:
    """Takes a credential back; whether it still held."""
    held = SmtpCredential.objects.filter(pk=credential.pk, revoked_at=None).update(revoked_at=timezone.now())
    if held:
        audit.record("smtp_credential.revoked", by=by, project=credential.project, target=credential.username)
    return bool(held)


@transaction.atomic
def trust(project: Project, network: str, *, by: By, from_domains: Sequence[str] = ()) -> TrustedNetwork:
    """Lets a network submit without logging in. Raises ValueError for what is no network, or is far too wide."""
    try:
        parsed = ipaddress.ip_network(network.strip(), strict=False)
    except ValueError:
        raise ValueError(f"{network} is not a network. Use an address or a range such as 10.1.2.0/24.") from None
    if parsed.prefixlen < WIDEST[parsed.version]:
        raise ValueError(f"{parsed} is far too wide to be trusted.")
    domains = _domains(project, from_domains)
    for other in TrustedNetwork.objects.exclude(project=project):
        shared = set(domains) & set(other.from_domains)
        if shared and _overlap(parsed, ipaddress.ip_network(other.network)):
            raise ValueError(
                f"Another project trusts {other.network} for {min(shared)}: nothing would tell whose mail it is."
            )
    made, _ = TrustedNetwork.objects.update_or_create(
        project=project, network=str(parsed), defaults={"from_domains": domains, "created_by": by.person}
    )
    audit.record("trusted_network.added", by=by, project=project, target=made.network, from_domains=domains)
    return made


@transaction.atomic
def distrust(network: TrustedNetwork, *, by: By) -> None:
    audit.record("trusted_network.removed", by=by, project=network.project, target=network.network)
    network.delete()


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _domains(project: Project, given: Sequence[str]) -> list[str]:
    """The domains in their ASCII form; the domain of the project's own sender where none is named."""
    domains = sorted({ascii_domain(one.strip().lstrip("@")) for one in given} - {""})
    if not domains:
        domains = [ascii_domain(project.from_address.rpartition("@")[2])]
    for one in domains:
        if not _DOMAIN.fullmatch(one):
            raise ValueError(f"{one} is not a domain.")
    return domains
