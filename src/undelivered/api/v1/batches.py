"""Programs that write their own mails: many in one call, stored before the answer, all of them or none."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from undelivered.api.auth import SEND_OFTEN, Call, project_of
from undelivered.api.fields import Address, Answer, Body, Label, Name, Summary, Text
from undelivered.api.idempotency import one_statement
from undelivered.api.v1.notifications import router  # the same path: one router has both of its methods
from undelivered.delivery import written
from undelivered.delivery.models import Kind
from undelivered.delivery.states import State
from undelivered.delivery.written import RESERVED, Written
from undelivered.desk import issue_keys

__all__ = ("router", "send_notifications")

MOST = 1000
MOST_HEADERS = 20
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,75}")


def _key(value: str) -> str:
    if value and not issue_keys.parse(value):
        raise ValueError("Write an issue key as IT-12.")
    return value.strip().upper()


def _headers(value: dict[str, str]) -> dict[str, str]:
    for name, content in value.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name[:80]!r} is not the name of a header.")
        if name.lower() in RESERVED:
            raise ValueError(f"The header {name} is Undelivered's own.")
        if len(content) > 2000 or not content.isprintable():
            raise ValueError(f"The header {name} has more than 2,000 characters, or a control character.")
    return value


class NewNotification(Body):
    """A mail to one recipient, with `html`, `text` or both."""

    kind: Literal["invitation", "request"]
    name: Label = Field(description="The notification's name in the log.")
    recipient: Address
    recipient_name: Name = ""
    issue_key: Annotated[str, Field(max_length=20), AfterValidator(_key)] = Field("", description="`IT-12`, if any.")
    subject: Summary
    html: Text = ""
    text: Text = ""
    headers: Annotated[dict[str, str], Field(max_length=MOST_HEADERS), AfterValidator(_headers)] = Field(
        default_factory=dict, description="Further headers, such as References."
    )

    @model_validator(mode="after")
    def says_something(self) -> Self:
        if not self.html.strip() and not self.text.strip():
            raise ValueError("Give html, text or both.")
        return self


class NewNotifications(Body):
    notifications: Annotated[list[NewNotification], Field(min_length=1, max_length=MOST)]


class Accepted(Answer):
    id: UUID
    state: State


class AcceptedList(Answer):
    items: list[Accepted]


@router.post(
    "/projects/{key}/notifications", auth=SEND_OFTEN, response={202: AcceptedList}, summary="Send mails that you wrote"
)
@one_statement
def send_notifications(request: Call, key: str, new: NewNotifications) -> AcceptedList:
    """Up to 1,000 mails, in the order of the answer's items. Nothing is stored if one of them is bad."""
    rows = written.take(project_of(request, key), [_written(one) for one in new.notifications])
    return AcceptedList(items=[Accepted(id=row.id, state=State.QUEUED) for row in rows])


def _written(one: NewNotification) -> Written:
    return Written(
        kind=Kind(one.kind),
        name=one.name,
        recipient=one.recipient,
        subject=one.subject,
        text=one.text,
        html=one.html,
        recipient_name=one.recipient_name,
        issue_key=one.issue_key,
        headers=tuple(one.headers.items()),
    )
