"""The log: notifications by project, one with its history, and sending one again."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Query as FromQuery
from ninja import Router
from pydantic import Field

from undelivered.api import cursors
from undelivered.api.auth import READ, SEND, Call, by, not_found, project_of
from undelivered.api.errors import ApiError
from undelivered.api.fields import Address, Answer, Body, Cursor, Limit, Moment, Query, Search
from undelivered.api.v1.notification_shown import NotificationShown, shown
from undelivered.delivery import explain, failures
from undelivered.delivery.filters import BadFilter, Filters
from undelivered.delivery.models import DeliveryEvent, EventType, Kind, Notification
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State
from undelivered.desk.models import Project
from undelivered.rules import resend

router = Router(tags=["Notifications"])


class NotificationFilters(Query):
    kind: Literal[Kind.INVITATION, Kind.REQUEST] | None = Field(None, description="Without it: both.")
    state: State | None = Field(None, description="Without it: every state.")
    reason: Reason | None = Field(None, description="Why it failed.")
    name: Search | None = Field(None, description="The notification's name, exactly.")
    recipient: Search | None = Field(
        None, description="An address, the beginning of one as `ann*`, or a domain as `@example.com`."
    )
    issue_key: Search | None = Field(None, description="Of the request: `IT-12`.")
    since: Moment | None = Field(None, description="Made at this moment or later.")
    until: Moment | None = Field(None, description="Made before this moment.")
    cursor: Cursor | None = Field(None, description="`next` of the page before.")
    limit: Limit = 25


class NotificationPage(Answer):
    items: list[NotificationShown]
    next: str | None


class EventShown(Answer):
    """One line of the history. `data` holds the technical details: reply, code, enhanced, host, tls, duration_ms ..."""

    at: datetime
    type: EventType
    label: str
    attempt: int
    detail: str
    data: dict[str, Any]


class NextStep(Answer):
    title: str
    text: str
    action: str


class NotificationWhole(NotificationShown):
    events: list[EventShown]
    next_step: NextStep


class ResendOptions(Body):
    address: Address | None = Field(None, description="Send to this address instead of the old one.")


class Resent(NotificationShown):
    """The new notification. `lifted` are the addresses that were taken off the suppression list for it."""

    lifted: list[str]


@router.get("/projects/{key}/notifications", auth=READ, response=NotificationPage, summary="The log of a project")
def list_notifications(request: Call, key: str, filters: FromQuery[NotificationFilters]) -> NotificationPage:
    """Newest first. Filters add up; `next` is the cursor of the next page, or null."""
    chosen = Filters(
        kind=filters.kind or "",
        state=filters.state or "all",
        reason=filters.reason or "",
        name=filters.name or "",
        recipient=filters.recipient or "",
        issue_key=filters.issue_key or "",
        since=filters.since,
        until=filters.until,
    )
    return page_of(project_of(request, key), chosen, filters.cursor, filters.limit)


def page_of(project: Project, filters: Filters, cursor: str | None, limit: int) -> NotificationPage:
    try:
        page = failures.page(project, filters, cursor=cursor, limit=limit)
    except failures.BadCursor as error:
        raise cursors.bad() from error
    except BadFilter as error:
        raise ApiError.of_field(error.field, str(error)) from error
    return NotificationPage(items=[shown(row, project) for row in page.items], next=page.next)


@router.get("/notifications/{id}", auth=READ, response=NotificationWhole, summary="One notification")
def get_notification(request: Call, id: str) -> NotificationWhole:
    """With its history, oldest event first, and what to do next."""
    row = _find(request, id)
    step = explain.next_step(row)
    return NotificationWhole(
        **dict(shown(row, request.auth.project)),
        events=[_event(event) for event in failures.events(row.id)],
        next_step=NextStep(title=step.title, text=step.text, action=step.action),
    )


@router.post("/notifications/{id}/resend", auth=SEND, response={201: Resent}, summary="Send a notification again")
def resend_notification(request: Call, id: str, options: ResendOptions | None = None) -> Resent:
    """Makes a new notification, to another address if one is given, and lifts what suppresses the address."""
    old = _find(request, id)
    address = options.address if options else None
    done = resend.resend(
        request.auth.project, [old.id], by=by(request), addresses={old.id: address} if address else None
    )
    if not done.new:
        raise ApiError("conflict", done.refused.get(old.id, "This notification cannot be sent again."))
    return Resent(
        **dict(shown(done.new[0], request.auth.project)), lifted=[suppression.address for suppression in done.lifted]
    )


def _find(request: Call, id: str) -> Notification:
    """A notification of the token's project. Anything that is not an id of ours is no notification."""
    try:
        parsed = UUID(id)
    except ValueError:
        not_found("notification", id)
    row = failures.get(parsed) if parsed.version == 7 else None
    if row is None or row.project_id != request.auth.project_id:
        not_found("notification", id)
    return row


def _event(event: DeliveryEvent) -> EventShown:
    type = EventType(event.type)
    return EventShown(
        at=event.at,
        type=type,
        label=str(type.label),
        attempt=event.attempt,
        detail=str(event.data.get("detail", "")),
        data={name: value for name, value in event.data.items() if name != "detail"},
    )
