"""Addresses that are ours: mail to them has come back, and anybody may bring it.

A signed return path, the secret address of a feedback loop, the recipient of a probe, and postmaster at a bounce domain
(RFC 5321, section 4.5.1). What was signed needs no database: the door knows it while PostgreSQL is away.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from undelivered.delivery import return_path
from undelivered.delivery.address_parts import ascii_domain
from undelivered.delivery.signing import Purpose
from undelivered.inbound import replies
from undelivered.inbound.replies import Reply

POSTMASTER = "postmaster"
#: What looks like something that we signed, or a wrapping of it.
_LOOKS_SIGNED = re.compile(r"(?:.*[=/+])?(?:b|f|probe)-[a-z2-7-]{38,52}(?:[=/+].*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ours:
    """A recipient of ours. `project_id`: whose it is, where the address says so."""

    project_id: int | None = None
    postmaster: bool = False


def look(address: str, bounce_domains: Collection[str]) -> Ours | Reply | None:
    """Whose an address is; a refusal where it could be ours and is not; None for everybody else's."""
    found = return_path.ours(address)
    if found is not None:
        return Ours(found.id.int or None if found.purpose is Purpose.FEEDBACK_LOOP else None)
    local, at, domain = address.rpartition("@")
    at_home = ascii_domain(domain) in bounce_domains if at else False
    if (local if at_home else address).lower() == POSTMASTER:
        return Ours(postmaster=True)
    return replies.NOT_OURS if at_home else None


def refusal(address: str) -> Reply:
    """What a stranger is told about an address of somebody else's."""
    forged = _LOOKS_SIGNED.fullmatch(address.rpartition("@")[0][:128])
    return replies.NOT_OURS if forged else replies.RELAYING_DENIED
