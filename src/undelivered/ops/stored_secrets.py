"""Every password that is stored encrypted, of whatever floor: put under the secret key in use when that was changed."""

from __future__ import annotations

from dataclasses import dataclass

from undelivered.delivery import secrets
from undelivered.delivery.models import Provider
from undelivered.inbound.models import Mailbox

#: (table, column) of all that `delivery.secrets` encrypts.
COLUMNS = ((Provider, "secret"), (Provider, "hook_secret"), (Mailbox, "secret"))


@dataclass(frozen=True, slots=True)
class Stored:
    """How the stored passwords lie: `stale` under a key from before, `unreadable` under one that nobody has."""

    current: int = 0
    stale: int = 0
    unreadable: int = 0


def look(*, renew: bool = False) -> Stored:
    """Counts the stored passwords; with `renew`, the stale ones are encrypted anew. What changes meanwhile stays."""
    current = stale = unreadable = 0
    for model, column in COLUMNS:
        rows = model._default_manager.exclude(**{column: ""})
        for pk, stored in rows.values_list("pk", column):
            try:
                anew = secrets.renewed(stored)
            except secrets.Unreadable:
                unreadable += 1
                continue
            if anew is None:
                current += 1
                continue
            stale += 1
            if renew:
                rows.filter(pk=pk, **{column: stored}).update(**{column: anew})
    return Stored(current, stale, unreadable)
