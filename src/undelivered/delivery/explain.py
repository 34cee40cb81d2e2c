"""Says what became of a notification, and what to do next, in words for a project admin. Tables, no decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from undelivered.bounces import FACTS, Cause
from undelivered.delivery import counts
from undelivered.delivery.models import Notification
from undelivered.delivery.reasons import EXPLAINED, Reason
from undelivered.delivery.states import State
from undelivered.delivery.suppression import cause_label

#: What the page offers first.
CORRECT, RESEND, RESEND_LATER, EDIT_TEMPLATE, WAIT, NONE = (
    "correct",
    "resend",
    "resend_later",
    "edit_template",
    "wait",
    "none",
)
ACTION: dict[Reason, str] = {
    Reason.INTERNAL_ERROR: RESEND,
    Reason.EMAIL_VALIDATION_ERROR: CORRECT,
    Reason.TEMPLATE_TOO_LARGE: EDIT_TEMPLATE,
    Reason.LIMIT_REACHED: RESEND_LATER,
    Reason.SUPPRESSED: RESEND,
    Reason.PRIVATE_ADDRESS: CORRECT,
    Reason.PROVIDER_ERROR: RESEND,
    Reason.UNKNOWN_ERROR: RESEND_LATER,
}
#: Causes for which another address helps more than another try.
_NEEDS_ANOTHER_ADDRESS = frozenset({Cause.USER_UNKNOWN, Cause.HOST_UNKNOWN, Cause.HAS_MOVED, Cause.NOT_ACCEPT})
#: Who refused knows why; and the provider's own list is mended at the provider.
_OF_THE_OTHER_SIDE = frozenset({Reason.PROVIDER_ERROR, Reason.SUPPRESSED})
#: What a row says while its provider is out of order.
_OF_THE_PROVIDER = frozenset({"login_refused", "provider_unreachable"})

_A_DAY = timedelta(days=1)  # for which a mail over the limit may have been held before its first try


@dataclass(frozen=True, slots=True)
class NextStep:
    """`title`: what is the matter. `text`: what to do. `action`: what the first button does."""

    title: str
    text: str
    action: str


def next_step(row: Notification) -> NextStep:
    """What a project admin does about a notification now."""
    if row.resent_as:
        return NextStep("Resent", "This notification was sent again. Its newer copy shows what became of it.", NONE)
    if row.state == State.FAILED and row.reason:
        return _failed(row, Reason(row.reason))
    if complained(row):
        return NextStep("Reported as spam", FACTS[Cause.FEEDBACK].what_to_do, NONE)
    if row.state == State.QUEUED and row.cause in _OF_THE_PROVIDER:
        return NextStep("Waiting for the provider", "It leaves by itself when the provider works again.", WAIT)
    if row.state == State.QUEUED and row.attempts:
        text = f"The next try is at {_time(row)}. There is nothing to do, unless you want to tell the customer now."
        return NextStep("Retrying after a temporary failure", text, WAIT)
    return _CALM.get(State(row.state), NextStep("", "", NONE))


_CALM = {
    State.QUEUED: NextStep("Waiting to be sent", "It leaves within moments, when a worker takes it up.", WAIT),
    State.SENDING: NextStep("Being sent", "A worker is handing it to the provider.", WAIT),
    State.SENT: NextStep("Accepted by the provider", "The provider took it over. Nothing came back so far.", NONE),
    State.DELIVERED: NextStep("Delivered", "The recipient's server has it.", NONE),
    State.HELD: NextStep(
        "Held until the daily limit resets",
        "It goes out by itself then. With a higher limit, you can send the held ones at once.",
        WAIT,
    ),
    State.CANCELLED: NextStep("Cancelled", "Someone took it back before it was sent.", RESEND),
}


def complained(row: Notification) -> bool:
    """Whether a mail arrived and was reported as unwanted."""
    return row.cause == Cause.FEEDBACK and row.state in {State.SENT, State.DELIVERED}


def _failed(row: Notification, reason: Reason) -> NextStep:
    cause = _cause(row.cause)
    if reason in _OF_THE_OTHER_SIDE and cause:
        action = CORRECT if cause in _NEEDS_ANOTHER_ADDRESS else RESEND
        return NextStep(f"{FACTS[cause].title}", FACTS[cause].what_to_do, action)
    if reason is Reason.INTERNAL_ERROR and row.cause == "template":
        return NextStep(reason.label, "Mend the notification's template, then resend.", EDIT_TEMPLATE)
    return NextStep(reason.label, EXPLAINED[reason].next_step, ACTION[reason])


@dataclass(frozen=True, slots=True)
class Details:
    """The two lines of the log's Details column. `quoted`: the second one is the other side's own words."""

    first: str
    second: str
    quoted: bool


def details(row: Notification) -> Details:
    """What the log says of a row: first what happened in our words, then the evidence."""
    if row.state != State.FAILED or not row.reason:
        return _under_way(row)
    reason, cause = Reason(row.reason), _cause(row.cause)
    if reason in {Reason.PROVIDER_ERROR, Reason.UNKNOWN_ERROR} or row.smtp_code or cause:
        first = f"{FACTS[cause].title}." if cause else EXPLAINED[reason].meaning
        if cause and row.attempts > 1 and (row.smtp_code or 400) < 500 and not _came_back(row):
            first = f"{FACTS[cause].title}; gave up after {settings.ENV.retry_hours} hours."
        return Details(first, row.detail, quoted=True)
    return Details(row.detail, EXPLAINED[reason].next_step, quoted=False)


def _came_back(row: Notification) -> bool:
    """Whether it failed when our own tries cannot have ended: they run out together with their time."""
    tried = timedelta(hours=settings.ENV.retry_hours)
    return row.finished_at is not None and not tried <= row.finished_at - row.created_at < tried + _A_DAY


def _under_way(row: Notification) -> Details:
    if row.state == State.QUEUED and (row.attempts or row.cause in _OF_THE_PROVIDER):
        first = f"{cause_label(row.cause) or 'Temporary failure'}; next try at {_time(row)}."
        return Details(first, row.detail, quoted=True)
    if row.state == State.HELD:
        return Details(row.detail, f"Goes out at {_time(row)}.", quoted=False)
    if row.state in {State.SENT, State.DELIVERED}:
        reported = " The recipient reported it as spam." if complained(row) else ""
        return Details(f"{_CALM[State(row.state)].title}.{reported}", row.detail, quoted=True)
    return Details(_CALM.get(State(row.state), _CALM[State.QUEUED]).title + ".", "", quoted=False)


def _cause(slug: str) -> Cause | None:
    try:
        return Cause(slug) if slug else None
    except ValueError:
        return None


def _time(row: Notification) -> str:
    if row.due_at is None:
        return "once"
    return f"{row.due_at.astimezone(counts.zone()):%-d %b, %H:%M} {settings.TIME_ZONE}"
