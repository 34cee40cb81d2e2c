"""The states of a notification, and which may follow which."""

from __future__ import annotations

from django.db.models import TextChoices


class State(TextChoices):
    QUEUED = "queued", "Queued"  # waits for a worker: at once, or (after a temporary failure) until its due time
    SENDING = "sending", "Sending"  # one worker has claimed it
    SENT = "sent", "Sent"  # the provider accepted it; whether it arrives is known later, or never
    DELIVERED = "delivered", "Delivered"  # the provider or the recipient's server says that it arrived
    FAILED = "failed", "Failed"  # it did not get through, and nobody tries again by themselves
    HELD = "held", "Held"  # the daily limit is used up, and the project holds mail until the next day
    CANCELLED = "cancelled", "Cancelled"  # a person took it back before it was sent


#: Which states may follow which. `claim`, `record` and `feedback` move rows by no other step.
MOVES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.SENDING, State.CANCELLED}),
    State.SENDING: frozenset({State.QUEUED, State.SENT, State.FAILED, State.HELD}),
    State.SENT: frozenset({State.DELIVERED, State.FAILED}),
    State.DELIVERED: frozenset({State.FAILED}),  # a bounce that comes after a receipt
    State.HELD: frozenset({State.QUEUED, State.CANCELLED}),
    State.FAILED: frozenset({State.DELIVERED}),  # by a bounce that a later receipt proves wrong; a resend is a new one
    State.CANCELLED: frozenset(),
}

#: Nobody works on these any more.
FINAL = frozenset({State.SENT, State.DELIVERED, State.FAILED, State.CANCELLED})


def may(old: State, new: State) -> bool:
    return new in MOVES[old]
