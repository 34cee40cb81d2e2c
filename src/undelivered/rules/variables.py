"""The variables of templates: their names, what each one means, and a sample. Docs and editor read this table.

Values are text. What differs between recipients is personal: rendering leaves a mark, sending fills it in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils import timezone

from undelivered.delivery.personal import Personal
from undelivered.desk.actors import By
from undelivered.desk.models import Comment, Customer, Project, Request, Status
from undelivered.rules.events import EVENTS

_REQUESTS = frozenset(EVENTS) - {"customer_invited"}
_COMMENTS = frozenset({"public_comment_added", "public_comment_edited", "request_resolved", "request_reopened"})
_STATUSES = frozenset({"request_resolved", "request_reopened", "status_changed"})
_ALL = frozenset(EVENTS)


@dataclass(frozen=True, slots=True)
class Variable:
    """`events` are those in whose templates it has a value."""

    name: str
    meaning: str
    sample: str
    events: frozenset[str] = _ALL

    @property
    def personal(self) -> bool:
        return self.name in {one.value for one in Personal}


VARIABLES: dict[str, Variable] = {
    variable.name: variable
    for variable in (
        Variable("recipient.name", "The customer's name, or what stands before the @ of the address", "Ann Keller"),
        Variable("recipient.address", "The address that the mail goes to", "ann.keller@northwind.example"),
        Variable("actor.name", "Who did it: a person of the team, or a customer", "Jonas Weber"),
        Variable("project.name", "The project's name", "IT Help"),
        Variable("project.key", "The project's key", "IT"),
        Variable("request.key", "The issue key", "IT-42", _REQUESTS),
        Variable("request.summary", "What the request is about, in one line", "Laptop does not start", _REQUESTS),
        Variable(
            "request.description",
            "What the reporter wrote",
            "Since this morning it shows a black screen.\n\nI have a customer meeting at 15:00 and need my slides.",
            _REQUESTS,
        ),
        Variable("request.status", "The status, as customers see it", "In progress", _REQUESTS),
        Variable("request.previous_status", "The status before the change", "Open", _STATUSES),
        Variable("request.resolution", "How it was resolved; empty while it is not", "Done", _REQUESTS),
        Variable("request.reporter", "The name of the customer who asked", "Ann Keller", _REQUESTS),
        Variable("request.participants", "The names of the participants", "Petra Sand and Priya Nair", _REQUESTS),
        Variable(
            "request.new_participants",
            "The names of those who were just added",
            "Petra Sand",
            frozenset({"participant_added"}),
        ),
        Variable("request.created", "When it was created", "20 November 2026, 09:02 UTC", _REQUESTS),
        Variable(
            "request.url", "The request's own page, for this recipient", "https://help.example/r/IT-42", _REQUESTS
        ),
        Variable(
            "comment.body",
            "What the comment says; empty where nobody commented",
            "A loaner is ready for you at the service counter, room 0.14.\n\nPlease bring the charger.",
            _COMMENTS,
        ),
        Variable("comment.author", "Who wrote the comment", "Jonas Weber", _COMMENTS),
        Variable(
            "invitation.url",
            "Accepts the invitation, for this recipient",
            "https://help.example/invitation",
            frozenset({"customer_invited"}),
        ),
        Variable(
            "notifications_off.url",
            "Turns this request's notifications off, for this recipient",
            "https://help.example/r/IT-42/off",
            _REQUESTS,
        ),
    )
}


def of_event(event: str) -> list[Variable]:
    """The variables that have a value in the templates of an event."""
    return [variable for variable in VARIABLES.values() if event in variable.events]


def samples(event: str, project: Project | None = None) -> dict[str, str]:
    """Sample values of an event's variables; a project's own name and key where one is given."""
    values = {variable.name: variable.sample for variable in of_event(event)}
    if project is not None:
        own = {"project.name": project.name, "project.key": project.key, "request.key": f"{project.key}-42"}
        values |= {name: value for name, value in own.items() if name in values}
    return values


def values(
    project: Project,
    *,
    by: By,
    request: Request | None = None,
    comment: Comment | None = None,
    participants: Sequence[Customer] = (),
) -> dict[str, str]:
    """The values of what is common to all recipients, but for what only an event itself knows."""
    somebody = by.person or by.customer
    # Customers know the project, not the programs that work for it.
    found = {
        "project.name": project.name,
        "project.key": project.key,
        "actor.name": by.shown if somebody else project.name,
    }
    if request is not None:
        found |= {
            "request.key": request.issue_key,
            "request.summary": request.summary,
            "request.description": request.description,
            "request.status": Status(request.status).label,
            "request.resolution": request.resolution,
            "request.reporter": request.reporter.called,
            "request.participants": in_words(participants),
            "request.created": _moment(request.created_at),
        }
    if comment is not None:
        found |= {"comment.body": comment.body, "comment.author": comment.author}
    return found


def in_words(customers: Sequence[Customer]) -> str:
    """`Ann, Petra and Priya`."""
    names = [customer.called for customer in customers]
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _moment(at: datetime) -> str:
    local = timezone.localtime(at)
    zone = "UTC" if local.utcoffset() == datetime.now(UTC).utcoffset() else local.tzname()
    return f"{local.day} {local:%B %Y, %H:%M} {zone}"
