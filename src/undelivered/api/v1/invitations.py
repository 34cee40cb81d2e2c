"""Inviting customers to a project."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from ninja import Query as FromQuery
from ninja import Router
from pydantic import Field

from undelivered.api.auth import READ, SEND, Call, by, project_of
from undelivered.api.fields import Address, Answer, Body, Cursor, Language, Limit, Name, Query
from undelivered.api.v1.notifications import NotificationPage, page_of
from undelivered.delivery.filters import ALL, Filters
from undelivered.delivery.models import Kind, NotSentCause
from undelivered.delivery.states import State
from undelivered.rules import invite

router = Router(tags=["Invitations"])
MOST = 500


class Invitee(Body):
    """A customer to be. An address that no mail can reach is taken: its invitation fails, and the log says why."""

    email: Address
    name: Name = ""
    language: Language = Field("", description="RFC 5646 tag, such as `en` or `pt-BR`.")


class NewInvitations(Body):
    customers: Annotated[list[Invitee], Field(min_length=1, max_length=MOST)]


class Invited(Answer):
    """What became of one of them: `notification_id`, or in `not_sent` the cause why no mail is sent."""

    email: str
    name: str
    existing: bool = Field(description="Whether the customer was known in the project before.")
    notification_id: UUID | None
    state: State | None
    not_sent: NotSentCause | None
    not_sent_label: str | None


class InvitedList(Answer):
    items: list[Invited]


class InvitationFilters(Query):
    cursor: Cursor | None = None
    limit: Limit = 25


@router.get("/projects/{key}/invitations", auth=READ, response=NotificationPage, summary="Invitations")
def list_invitations(request: Call, key: str, filters: FromQuery[InvitationFilters]) -> NotificationPage:
    """The invitations of the kept days in every state, newest first: the log with `kind=invitation`."""
    chosen = Filters(kind=Kind.INVITATION, state=ALL)
    return page_of(project_of(request, key), chosen, filters.cursor, filters.limit)


@router.post("/projects/{key}/invitations", auth=SEND, response={201: InvitedList}, summary="Invite customers")
def invite_customers(request: Call, key: str, new: NewInvitations) -> InvitedList:
    """Each customer, new or not, gets the invitation. The answer says for each what is sent and what is not."""
    invitees = [invite.Invitee(person.email, person.name, person.language) for person in new.customers]
    done = invite.invite(project_of(request, key), invitees, by=by(request))
    return InvitedList(items=[_invited(one) for one in done])


def _invited(one: invite.Invited) -> Invited:
    cause = NotSentCause(one.not_sent.cause) if one.not_sent else None
    return Invited(
        email=one.customer.address,
        name=one.customer.name,
        existing=one.existing,
        notification_id=one.notification.id if one.notification else None,
        state=State(one.notification.state) if one.notification else None,
        not_sent=cause,
        not_sent_label=str(cause.label) if cause else None,
    )
