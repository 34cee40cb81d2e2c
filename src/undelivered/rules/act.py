"""What people do with requests. Each function is one action: one transaction, one audit trail, one mail a recipient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from undelivered.database import ids, prepared, rows
from undelivered.delivery.models import Notification, NotSent
from undelivered.desk import audit, issue_keys, typed
from undelivered.desk.actors import By
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import Comment, Customer, Participant, Project, ProjectCustomer, Request, Status
from undelivered.rules.announce import Happened, announce, internal
from undelivered.rules.variables import in_words

LONGEST_SUMMARY = 500
LONGEST_TEXT = 5_000_000  # a description or a comment; the mail's own limit is what people meet first
LONGEST_RESOLUTION = 200
LONGEST_URL = 2000
DEFAULT_RESOLUTION = "Done"

#: The row is locked, so that two people who resolve a request at the same moment make one event.
LOCKED = f"""
SELECT {rows.columns(Request, "r")}, {rows.columns(Project, "p")}, {rows.columns(Customer, "c")}
FROM desk_request r JOIN desk_project p ON p.id = r.project_id JOIN desk_customer c ON c.id = r.reporter_id
WHERE r.id = %s FOR UPDATE OF r
"""  # noqa: S608
CHANGED = "UPDATE desk_request SET status = %s, resolution = %s, updated_at = %s WHERE id = %s"
_is_web_address = URLValidator(schemes=["http", "https"])


@dataclass(frozen=True, slots=True)
class Done:
    """What an action made: the request as it is now, its comment, and who was told of it or not."""

    request: Request
    comment: Comment | None = None
    told: list[Notification] = field(default_factory=list)
    not_told: list[NotSent] = field(default_factory=list)


@transaction.atomic
def open_request(
    project: Project,
    *,
    summary: str,
    description: str = "",
    reporter: Customer,
    participants: Sequence[Customer] = (),
    url: str = "",
    by: By,
) -> Request:
    """A new request with the project's next issue key. `url` is where it lives, if that is not here.

    Raises `BadInput`, and then nothing has happened.
    """
    summary = typed.required(
        "summary", typed.line(summary), LONGEST_SUMMARY, "Say in a line what the request is about."
    )
    description = typed.short("description", typed.text(description).strip("\n"), LONGEST_TEXT)
    number = _next_number(project)
    request = Request.objects.create(
        project=project,
        number=number,
        issue_key=issue_keys.write(project.key, number),
        summary=summary,
        description=description,
        reporter=reporter,
        url=_web_address(url),
    )
    _let_in(project, [reporter])
    audit.record("request.created", by=by, project=project, target=request.issue_key)
    happened = [Happened("request_created"), *_added(request, participants, by)]
    announce(project, happened, by=by, request=request)
    return request


@transaction.atomic
def update_request(
    request: Request,
    *,
    by: By,
    comment: str = "",
    public: bool = True,
    status: str | None = None,
    resolution: str = "",
    participants: Sequence[Customer] = (),
) -> Done:
    """Comments, moves and shares a request, all in one action: whoever hears of several of these gets one mail.

    What is as it was is not an event. Raises `BadInput`, and then nothing has happened.
    """
    request = _locked(request)
    action = ids.uuid7()
    written = _comment(request, comment, public=public, by=by, action=action)
    happened = [Happened("public_comment_added")] if written and public else []
    happened += _moved(request, status, resolution, by)
    happened += _added(request, participants, by)
    if written or happened:
        request.updated_at = timezone.now()
        prepared.execute(CHANGED, [request.status, request.resolution, request.updated_at, request.pk])
    public_one = written if public else None
    told = announce(request.project, happened, by=by, request=request, comment=public_one, action=action)
    kept = [internal(request, "public_comment_added", action)] if written and not public else []
    return Done(request, written, told.notifications, told.not_sent + kept)


@transaction.atomic
def edit_comment(comment: Comment, *, body: str, public: bool | None = None, by: By) -> Done:
    """Changes a comment. Making an internal one public tells customers as an edit does. Raises `BadInput`."""
    comment = (
        Comment.objects.select_for_update(of=("self",))
        .select_related("request__project", "request__reporter")
        .get(pk=comment.pk)
    )
    request = comment.request
    body = _body(body)
    public = comment.public if public is None else public
    if (body, public) == (comment.body, comment.public):
        return Done(request, comment)
    comment.body, comment.public, comment.edited_at, comment.action = body, public, timezone.now(), ids.uuid7()
    comment.save(update_fields=["body", "public", "edited_at", "action"])
    audit.record("comment.edited", by=by, project=request.project, target=request.issue_key, public=public)
    if not public:
        return Done(request, comment, [], [internal(request, "public_comment_edited", comment.action)])
    happened = [Happened("public_comment_edited")]
    told = announce(request.project, happened, by=by, request=request, comment=comment, action=comment.action)
    return Done(request, comment, told.notifications, told.not_sent)


def _locked(request: Request) -> Request:
    """The request as it is now, until the end of the transaction nobody else's."""
    found = rows.read(Request, LOCKED, [request.pk], project=Project, reporter=Customer)
    if not found:
        raise Request.DoesNotExist
    return found[0]


def _next_number(project: Project) -> int:
    """The update locks the project's row until the end of the transaction: no number is given twice."""
    rows = Project.objects.filter(pk=project.pk)
    rows.update(last_request_number=F("last_request_number") + 1)
    return rows.values_list("last_request_number", flat=True).get()


def _web_address(url: str) -> str:
    url = typed.short("url", typed.line(url), LONGEST_URL)
    if url:
        try:
            _is_web_address(url)
        except ValidationError:
            raise BadInput("url", "This is no web address: it starts with http:// or https://.") from None
    return url


def _body(text: str) -> str:
    return typed.required("body", typed.text(text), LONGEST_TEXT, "Write something.")


def _let_in(project: Project, customers: Sequence[Customer]) -> None:
    """Whoever has a request in a project is one of its customers."""
    rows = [ProjectCustomer(project=project, customer=customer) for customer in customers]
    ProjectCustomer.objects.bulk_create(rows, ignore_conflicts=True)


def _comment(request: Request, text: str, *, public: bool, by: By, action: UUID) -> Comment | None:
    if not text.strip():
        return None
    audit.record("comment.added", by=by, project=request.project, target=request.issue_key, public=public)
    comment = Comment(
        request=request,
        person=by.person,
        customer=by.customer,
        body=_body(text).strip("\n"),
        public=public,
        action=action,
    )
    rows.insert(comment)
    return comment


def _moved(request: Request, status: str | None, resolution: str, by: By) -> list[Happened]:
    """Moves the request to a status, not saved yet: at most one event, named by where it comes from and goes."""
    resolution = typed.short("resolution", typed.line(resolution), LONGEST_RESOLUTION)
    if status is None or status == "":
        if resolution:
            raise BadInput("resolution", "Only a request that is being resolved gets a resolution.")
        return []
    if status not in Status.values:
        raise BadInput("status", f"“{status}” is not a status. Choose from: {', '.join(Status.values)}.")
    if resolution and status != Status.RESOLVED:
        raise BadInput("resolution", "Only a request that is being resolved gets a resolution.")
    old = Status(request.status)
    if status == old:
        return []
    event = (
        "request_resolved"
        if status == Status.RESOLVED
        else "request_reopened"
        if old == Status.RESOLVED
        else "status_changed"
    )
    request.status = Status(status)
    request.resolution = (resolution or DEFAULT_RESOLUTION) if status == Status.RESOLVED else ""
    moved = {"from": old.value, "to": status, "resolution": request.resolution}
    audit.record("request.status_changed", by=by, project=request.project, target=request.issue_key, **moved)
    return [Happened(event, values={"request.previous_status": old.label})]


def _added(request: Request, customers: Sequence[Customer], by: By) -> list[Happened]:
    """Adds those who are not involved yet."""
    if not customers:
        return []
    involved = {request.reporter_id, *Participant.objects.filter(request=request).values_list("customer_id", flat=True)}
    new = [customer for pk, customer in {one.pk: one for one in customers}.items() if pk not in involved]
    if not new:
        return []
    Participant.objects.bulk_create([Participant(request=request, customer=customer) for customer in new])
    _let_in(request.project, new)
    addresses = [customer.address for customer in new]
    audit.record(
        "request.participants_added", by=by, project=request.project, target=request.issue_key, added=addresses
    )
    return [Happened("participant_added", about=new, values={"request.new_participants": in_words(new)})]
