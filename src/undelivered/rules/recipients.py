"""Who can be told of an event: the names that a rule's recipients are chosen from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from undelivered.desk.models import Customer, Request

Who = Callable[[Request | None, Sequence[Customer]], Sequence[Customer]]


@dataclass(frozen=True, slots=True)
class Recipients:
    """`who` finds them, given the request and the people whom the event is about."""

    label: str
    who: Who


def _reporter(request: Request | None, about: Sequence[Customer]) -> Sequence[Customer]:
    return [request.reporter] if request else []


def _participants(request: Request | None, about: Sequence[Customer]) -> Sequence[Customer]:
    """In the order in which they were added."""
    return list(request.participants.order_by("participant__id")) if request else []


def _about(request: Request | None, about: Sequence[Customer]) -> Sequence[Customer]:
    return about


RECIPIENTS: dict[str, Recipients] = {
    "reporter": Recipients("The reporter", _reporter),
    "participants": Recipients("The participants", _participants),
    "new_participants": Recipients("Only the new participants", _about),
    "invitee": Recipients("The invited customer", _about),
}

#: What may be chosen for an event about a request, beside its own defaults.
OF_A_REQUEST = ("reporter", "participants")
