"""The events that a project can tell its customers of: the table. A new kind of event is one line here and its text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from undelivered.delivery.models import Kind

_DEFAULTS = Path(__file__).parent / "defaults"
_REQUEST_SUBJECT = "[{{ request.key }}] {{ request.summary }}"  # one subject for all: mail programs thread by it


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a request or a customer.

    When several happen in one action, the one with the highest `priority` names the mail. `asked_for` events are mailed
    to whoever caused them too: a confirmation. `despite_opt_out` names recipients who cannot turn the event off.
    """

    slug: str
    label: str  # the rule's name until a project changes it
    meaning: str
    default_recipients: tuple[str, ...]  # names of `recipients.RECIPIENTS`
    priority: int
    kind: Kind = Kind.REQUEST
    default_subject: str = _REQUEST_SUBJECT
    asked_for: bool = False
    despite_opt_out: tuple[str, ...] = ()

    @property
    def default_body(self) -> str:
        return _default_body(self.slug)


@cache
def _default_body(slug: str) -> str:
    return (_DEFAULTS / f"{slug}.md").read_text(encoding="utf-8").strip() + "\n"


EVENTS: dict[str, Event] = {
    event.slug: event
    for event in (
        Event(
            "customer_invited",
            "Customer invited",
            "A customer is invited to the project, for the first time or again.",
            ("invitee",),
            90,
            kind=Kind.INVITATION,
            default_subject="You are invited to {{ project.name }}",
            asked_for=True,
        ),
        Event(
            "request_created",
            "Request created",
            "A request is created, by whomever and wherever. The mail confirms that it arrived.",
            ("reporter",),
            80,
            asked_for=True,
        ),
        Event(
            "request_resolved",
            "Request resolved",
            "A request gets a resolution.",
            ("reporter", "participants"),
            70,
            despite_opt_out=("reporter",),
        ),
        Event(
            "request_reopened",
            "Request reopened",
            "A request loses its resolution.",
            ("reporter", "participants"),
            60,
        ),
        Event(
            "public_comment_added",
            "Public comment added",
            "A comment that customers may read is added.",
            ("reporter", "participants"),
            50,
        ),
        Event(
            "public_comment_edited",
            "Public comment edited",
            "A comment that customers may read is changed, or an internal one is made public.",
            ("reporter", "participants"),
            40,
        ),
        Event(
            "status_changed",
            "Customer-visible status changed",
            "A request moves to another status that customers see, other than by being resolved or reopened.",
            ("reporter", "participants"),
            30,
        ),
        Event(
            "participant_added",
            "Participant added",
            "Customers are added to a request as participants.",
            ("new_participants",),
            20,
        ),
    )
}
