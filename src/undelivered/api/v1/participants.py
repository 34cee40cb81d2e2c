"""Participants of requests: customers besides the reporter who follow it."""

from __future__ import annotations

from typing import Annotated

from ninja import Router
from pydantic import Field

from undelivered.api.auth import READ, SEND, Call, by, request_of
from undelivered.api.fields import Address, Answer, Body
from undelivered.api.v1.notification_shown import Told, told
from undelivered.api.v1.people import PersonShown, customer_of, shown
from undelivered.api.v1.requests import MOST_PARTICIPANTS
from undelivered.desk.models import Request
from undelivered.rules import act

router = Router(tags=["Participants"])


class NewParticipants(Body):
    emails: Annotated[list[Address], Field(min_length=1, max_length=MOST_PARTICIPANTS)]


class ParticipantList(Answer):
    items: list[PersonShown]


class ParticipantsDone(ParticipantList, Told):
    """All participants as they are now, and who is told."""


@router.get("/requests/{key}/participants", auth=READ, response=ParticipantList, summary="Participants of a request")
def list_participants(request: Call, key: str) -> ParticipantList:
    return ParticipantList(items=_participants(request_of(request, key)))


@router.post("/requests/{key}/participants", auth=SEND, response=ParticipantsDone, summary="Add participants")
def add_participants(request: Call, key: str, new: NewParticipants) -> ParticipantsDone:
    """Only those who are new are told. Who participates already stays as they are."""
    found = request_of(request, key)
    done = act.update_request(found, by=by(request), participants=[customer_of(address) for address in new.emails])
    now = _participants(request_of(request, key))
    return ParticipantsDone(items=now, **dict(told(request.auth.project, done.told, done.not_told)))


def _participants(row: Request) -> list[PersonShown]:
    return [shown(customer) for customer in row.participants.all()]
