"""Where a provider lets bounces go: the three ways in plain words, what is suggested, and what its test has shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from undelivered.delivery import dns, mail_domains, probe, return_path
from undelivered.delivery.models import Provider, ReturnPath
from undelivered.delivery.probe_verdict import Verdict, verdict
from undelivered.desk.models import Project
from undelivered.inbound import from_domains

#: What each way means for the one who chooses.
MEANINGS = {
    ReturnPath.SIGNED: "Each mail has a return path of its own. Its bounce comes straight to this site, and names its "
    "notification for certain. The provider has to leave our envelope sender as it is.",
    ReturnPath.LOGIN: "Bounces land in the mailbox of the provider's login, or of the sender's address. Undelivered "
    "fetches them from there.",
    ReturnPath.PROVIDER: "The provider takes bounces itself. Only its own pages and webhooks tell of them.",
}


@dataclass(frozen=True, slots=True)
class Tested:
    """The last test with mail from a domain."""

    domain: str
    probe: probe.Probe | None
    verdict: Verdict | None

    @property
    def at(self) -> datetime | None:
        """When it came back, or went out."""
        return datetime.fromisoformat(self.probe.back_at or self.probe.at) if self.probe else None


@dataclass(frozen=True, slots=True)
class Choice:
    """`why`: of the suggestion. `testable`: the domains with which a test can be sent."""

    provider: Provider
    mode: ReturnPath
    suggested: ReturnPath
    why: str
    ways: Sequence[tuple[ReturnPath, str]]
    tested: Sequence[Tested]
    testable: Sequence[str]
    without_bounce_domain: Sequence[str]


def choices(project: Project, provider: Provider) -> Choice:
    domains = [one for one in from_domains.of_project(project) if one]
    tested = [test_of(domain, provider) for domain in domains]
    suggested, why = _suggested(domains, provider, tested)
    bounce = {domain: return_path.bounce_domain(domain) for domain in domains}
    return Choice(
        provider,
        ReturnPath(provider.return_path),
        suggested,
        why,
        [(mode, MEANINGS[mode]) for mode in ReturnPath],
        [one for one in tested if one.probe],
        [domain for domain in domains if bounce[domain]],
        [domain for domain in domains if not bounce[domain]],
    )


def test_of(domain: str, provider: Provider) -> Tested:
    last = probe.last(domain, provider)
    return Tested(domain, last, verdict(last, provider) if last else None)


def _suggested(domains: Sequence[str], provider: Provider, tested: Sequence[Tested]) -> tuple[ReturnPath, str]:
    """What a test has shown goes before what records and names let expect."""
    for one in tested:
        if one.verdict and one.verdict.mode:
            return one.verdict.mode, one.verdict.why
    row = mail_domains.find(domains[0]) if domains else None
    if row is None:
        return ReturnPath.LOGIN, "There is no domain that mail comes from."
    return dns.follows(mail_domains.asked(row, provider), mail_domains.last_look(row))
