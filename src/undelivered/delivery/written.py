"""Mails that a program wrote itself and hands over in batches: each has its own words; all are stored, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from undelivered.database import ids
from undelivered.delivery.addresses import canonical, domain_of
from undelivered.delivery.enqueue import BATCH, insert
from undelivered.delivery.models import Content, Kind, Notification
from undelivered.delivery.personal import CLOSE, OPEN
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


def take(project: Project, mails: Sequence[Written]) -> list[Notification]:
    """Stores the mails, in the caller's transaction; their notifications, in the same order."""
    contents = [_content(project, mail) for mail in mails]
    Content.objects.bulk_create(contents, batch_size=BATCH)
    rows = [_row(project, mail, content) for mail, content in zip(mails, contents, strict=True)]
    insert(rows)
    return rows


def _content(project: Project, mail: Written) -> Content:
    return Content(
        project=project,
        event=EVENT,
        from_name=project.from_name or project.name,
        from_address=project.from_address,
        # Nothing personal is filled into words that a program wrote: they have no marks.
        subject=mail.subject.translate(_NO_MARKS),
        text=mail.text.translate(_NO_MARKS),
        html=mail.html.translate(_NO_MARKS),
        headers=[list(header) for header in mail.headers],
    )


def _row(project: Project, mail: Written, content: Content) -> Notification:
    key = canonical(mail.recipient)
    return Notification(
        id=ids.uuid7(),
        project=project,
        kind=mail.kind,
        event=EVENT,
        name=mail.name,
        recipient=mail.recipient,
        recipient_key=key,
        recipient_domain=domain_of(key),
        recipient_name=mail.recipient_name,
        issue_key=mail.issue_key,
        content_id=content.id,
    )
