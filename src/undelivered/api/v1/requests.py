"""Requests: made, listed, looked at, moved on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from ninja import Query as FromQuery
from ninja import Router
from pydantic import Field

from undelivered.api import cursors
from undelivered.api.auth import READ, SEND, Call, by, project_of, request_of
from undelivered.api.fields import Answer, Body, Cursor, Limit, Link, Name, Query, Summary, Text
from undelivered.api.v1.notification_shown import Told, told
from undelivered.api.v1.people import Person, PersonShown, Someone, customer_of
from undelivered.api.v1.people import shown as person_shown
from undelivered.delivery import failures
from undelivered.desk.models import Request, Status
from undelivered.rules import act

router = Router(tags=["Requests"])
MOST_PARTICIPANTS = 100


class NewRequest(Body):
    summary: Summary
    description: Text = ""
    reporter: Person
    participants: Annotated[list[Someone], Field(max_length=MOST_PARTICIPANTS)] = []
    url: Link = Field("", description="Where the request lives, if that is another help desk.")


class Transition(Body):
    status: Annotated[Status, Field(strict=False)]
    resolution: Name = Field("", description="In words, for `resolved`: `Done`, `Will not do` ...")


class RequestShown(Answer):
    key: str
    project: str
    summary: str
    description: str
    reporter: PersonShown
    participants: list[PersonShown]
    status: Status
    status_label: str
    resolution: str
    url: str
    created_at: datetime
    updated_at: datetime


class RequestDone(RequestShown, Told):
    """The request as it is now, and who is told of what was done."""


class RequestPage(Answer):
    items: list[RequestShown]
    next: str | None


class RequestFilters(Query):
    status: Status | None = None
    cursor: Cursor | None = None
    limit: Limit = 25


class StatusShown(Answer):
    status: Status
    label: str


class Transitions(Answer):
    status: Status
    items: list[StatusShown]


@router.get("/projects/{key}/requests", auth=READ, response=RequestPage, summary="Requests of a project")
def list_requests(request: Call, key: str, filters: FromQuery[RequestFilters]) -> RequestPage:
    """Newest first."""
    found = Request.objects.filter(project=project_of(request, key)).order_by("-id")
    if filters.status:
        found = found.filter(status=filters.status)
    before = cursors.read("requests", filters.cursor)
    if before is not None:
        found = found.filter(id__lt=before)
    rows = list(found.select_related("reporter", "project").prefetch_related("participants")[: filters.limit + 1])
    page = rows[: filters.limit]
    last = page[-1].id if len(rows) > filters.limit else None
    return RequestPage(items=[shown(row) for row in page], next=cursors.write("requests", last))


@router.post("/projects/{key}/requests", auth=SEND, response={201: RequestDone}, summary="Make a request")
def create_request(request: Call, key: str, new: NewRequest) -> RequestDone:
    """The reporter and the participants are told, as the project's rules say."""
    project = project_of(request, key)
    made = act.open_request(
        project,
        summary=new.summary,
        description=new.description,
        reporter=customer_of(new.reporter),
        participants=[customer_of(who) for who in new.participants],
        url=new.url,
        by=by(request),
    )
    return done(made, told(project, *failures.for_request(project, made.issue_key)))


@router.get("/requests/{key}", auth=READ, response=RequestShown, summary="One request")
def get_request(request: Call, key: str) -> RequestShown:
    """As it is now. Its comments, participants and notifications have addresses of their own."""
    return shown(request_of(request, key))


@router.get("/requests/{key}/notifications", auth=READ, response=Told, summary="Who was notified of a request")
def list_request_notifications(request: Call, key: str) -> Told:
    """Who was mailed, newest first, and who was deliberately not, and why."""
    return told(request.auth.project, *failures.for_request(request.auth.project, request_of(request, key).issue_key))


@router.get("/requests/{key}/transitions", auth=READ, response=Transitions, summary="Statuses to move to")
def list_transitions(request: Call, key: str) -> Transitions:
    """The request's status, and those that it can be given now."""
    now = Status(request_of(request, key).status)
    others = [StatusShown(status=status, label=str(status.label)) for status in Status if status != now]
    return Transitions(status=now, items=others)


@router.post("/requests/{key}/transitions", auth=SEND, response=RequestDone, summary="Give a request another status")
def transition_request(request: Call, key: str, to: Transition) -> RequestDone:
    """Whoever the project's rules name is told."""
    found = request_of(request, key)
    moved = act.update_request(found, by=by(request), status=to.status, resolution=to.resolution)
    return done(moved.request, told(request.auth.project, moved.told, moved.not_told))


def shown(row: Request) -> RequestShown:
    status = Status(row.status)
    return RequestShown(
        key=row.issue_key,
        project=row.project.key,
        summary=row.summary,
        description=row.description,
        reporter=person_shown(row.reporter),
        participants=[person_shown(customer) for customer in row.participants.all()],
        status=status,
        status_label=str(status.label),
        resolution=row.resolution,
        url=row.url,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def done(row: Request, who: Told) -> RequestDone:
    return RequestDone(**dict(shown(row)), **dict(who))
