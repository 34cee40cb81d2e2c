"""What would happen to each address of a pasted list: the verdicts that are shown before anything is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from undelivered.bounces import Suppress
from undelivered.delivery import suppression
from undelivered.delivery.addresses import Problem, canonical, private, validate
from undelivered.delivery.models import Suppression
from undelivered.desk.models import Customer, Project, ProjectCustomer, Role
from undelivered.web.guard import ProjectRequest
from undelivered.web.pages.pasted import Pasted


class Verdict(Enum):
    """How the address stands, as (badge, words)."""

    NEW = ("queued", "Will be invited")  # nobody of this project yet
    AGAIN = ("queued", "Customer already: gets it again")  # a customer who is invited once more
    BLOCKED = ("blocked", "On the suppression list")  # would fail, unless the block is lifted first
    COMPLAINED = ("complained", "Reported us as spam")  # the same, and lifting it needs a person's word
    INVALID = ("failed", "Email validation error")  # not an address: would fail
    PRIVATE = ("failed", "Private email address")  # cannot be reached from the internet: would fail
    TWICE = ("skipped", "Twice in the list")  # the first one counts

    @property
    def badge(self) -> str:
        return self.value[0]

    @property
    def words(self) -> str:
        return self.value[1]


SENDS = frozenset({Verdict.NEW, Verdict.AGAIN})
FAULTY = frozenset({Verdict.INVALID, Verdict.PRIVATE})
BLOCKS = frozenset({Verdict.BLOCKED, Verdict.COMPLAINED})


@dataclass(frozen=True, slots=True)
class Judged:
    """One address of the list with its verdict."""

    entry: Pasted
    key: str
    verdict: Verdict
    detail: str = ""
    suggestion: str = ""
    name: str = ""
    suppression: Suppression | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The whole list."""

    lines: Sequence[Judged]

    def of(self, verdicts: frozenset[Verdict]) -> list[Judged]:
        return [line for line in self.lines if line.verdict in verdicts]

    @property
    def good(self) -> list[Judged]:
        return self.of(SENDS)

    @property
    def faulty(self) -> list[Judged]:
        return self.of(FAULTY)

    @property
    def blocked(self) -> list[Judged]:
        return self.of(BLOCKS)

    @property
    def sendable(self) -> int:
        return len(self.good) + len(self.faulty)

    @property
    def summary(self) -> str:
        """`3 will be invited, 2 need a correction, 1 is blocked.`"""
        counts = Counter(
            "good" if line.verdict in SENDS else "faulty" if line.verdict in FAULTY else "blocked"
            for line in self.lines
            if line.verdict != Verdict.TWICE
        )
        parts = [
            f"{counts[name]} {one if counts[name] == 1 else many}"
            for name, one, many in (
                ("good", "will be invited", "will be invited"),
                ("faulty", "needs a correction", "need a correction"),
                ("blocked", "is blocked", "are blocked"),
            )
            if counts[name]
        ]
        return (", ".join(parts) + ".") if parts else "Nobody to invite yet."


def judge(project: Project, entries: Sequence[Pasted]) -> Judgement:
    keys = [canonical(entry.address) for entry in entries]
    customers = {one.address_key: one for one in Customer.objects.filter(address_key__in=keys)}
    here = set(
        ProjectCustomer.objects.filter(project=project, customer__address_key__in=keys).values_list(
            "customer__address_key", flat=True
        )
    )
    blocks = suppression.found_for(project, keys)
    seen: set[str] = set()
    lines = []
    for entry, key in zip(entries, keys, strict=True):
        known = customers.get(key)
        name = entry.name or (known.name if known else "")
        lines.append(_one(entry, key, name, key in seen, key in here, blocks.get(key)))
        seen.add(key)
    return Judgement(lines)


def _one(entry: Pasted, key: str, name: str, twice: bool, here: bool, block: Suppression | None) -> Judged:
    if twice:
        return Judged(entry, key, Verdict.TWICE, "The first one counts.", name=name)
    for verdict, look in ((Verdict.INVALID, validate), (Verdict.PRIVATE, private)):
        problem: Problem | None = look(entry.address)
        if problem:
            return Judged(entry, key, verdict, problem.detail, problem.suggestion or "", name)
    if block:
        verdict = Verdict.COMPLAINED if is_complaint(block) else Verdict.BLOCKED
        return Judged(entry, key, verdict, suppression.cause_label(block.cause), name=name, suppression=block)
    return Judged(entry, key, Verdict.AGAIN if here else Verdict.NEW, name=name)


def is_complaint(entry: Suppression) -> bool:
    """Whether only somebody who spoke with the customer may lift it."""
    return suppression.rule(entry.cause) is Suppress.COMPLAINT


def why_not_lift(entry: Suppression, request: ProjectRequest) -> str:
    """Why the one who asks may not lift an entry; empty if they may. Lifting a complaint is for admins."""
    if request.user.is_site_admin:
        return ""
    if suppression.stays(entry):
        why = "reported a mail as spam, for" if is_complaint(entry) else "is blocked for"
        return f"{entry.address} {why} the whole site. Only a site admin can lift that."
    if is_complaint(entry) and request.role != Role.ADMIN:
        return f"{entry.address} reported a mail as spam. Only an admin of {request.project.name} can lift that."
    return ""
