"""One request: the conversation, what can be done, and who was notified, who was not, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from undelivered.delivery import failures
from undelivered.delivery.models import NotSentCause
from undelivered.desk import issue_keys, opt_outs
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import Comment, Customer, Project, Request, Role, Status
from undelivered.rules import act, announce, people
from undelivered.web.guard import ProjectRequest, project_member
from undelivered.web.pages import pasted, told
from undelivered.web.pages.fields import DeskForm, Line, Text

WHO_SEES = (("public", "Public"), ("internal", "Team only"))


class Reply(DeskForm):
    """What can be done to a request in one action: each customer gets one mail about all of it."""

    body = Text(label="Reply", rows=5, required=False)
    who = forms.ChoiceField(label="Who sees it", choices=WHO_SEES, initial="public", widget=forms.RadioSelect)
    status = forms.ChoiceField(label="Status", choices=Status.choices, required=False)
    resolution = Line(label="Resolution", max_length=200, required=False)
    participants = Text(
        label="Add participants",
        rows=2,
        required=False,
        help_text="Customers who follow the request from now on: one a line, or between commas.",
    )

    def clean_participants(self) -> list[pasted.Pasted]:
        try:
            return pasted.read(self.cleaned_data["participants"])
        except pasted.TooLong as error:
            raise forms.ValidationError(str(error)) from error


class EditComment(DeskForm):
    body = Text(label="Comment", rows=5)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "edit_%s")  # the reply on the same page has a body too
        super().__init__(*args, **kwargs)


def find(project: Project, issue_key: str) -> Request:
    named = Request.objects.filter(project=project, issue_key=issue_key.upper()).select_related("reporter")
    found = named.first() if issue_keys.parse(issue_key) else None
    if found is None:
        raise Http404(f"There is no request {issue_key} in {project.name}.")
    return found


@project_member
@require_GET
def detail(request: ProjectRequest, issue_key: str) -> HttpResponse:
    found = find(request.project, issue_key)
    editing = _comment(found, request.GET["edit"]) if request.GET.get("edit") else None
    edit = EditComment(initial={"body": editing.body}) if editing else None
    form = Reply(initial={"status": found.status, "resolution": found.resolution})
    return _show(request, found, form, editing=editing, edit=edit)


@project_member
@require_POST
def reply(request: ProjectRequest, issue_key: str) -> HttpResponse:
    found = find(request.project, issue_key)
    form = Reply(request.POST)
    if form.is_valid():
        try:
            done = _update(request, found, form)
        except ValueError as error:
            form.refuse(error)
        else:
            messages.success(request, _said(done))
            return redirect("request", key=request.project.key, issue_key=found.issue_key)
    return _show(request, found, form, status=422)


@transaction.atomic
def _update(request: ProjectRequest, found: Request, form: Reply) -> act.Done:
    data = form.cleaned_data
    status = data["status"] or found.status
    new = [people.customer(who.address, who.name, who.language) for who in data["participants"]]
    if not data["body"].strip() and status == found.status and not new:
        raise BadInput("body", "Write something, change the status, or add a participant.")
    return act.update_request(
        found,
        by=request.by,
        comment=data["body"].strip(),
        public=data["who"] == "public",
        status=status if status != found.status else None,
        resolution=data["resolution"] if status == Status.RESOLVED else "",
        participants=new,
    )


def _said(done: act.Done) -> str:
    """What the toast says: the truth about who is mailed."""
    mailed = told.names([row.recipient_name or row.recipient for row in done.told])
    if mailed:
        return f"Saved. Mailing {mailed}."
    return "Saved. Nobody is mailed."


@project_member
def edit(request: ProjectRequest, issue_key: str, comment_id: int) -> HttpResponse:
    """GET opens the request with the comment as a form."""
    found = find(request.project, issue_key)
    comment = _comment(found, str(comment_id))
    if request.method != "POST":
        return redirect(f"{request.path.rsplit('/comments/', 1)[0]}?edit={comment.pk}#comment-{comment.pk}")
    form = EditComment(request.POST)
    if form.is_valid():
        try:
            act.edit_comment(comment, body=form.cleaned_data["body"], by=request.by)
        except ValueError as error:
            form.refuse(error)
        else:
            messages.success(request, "The comment is changed.")
            return redirect("request", key=request.project.key, issue_key=found.issue_key)
    reply_form = Reply(initial={"status": found.status, "resolution": found.resolution})
    return _show(request, found, reply_form, editing=comment, edit=form, status=422)


def _comment(found: Request, pk: str) -> Comment:
    comment = found.comments.filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) < 19 else None
    if comment is None:
        raise Http404("There is no such comment on this request.")
    return comment


@project_member
@require_GET
def plan(request: ProjectRequest, issue_key: str) -> HttpResponse:
    """The sentence below the reply, for what is chosen at the moment."""
    found = find(request.project, issue_key)
    return render(request, "request/plan.html", {"found": found, "plan": _plan(request, found, request.GET)})


@dataclass(frozen=True, slots=True)
class Plan:
    """Who would be mailed, who would not and why: `Ann Keller (blocked)`."""

    mailed: str
    not_mailed: str


def _plan(request: ProjectRequest, found: Request, chosen: Mapping[str, str]) -> Plan:
    planned = announce.plan(found, _events(found, chosen), request.by)
    mailed = told.names([one.customer.called for one in planned if one.told])
    not_mailed = told.names(
        [f"{one.customer.called} ({_SHORT.get(one.cause, one.label)})" for one in planned if not one.told]
    )
    return Plan(mailed, not_mailed)


#: Causes in a word or two, for between brackets.
_SHORT = {
    "blocked": "blocked",
    NotSentCause.OWN_ACTIVITY: "own activity",
    NotSentCause.RULE_OFF: "switched off",
    NotSentCause.OPTED_OUT: "turned off",
    NotSentCause.OPTED_OUT_OF_PROJECT: "turned all mail off",
}


def _events(found: Request, chosen: Mapping[str, str]) -> list[str]:
    """What the chosen action would cause. A reply is what people come here for: it counts before a word is written."""
    status = chosen.get("status") or found.status
    events = ["public_comment_added"] if chosen.get("who", "public") == "public" else []
    if status != found.status:
        resolved, reopened = status == Status.RESOLVED, found.status == Status.RESOLVED
        events.append("request_resolved" if resolved else "request_reopened" if reopened else "status_changed")
    return events


def _told(request: ProjectRequest, found: Request, comments: Sequence[Comment]) -> dict[str, Any]:
    notifications, not_sents = failures.for_request(request.project, found.issue_key)
    return {
        "groups": told.groups(notifications, not_sents),
        "marks": told.marks(comments, notifications),
        "missed": told.missed(notifications),
        "under_way": told.under_way(notifications),
        "is_admin": request.role == Role.ADMIN,
        "keep_days": settings.ENV.keep_days,
    }


def _show(
    request: ProjectRequest,
    found: Request,
    form: Reply,
    *,
    editing: Comment | None = None,
    edit: EditComment | None = None,
    status: int = 200,
) -> HttpResponse:
    comments = list(found.comments.select_related("person", "customer").order_by("id"))
    seen = _told(request, found, comments)
    participants = list(Customer.objects.filter(participates=found).order_by("participant__added_at"))
    this, whole = opt_outs.wishes(found, {found.reporter_id, *(who.pk for who in participants)})
    off = this | whole
    context = {
        "found": found,
        "conversation": [(comment, seen["marks"].get(comment.pk, [])) for comment in comments],
        "form": form,
        "editing": editing,
        "edit_form": edit,
        "plan": _plan(request, found, form.data if form.is_bound else {}),
        "participants": [(who, who.pk in off) for who in participants],
        "writes_to": told.names([found.reporter.called, *(who.called for who in participants)]),
        "reporter_off": found.reporter_id in off,
        "statuses": Status.choices,
        **seen,
    }
    return render(request, "request/page.html", context, status=status)
