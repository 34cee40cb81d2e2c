"""The rule of the suppression list: which failure blocks an address, where, and for how long. Pure.

It is decided by cause, in one table (`bounces.FACTS[cause].suppress`):

| cause                                                     | the address is blocked                        | where   |
|-----------------------------------------------------------|-----------------------------------------------|---------|
| mailbox or domain does not exist, has moved, takes no mail | at once, until lifted                        | site    |
| complaint                                                 | at once, until lifted with a confirmation     | project |
| mailbox full, disabled, filtered                          | after 3 days of failure, for 7 days, growing  | project |
| spam, policy, reputation, rate, network, our own mistakes | never                                         |         |

A dead mailbox is dead for everybody: if the mail went through the site's provider, nobody on the site mails it any
more. What a project's own provider says holds for that project alone, since its admins could make it say anything. A
complaint is about one project's mail, and a full mailbox may have room for another one's tomorrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from undelivered.bounces import FACTS, Suppress

STRIKES = 3
#: A failure counts together with those before it if it comes so soon after them, or after the end of their block.
STRIKES_WITHIN = timedelta(days=30)
FIRST_BLOCK = timedelta(days=7)
#: A block that repeats lasts longer each time: 7, 14, 28 days, and at most this.
LONGEST_BLOCK = timedelta(days=56)

_RULES = {cause.value: facts.suppress for cause, facts in FACTS.items()}


def rule(cause: str) -> Suppress:
    """What the table says of a cause; causes that are not the bounce library's never suppress."""
    return _RULES.get(cause, Suppress.NEVER)


def causes(*rules: Suppress) -> list[str]:
    """The causes that these rules are for."""
    return [cause for cause, rule in _RULES.items() if rule in rules]


def in_a_row(days: Sequence[date]) -> int:
    """How many of these days, oldest first, belong to the same trouble as the last one."""
    struck, remembered_until = 0, date.min
    for day in days:
        struck = struck + 1 if day <= remembered_until else 1
        blocked = block_for(struck) if struck >= STRIKES else timedelta(0)
        remembered_until = day + blocked + STRIKES_WITHIN
    return struck


def block_for(days_struck: int) -> timedelta:
    """How long an address is blocked after failures on so many days: it doubles with every further day."""
    doubled = min(max(0, days_struck - STRIKES), 10)
    return min(FIRST_BLOCK * int(2**doubled), LONGEST_BLOCK)
