"""How a record in DNS stands, and one line of what is to be published."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Standing(StrEnum):
    """What a record does for the mail."""

    OK = "ok"  # as it has to be
    WEAK = "weak"  # mail goes and comes, and it could be better
    MISSING = "missing"  # not there
    WRONG = "wrong"  # there, and it does harm or nothing
    UNKNOWN = "unknown"  # nobody answered, or it cannot be seen from outside
    NOT_NEEDED = "not-needed"  # nothing has to be there as mail is sent now


class What(StrEnum):
    """What is looked at."""

    MX = "mx"  # bounces find their way to this site
    SPF = "spf"  # the provider may send for the envelope sender's domain
    DKIM = "dkim"  # the key that signatures are checked with
    DMARC = "dmarc"  # what receivers do with mail that is not from whom it says
    ALIGNMENT = "alignment"  # whether SPF or DKIM speak for the domain in the From header: no record of its own
    REPLIES = "replies"  # whether answers to the mails can arrive


@dataclass(frozen=True, slots=True)
class Record:
    """A line for the zone file, in three parts to copy."""

    name: str
    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: how it stands, why, what is there and what should be."""

    what: What
    standing: Standing
    why: str
    name: str = ""
    found: tuple[str, ...] = ()
    wanted: tuple[Record, ...] = field(default=())
