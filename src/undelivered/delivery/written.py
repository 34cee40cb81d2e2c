"""Mails that a program wrote itself and hands over in batches: each has its own words; all are stored, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from undelivered.database import ids
from undelivered.delivery.addresses import canonical, domain_of
from undelivered.delivery.enqueue import insert_each
from undelivered.delivery.models import Kind
from undelivered.delivery.personal import CLOSE, OPEN
from undelivered.delivery.store import NewContent, NewNotification
from undelivered.desk.models import Project

EVENT = "written"
#: Headers that are Undelivered's own: whoever could set them could change whose mail it is, or where it goes.
RESERVED = frozenset(
    {"from", "sender", "to", "cc", "bcc", "subject", "date", "message-id", "reply-to", "return-path", "received"}
    | {"mime-version", "content-type", "content-transfer-encoding", "content-disposition", "dkim-signature"}
)
_NO_MARKS = str.maketrans("", "", OPEN + CLOSE)


@dataclass(frozen=True, slots=True)
class Written:
    """One mail to one recipient. `headers` are (name, value) pairs, none of them `RESERVED`."""

    kind: Kind
    name: str
    recipient: str
    subject: str
    text: str = ""
    html: str = ""
    recipient_name: str = ""
    issue_key: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def take(project: Project, mails: Sequence[Written]) -> list[NewNotification]:
    """Stores the mails, in the caller's transaction if there is one; their notifications, in the same order."""
    made = [(content := _content(project, mail), _row(project, mail, content)) for mail in mails]
    insert_each(made)
    return [row for _, row in made]


def _content(project: Project, mail: Written) -> NewContent:
    return NewContent(
        id=ids.uuid7(),
        project_id=project.pk,
        event=EVENT,
        from_name=project.from_name or project.name,
        from_address=project.from_address,
        subject=_without_marks(mail.subject),
        text=_without_marks(mail.text),
        html=_without_marks(mail.html),
        headers=mail.headers,
    )


def _without_marks(text: str) -> str:
    """Nothing personal is filled into words that a program wrote."""
    return text if text.isascii() else text.translate(_NO_MARKS)


def _row(project: Project, mail: Written, content: NewContent) -> NewNotification:
    key = canonical(mail.recipient)
    return NewNotification(
        id=ids.uuid7(),
        content_id=content.id,
        project_id=project.pk,
        kind=mail.kind,
        event=EVENT,
        name=mail.name,
        recipient=mail.recipient,
        recipient_key=key,
        recipient_domain=domain_of(key),
        recipient_name=mail.recipient_name,
        issue_key=mail.issue_key,
    )
