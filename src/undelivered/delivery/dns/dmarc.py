"""DMARC (RFC 7489 and its successor): a domain's policy, where it comes from, and which domains belong together.

Which domains are one organization's is found by walking up the names, as the successor does: it needs no list of all
the endings under which domains are sold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from undelivered.delivery.dns.dkim import tags_of
from undelivered.delivery.dns.lookup import Answer, Lookup

#: Longer names are walked up from here.
MOST_LABELS = 8
_MAILTO = re.compile(r"mailto:([^!,\s]+@[^!,\s]+)(?:![0-9]+[kmgt]?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Policy:
    """A DMARC record, and whose it is: the From domain's own, or that of a domain above it."""

    domain: str
    text: str
    tags: dict[str, str]

    def wish(self, domain: str) -> str:
        """What receivers shall do with mail of `domain` that fails: none, quarantine or reject."""
        own = self.tags.get("p", "").lower() or "none"
        return own if domain == self.domain else self.tags.get("sp", own).lower()

    def strict(self, tag: str) -> bool:
        """Whether `aspf` or `adkim` wants the very same domain."""
        return self.tags.get(tag, "r").lower() == "s"

    @property
    def report_to(self) -> list[str]:
        """The addresses that reports go to."""
        return _MAILTO.findall(self.tags.get("rua", ""))


@dataclass(frozen=True, slots=True)
class Walked:
    """What is published on the way up from a From domain. `several`: names with more than one record, all void."""

    policy: Policy | None
    organization: str
    several: tuple[str, ...] = ()
    failed: bool = False


def published(answer: Answer) -> list[str]:
    return [text for text in answer.values if text.split(";")[0].replace(" ", "") == "v=DMARC1"]


def names_above(domain: str) -> list[str]:
    """The domain itself and those above it, a top-level domain excepted."""
    labels = domain.split(".")
    if len(labels) > MOST_LABELS:
        tail = labels[-(MOST_LABELS - 1) :]
        return [domain, *(".".join(tail[i:]) for i in range(len(tail) - 1))]
    return [".".join(labels[i:]) for i in range(max(len(labels) - 1, 1))]


def walk(lookup: Lookup, domain: str) -> Walked:
    policy, organization, several, failed = None, domain, [], False
    for name in names_above(domain):
        answer = lookup.txt(f"_dmarc.{name}")
        failed |= answer.failed
        records = published(answer)
        if len(records) > 1:
            several.append(name)
        if len(records) != 1:
            continue
        tags = tags_of(records[0])
        policy = policy or Policy(name, records[0], tags)
        if tags.get("psd", "").lower() == "y":  # an ending under which domains are given out
            break
        organization = name
        if tags.get("psd", "").lower() == "n":
            break
    return Walked(policy, organization, tuple(several), failed and policy is None)


def aligned(domain: str, own: str, organization: str, *, strict: bool) -> bool:
    """Whether what speaks for `domain` speaks for the From domain `own`."""
    if strict or domain == own:
        return domain == own
    return domain == organization or domain.endswith(f".{organization}")


def lets_report(lookup: Lookup, domain: str, address: str, organization: str) -> bool | None:
    """Whether an address of another organization agreed to get reports about `domain`; None: nobody answered."""
    target = address.rpartition("@")[2].lower().rstrip(".")
    if aligned(target, domain, organization, strict=False):
        return True
    answer = lookup.txt(f"{domain}._report._dmarc.{target}")
    return None if answer.failed else bool(published(answer))
