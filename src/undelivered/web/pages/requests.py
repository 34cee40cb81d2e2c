"""Requests of a project: the list with its search, and the form for a new one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from undelivered.database import ids
from undelivered.delivery.addresses import canonical
from undelivered.delivery.filters import kept_since
from undelivered.delivery.models import Notification
from undelivered.delivery.states import State
from undelivered.desk import issue_keys, typed
from undelivered.desk.models import Project, Request, Status
from undelivered.rules import act, people
from undelivered.web.guard import ProjectRequest, project_member
from undelivered.web.pages import pasted
from undelivered.web.pages.fields import DeskForm, Line, Text

LIMIT = 25


@dataclass(frozen=True, slots=True)
class Row:
    """A request as the list shows it: `lost` of its notifications reached nobody."""

    request: Request
    lost: int


@project_member
def listing(request: ProjectRequest) -> HttpResponse:
    """Newest first; `q` is an issue key, an address or words, `before` the id where the page begins."""
    q = typed.line(request.GET.get("q", ""))[:200]
    status = request.GET.get("status", "")
    found = matching(request.project, q, status if status in Status.values else "")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        found = found.filter(id__lt=int(before))
    rows = list(found[: LIMIT + 1])
    lost = not_reached(request.project, [row.issue_key for row in rows])
    kept = {name: value for name, value in (("q", q), ("status", status)) if value}
    context = {
        "rows": [Row(row, lost[row.issue_key]) for row in rows[:LIMIT]],
        "q": q,
        "status": status,
        "statuses": Status.choices,
        "more": "?" + urlencode({**kept, "before": rows[LIMIT - 1].pk}) if len(rows) > LIMIT else "",
        "filtered": bool(kept),
        "kept": f"{settings.ENV.keep_days} days.",
    }
    return render(request, "requests/page.html", context)


def matching(project: Project, q: str, status: str) -> QuerySet[Request]:
    found = Request.objects.filter(project=project).select_related("reporter").order_by("-id")
    if status:
        found = found.filter(status=status)
    if not q:
        return found
    if parsed := issue_keys.parse(q if not q.isdecimal() else f"{project.key}-{q}"):
        return found.filter(issue_key=issue_keys.write(*parsed))
    if "@" in q:
        return found.filter(reporter__address_key__startswith=canonical(q))
    return found.filter(Q(summary__icontains=q) | Q(reporter__name__icontains=q))


def not_reached(project: Project, keys: list[str]) -> Counter[str]:
    """How many notifications of each request failed in the time that they are kept, and were not sent again."""
    failed = Notification.objects.filter(
        project=project,
        issue_key__in=keys,
        id__gte=ids.lowest(kept_since()),
        id__lt=ids.lowest(timezone.now() + timedelta(minutes=5)),
        state=State.FAILED,
        resent_as=None,
    )
    return Counter(failed.values_list("issue_key", flat=True)[:1000])


class NewRequest(DeskForm):
    summary = Line(label="Summary", max_length=500)
    description = Text(label="Description", rows=7, required=False)
    reporter = Line(
        label="Reporter",
        max_length=1000,
        help_text="The customer who asks: an address, or Name <address>. It is kept as you write it.",
    )
    participants = Text(
        label="Participants",
        rows=3,
        required=False,
        help_text="Other customers who follow the request: one a line, or between commas.",
    )
    url = forms.URLField(
        label="Address elsewhere",
        max_length=2000,
        required=False,
        assume_scheme="https",
        help_text="Only for a request that lives in another help desk. Mails link to it there.",
    )

    def clean_reporter(self) -> pasted.Pasted:
        found = pasted.read(self.cleaned_data["reporter"])
        if len(found) != 1:
            raise forms.ValidationError("Name one customer. The others are participants.")
        return found[0]

    def clean_participants(self) -> list[pasted.Pasted]:
        try:
            return pasted.read(self.cleaned_data["participants"])
        except pasted.TooLong as error:
            raise forms.ValidationError(str(error)) from error


@project_member
def new(request: ProjectRequest) -> HttpResponse:
    form = NewRequest(request.POST or None, initial={"reporter": request.GET.get("reporter", "")})
    if request.method == "POST" and form.is_valid():
        try:
            made = _open(request, form)
        except ValueError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{made.issue_key} is open.")
            return redirect("request", key=request.project.key, issue_key=made.issue_key)
    return render(request, "requests/new.html", {"form": form}, status=422 if form.errors else 200)


@transaction.atomic
def _open(request: ProjectRequest, form: NewRequest) -> Request:
    data = form.cleaned_data
    reporter: pasted.Pasted = data["reporter"]
    return act.open_request(
        request.project,
        summary=data["summary"],
        description=data["description"],
        reporter=people.customer(reporter.address, reporter.name, reporter.language),
        participants=[people.customer(who.address, who.name, who.language) for who in data["participants"]],
        url=data["url"],
        by=request.by,
    )
