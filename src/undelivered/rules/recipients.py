"""Who can be told of an event: the names that a rule's recipients are chosen from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from undelivered.database import rows
from undelivered.desk.models import Customer, Request

#: Asked at every event. In the order in which they were added.
PARTICIPANTS = f"""
SELECT {rows.columns(Customer, "c")} FROM desk_participant p JOIN desk_customer c ON c.id = p.customer_id
WHERE p.request_id = %s ORDER BY p.id
"""  # noqa: S608


@dataclass(frozen=True)
class Involved:
    """Those who have to do with a request, read once for all events of an action."""

    request: Request | None

    @cached_property
    def participants(self) -> list[Customer]:
        return rows.read(Customer, PARTICIPANTS, [self.request.pk]) if self.request else []


Who = Callable[[Involved, Sequence[Customer]], Sequence[Customer]]


@dataclass(frozen=True, slots=True)
class Recipients:
    """`who` finds them, given those involved and the people whom the event is about."""

    label: str
    who: Who


def _reporter(involved: Involved, about: Sequence[Customer]) -> Sequence[Customer]:
    return [involved.request.reporter] if involved.request else []


def _participants(involved: Involved, about: Sequence[Customer]) -> Sequence[Customer]:
    return involved.participants


def _about(involved: Involved, about: Sequence[Customer]) -> Sequence[Customer]:
    return about


RECIPIENTS: dict[str, Recipients] = {
    "reporter": Recipients("The reporter", _reporter),
    "participants": Recipients("The participants", _participants),
    "new_participants": Recipients("Only the new participants", _about),
    "invitee": Recipients("The invited customer", _about),
}

#: What may be chosen for an event about a request, beside its own defaults.
OF_A_REQUEST = ("reporter", "participants")
