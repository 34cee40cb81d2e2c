"""Which domains a project sends from: that of its own sender, and those that its SMTP credentials and networks name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import QuerySet

from undelivered.delivery.address_parts import ascii_domain
from undelivered.desk.models import Project
from undelivered.inbound.models import SmtpCredential, TrustedNetwork


def of_project(project: Project) -> list[str]:
    """Its own sender's first."""
    own = ascii_domain(project.from_address.rpartition("@")[2])
    others = [domain for _, domains in _relayed(project.pk) for domain in domains]
    return list(dict.fromkeys([own, *sorted(others)]))


def everywhere() -> dict[str, list[Project]]:
    """Every domain that mail is sent from, with the projects that do."""
    projects = {one.pk: one for one in Project.objects.filter(archived_at=None).order_by("key")}
    found: dict[str, dict[int, Project]] = defaultdict(dict)
    for one in projects.values():
        found[ascii_domain(one.from_address.rpartition("@")[2])][one.pk] = one
    for project_id, domains in _relayed(None):
        for domain in domains if project_id in projects else ():
            found[domain][project_id] = projects[project_id]
    return {domain: list(found[domain].values()) for domain in sorted(found) if domain}


def is_shared(domain: str, project: Project) -> bool:
    """Whether another project sends from the domain, too."""
    return any(other != project for other in everywhere().get(domain, []))


def _relayed(project_id: int | None) -> Iterable[tuple[int, list[str]]]:
    credentials: QuerySet[SmtpCredential] = SmtpCredential.objects.filter(revoked_at=None)
    networks: QuerySet[TrustedNetwork] = TrustedNetwork.objects.all()
    if project_id is not None:
        credentials, networks = credentials.filter(project_id=project_id), networks.filter(project_id=project_id)
    yield from credentials.values_list("project_id", "from_domains")
    yield from networks.values_list("project_id", "from_domains")
