"""Comments on requests: public ones are mailed as the project's rules say, internal ones never to customers."""

from __future__ import annotations

from datetime import datetime

from ninja import Query as FromQuery
from ninja import Router
from pydantic import Field

from undelivered.api import cursors
from undelivered.api.auth import READ, SEND, Call, by, not_found, request_of
from undelivered.api.errors import ApiError
from undelivered.api.fields import Answer, Body, Cursor, FilledText, Limit, Query
from undelivered.api.v1.notification_shown import Told, told
from undelivered.api.v1.people import Person, customer_of
from undelivered.desk.actors import By
from undelivered.desk.models import Comment
from undelivered.rules import act, people

router = Router(tags=["Comments"])
_MAX_ID = 2**63 - 1


class NewComment(Body):
    body: FilledText
    public: bool
    author: Person | None = Field(None, description="The customer who wrote it. Without it the service desk did.")


class CommentChange(Body):
    body: FilledText
    public: bool | None = Field(None, description="Without it: as it was.")


class CommentShown(Answer):
    id: int
    request: str
    body: str
    public: bool
    author: str
    author_email: str | None = Field(description="The customer's; null when the service desk wrote it.")
    created_at: datetime
    edited_at: datetime | None


class CommentDone(CommentShown, Told):
    """The comment, and who is told of it."""


class CommentPage(Answer):
    items: list[CommentShown]
    next: str | None


class CommentFilters(Query):
    cursor: Cursor | None = None
    limit: Limit = 25


@router.get("/requests/{key}/comments", auth=READ, response=CommentPage, summary="Comments of a request")
def list_comments(request: Call, key: str, filters: FromQuery[CommentFilters]) -> CommentPage:
    """Public and internal ones, newest first."""
    found = Comment.objects.filter(request=request_of(request, key)).order_by("-id")
    before = cursors.read("comments", filters.cursor)
    if before is not None:
        found = found.filter(id__lt=before)
    rows = list(found.select_related("person", "customer", "request")[: filters.limit + 1])
    page = rows[: filters.limit]
    last = page[-1].id if len(rows) > filters.limit else None
    return CommentPage(items=[shown(row) for row in page], next=cursors.write("comments", last))


@router.post("/requests/{key}/comments", auth=SEND, response={201: CommentDone}, summary="Add a comment")
def add_comment(request: Call, key: str, new: NewComment) -> CommentDone:
    """In the name of the customer `author`, who is then not told of it, or of the service desk."""
    found = request_of(request, key)
    author = by(request)
    if new.author:
        if not new.public:
            raise ApiError.of_field("public", "A customer's comment is public.")
        customer = customer_of(new.author)
        people.add_to_project(found.project, customer)
        author = By(customer=customer, program=author.program)
    made = act.update_request(found, by=author, comment=new.body, public=new.public)
    assert made.comment
    return _done(made.comment, told(request.auth.project, made.told, made.not_told))


@router.get("/requests/{key}/comments/{id}", auth=READ, response=CommentShown, summary="One comment")
def get_comment(request: Call, key: str, id: int) -> CommentShown:
    return shown(_find(request, key, id))


@router.patch("/requests/{key}/comments/{id}", auth=SEND, response=CommentDone, summary="Edit a comment")
def edit_comment(request: Call, key: str, id: int, change: CommentChange) -> CommentDone:
    """Whoever the project's rules name is told of the edit, if the comment is public."""
    done = act.edit_comment(_find(request, key, id), body=change.body, public=change.public, by=by(request))
    assert done.comment
    return _done(done.comment, told(request.auth.project, done.told, done.not_told))


def _find(request: Call, key: str, id: int) -> Comment:
    comments = Comment.objects.select_related("person", "customer", "request", "request__project", "request__reporter")
    found = comments.filter(request=request_of(request, key), pk=id).first() if 0 < id <= _MAX_ID else None
    return found or not_found("comment", str(id))


def shown(row: Comment) -> CommentShown:
    return CommentShown(
        id=row.id,
        request=row.request.issue_key,
        body=row.body,
        public=row.public,
        author=row.author,
        author_email=row.customer.address if row.customer else None,
        created_at=row.created_at,
        edited_at=row.edited_at,
    )


def _done(row: Comment, who: Told) -> CommentDone:
    return CommentDone(**dict(shown(row)), **dict(who))
