"""Customer notification logs: who did not get their mail, why, and the button that sends it again.

Two tabs, one view: customer invitations and request notifications. Rows come newest first, in pages of 25.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import replace_url

from undelivered.delivery import explain, failures, kept_counts
from undelivered.delivery import resend as delivery_resend
from undelivered.delivery.explain import Details
from undelivered.delivery.filters import BadFilter, matching
from undelivered.delivery.kept_counts import Counts
from undelivered.delivery.models import Kind, Notification
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State
from undelivered.rules import resend as rules_resend
from undelivered.web.guard import ProjectRequest, project_admin
from undelivered.web.pages import chart, log_filters, resent
from undelivered.web.pages.log_filters import Asked

ROWS = 25
#: Of "all that match", so many are sent again at once.
AT_ONCE = delivery_resend.MOST

TABS = {
    Kind.INVITATION: ("log-invitations", "Customer invitations", "invitations"),
    Kind.REQUEST: ("log-requests", "Request notifications", "request notifications"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A notification with what its Details column says."""

    notification: Notification
    details: Details
    can_resend: bool


@dataclass(frozen=True, slots=True)
class Tab:
    url: str
    label: str
    failed: int
    current: bool


@project_admin
@require_safe
def log(request: ProjectRequest, kind: Kind) -> HttpResponse:
    asked = log_filters.read(kind, request.GET)
    counts = kept_counts.kept_counts(request.project)
    context, status = _results(request, asked)
    context["total"] = counts.total(asked.kind)
    if request.htmx and request.htmx.target in {"results", "rows"}:
        answer = render(request, "log/results.html", context, status=200)
        # The form's own address has a parameter for every empty field; a link to share has what was asked for.
        return replace_url(answer, _address(request, asked)) if request.htmx.target == "results" else answer
    return render(request, "log/page.html", {**context, **_around(request, asked, counts)}, status=status)


def _results(request: ProjectRequest, asked: Asked) -> tuple[dict[str, Any], int]:
    """The rows and what is said about them; the status of the answer."""
    cursor = request.GET.get("cursor") or None
    context: dict[str, Any] = {
        "asked": asked,
        "kind": asked.kind,
        "what": TABS[asked.kind][2],
        "here": reverse(TABS[asked.kind][0], kwargs={"key": request.project.key}),
        "project": request.project,
        "keep_days": settings.ENV.keep_days,
        "cursor": cursor,
        "rows": [],
    }
    if asked.faults:
        return context, 400
    filters = asked.filters()
    try:
        page = failures.page(request.project, filters, cursor=cursor, limit=ROWS)
    except failures.BadCursor:
        return {**context, "stale": True}, 400
    except BadFilter as error:
        return {**context, "asked": replace(asked, faults={error.field: str(error)})}, 400
    shown = _shown(request.GET, cursor) + len(page.items)
    matching = failures.count(request.project, filters)
    context |= {
        "rows": [Row(row, explain.details(row), _can_resend(row)) for row in page.items],
        "bounced": failures.bounced(page.items) if asked.every_state else set(),
        "next": page.next,
        "next_query": f"{asked.query()}&cursor={page.next}".lstrip("&") if page.next else "",
        "all_query": asked.query(state=log_filters.ALL, reason=""),
        "shown": shown,
        "matching": matching,
        "at_once": AT_ONCE,
    }
    return context, 200


def _shown(given: QueryDict, cursor: str | None) -> int:
    """How many rows "Load more" has put on the page already; only a number to show."""
    before = given.get("shown", "")
    return int(before) if cursor and before.isascii() and before.isdigit() and len(before) < 7 else 0


def _can_resend(row: Notification) -> bool:
    """From the list, only what did not arrive; what did is sent again from its own page."""
    return row.state in {State.FAILED, State.CANCELLED} and not row.resent_as


def _around(request: ProjectRequest, asked: Asked, counts: Counts) -> dict[str, Any]:
    """What stands around the rows and does not change with the filters."""
    tabs = [
        Tab(reverse(name, kwargs={"key": request.project.key}), label, counts.failed(kind), kind == asked.kind)
        for kind, (name, label, _) in TABS.items()
    ]
    failed, total = counts.failed(asked.kind), counts.total(asked.kind)
    return {
        "tabs": tabs,
        "failed_query": asked.query(state=log_filters.FAILED),
        "all_query": asked.query(state=log_filters.ALL, reason=""),
        "failed": failed,
        "percent": f"{100 * failed / total:.1f}%" if total else "",
        "chart_open": request.COOKIES.get("undelivered_chart") != "closed",
        "chart": chart.draw(counts.chart(asked.kind), TABS[asked.kind][2]),
        "reasons": chart.ORDER,
        "reason_choices": Reason.choices,
        "state_choices": list(log_filters.STATES.items()),
        "period_choices": log_filters.period_choices(),
        "names": failures.names(request.project, asked.kind) if asked.kind == Kind.REQUEST else [],
    }


def _address(request: ProjectRequest, asked: Asked) -> str:
    query = asked.query()
    here = reverse(TABS[asked.kind][0], kwargs={"key": request.project.key})
    return f"{here}?{query}" if query else here


@project_admin
@require_POST
def resend_selected(request: ProjectRequest, kind: Kind) -> HttpResponse:
    """Sends the chosen rows again, or all that match the filters of the page, as many as one step takes."""
    asked = log_filters.read(kind, QueryDict(request.POST.get("filters", "")[:4000]))
    everything = bool(request.POST.get("everything"))
    ids = _everything(request, asked) if everything else _ids(request.POST.getlist("id"))
    if ids:
        done = rules_resend.resend(request.project, ids, by=request.by)
        messages.add_message(request, *resent.said(done))
    else:
        messages.warning(request, "Nothing was resent: choose at least one notification that failed.")
    if everything and len(ids) == AT_ONCE:
        messages.info(request, f"These were the newest {AT_ONCE:,}. Resend again for the rest.")
    return redirect(_address(request, asked))


def _everything(request: ProjectRequest, asked: Asked) -> list[UUID]:
    """All that match, as many as one step takes; only failed ones, not resent yet: nobody gets a mail twice."""
    if asked.faults or asked.state != log_filters.FAILED:
        return []
    try:
        found = matching(request.project, asked.filters().checked())
    except BadFilter:
        return []
    return list(found.filter(resent_as=None).order_by("-id").values_list("id", flat=True)[:AT_ONCE])


def _ids(given: list[str]) -> list[UUID]:
    found = []
    for value in given[:AT_ONCE]:
        try:
            found.append(UUID(value))
        except ValueError:
            continue
    return found
