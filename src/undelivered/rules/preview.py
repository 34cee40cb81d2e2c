"""A template tried out: as a preview with sample values, or as a real mail to one address of the team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape

from django.db import transaction

from undelivered.database import ids
from undelivered.delivery import mime
from undelivered.delivery.enqueue import Addressee, enqueue
from undelivered.delivery.models import Content, Kind, Notification
from undelivered.delivery.personal import Personal, fill
from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import Project
from undelivered.rules import content, render, variables
from undelivered.rules.content import Template
from undelivered.rules.events import EVENTS, Event
from undelivered.rules.people import Given
from undelivered.rules.render import TemplateError

TEST = "test"  # the event of test mails


@dataclass(frozen=True, slots=True)
class Preview:
    """`size` is the mail as it would be sent, in bytes. With an `error`, there is nothing else but where it is."""

    subject: str = ""
    html: str = ""
    text: str = ""
    size: int = 0
    error: str = ""
    error_line: int | None = None
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class _Sample:
    """A notification that is never sent, as `mime` reads it."""

    project_id: int
    personal: Mapping[str, str]
    recipient: str
    recipient_name: str
    request_id: int | None = None
    customer_id: int | None = None


@dataclass(frozen=True, slots=True)
class _Tried:
    content: Content
    samples: Mapping[str, str] = field(default_factory=dict)

    @property
    def personal(self) -> dict[str, str]:
        return {name.value: self.samples.get(name.value, "") for name in Personal}


def preview(project: Project, event: str, subject: str, body: str) -> Preview:
    """What a mail made from these texts looks like. An empty text stands for the event's default."""
    try:
        tried = _try(project, event, subject, body)
    except TemplateError as error:
        return Preview(error=error.message, error_line=error.line, error_field=error.field)
    personal, made = tried.personal, tried.content
    shown = {name: "#" if name.endswith(".url") else value for name, value in personal.items()}
    return Preview(
        subject=fill(made.subject, personal),
        html=fill(made.html, shown, escape),
        text=fill(made.text, personal),
        size=_size(project, tried),
    )


@transaction.atomic
def send_test(project: Project, event: str, subject: str, body: str, to: str, by: By) -> Notification:
    """Sends a mail made from these texts and sample values. Raises `BadInput`; a `TemplateError` is one."""
    address = Given(to).clean("to").address
    tried = _try(project, event, subject, body)
    name = f"Test: {EVENTS[event].label}"
    personal = {key: value for key, value in tried.personal.items() if key.endswith(".url")}
    [made] = enqueue(
        project=project,
        kind=Kind.ACCOUNT,
        event=TEST,
        name=name,
        content=tried.content,
        to=[Addressee(address, by.person.name if by.person else "", None, personal)],
    )
    audit.record("rule.tested", by=by, project=project, target=address, event=event)
    return made


def _try(project: Project, event: str, subject: str, body: str) -> _Tried:
    known = _event(event)
    subject = subject if subject.strip() else known.default_subject
    body = body if body.strip() else known.default_body
    samples = variables.samples(event, project)
    render.check(subject, body, event=event, samples=samples)
    made = content.compose(project, None, [Template(event, subject, body)], samples)
    if made.error:
        raise TemplateError(made.error)
    return _Tried(made, samples)


def _event(slug: str) -> Event:
    if slug not in EVENTS:
        raise BadInput("event", f"“{slug}” is not an event. There are: {', '.join(EVENTS)}.")
    return EVENTS[slug]


def _size(project: Project, tried: _Tried) -> int:
    personal = tried.personal
    row = _Sample(
        project.pk,
        personal,
        personal[Personal.RECIPIENT_ADDRESS.value],
        personal[Personal.RECIPIENT_NAME.value],
    )
    return len(mime.write(tried.content, row, id=ids.uuid7(), at=datetime.now(UTC)))
