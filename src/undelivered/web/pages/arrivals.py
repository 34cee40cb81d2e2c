"""What came in, and what it did: bounces, receipts, complaints and providers' events; newest first, and each alone.

Project admins see what is about their project's mail; site admins also see what nothing tells whose it is. What came in
is shown as text, never as what it says it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from undelivered.delivery.failures import BadCursor
from undelivered.delivery.models import Notification
from undelivered.delivery.suppression import cause_label
from undelivered.desk import typed
from undelivered.desk.models import Project
from undelivered.inbound import kept
from undelivered.inbound.kept import Filters
from undelivered.inbound.models import Arrival, Door, Evidence, Made, Mailbox
from undelivered.web.guard import PageRequest, ProjectRequest, project_admin, site_admin
from undelivered.web.pages import arrival_words

#: As much of what came in is shown.
SHOWN = 64 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """An arrival as the list shows it."""

    arrival: Arrival
    url: str
    icon: str
    what: str
    origin: str
    badge: tuple[str, str]
    notification: Notification | None
    suppressed: bool


@project_admin
@require_safe
def listing(request: ProjectRequest) -> HttpResponse:
    return _list(request, request.project)


@project_admin
@require_safe
def page(request: ProjectRequest, id: UUID) -> HttpResponse:
    return _one(request, request.project, id)


@site_admin
@require_safe
def nobodys(request: PageRequest) -> HttpResponse:
    """What nothing tells whose it is."""
    return _list(request, None)


@site_admin
@require_safe
def nobodys_page(request: PageRequest, id: UUID) -> HttpResponse:
    return _one(request, None, id)


def _list(request: PageRequest, project: Project | None) -> HttpResponse:
    asked = {name: typed.line(request.GET.get(name, ""))[:254] for name in ("made", "door", "recipient")}
    context: dict[str, Any] = {
        **_frame(project),
        "asked": asked,
        "mades": list(Made.choices),
        "doors": list(Door.choices),
        "narrowed": any(asked.values()),
        "cursor": request.GET.get("before", ""),
    }
    try:
        found = kept.page(project, Filters(**asked), cursor=context["cursor"], limit=kept.PAGE)
    except BadCursor as error:
        return render(request, "arrivals/page.html", {**context, "fault": str(error)}, status=400)
    query = {name: value for name, value in asked.items() if value}
    context["rows"] = _rows(project, found.items)
    context["more"] = "?" + urlencode({**query, "before": found.next}) if found.next else ""
    return render(request, "arrivals/page.html", context)


def _frame(project: Project | None) -> dict[str, Any]:
    here = reverse("arrivals", kwargs={"key": project.key}) if project else reverse("system-arrivals")
    return {"project": project, "here": here, "keep_days": settings.ENV.keep_days}


def _url(project: Project | None, arrival: Arrival) -> str:
    if project:
        return reverse("arrival", kwargs={"key": project.key, "id": arrival.id})
    return reverse("system-arrival", kwargs={"id": arrival.id})


def _rows(project: Project | None, arrivals: Sequence[Arrival]) -> list[Row]:
    about = _notifications(project, (one.notification_id for one in arrivals))
    boxes = _mailboxes(arrivals)
    return [
        Row(
            arrival,
            _url(project, arrival),
            *arrival_words.what_came(arrival),
            arrival_words.origin(arrival, boxes),
            arrival_words.badge(arrival),
            about.get(arrival.notification_id) if arrival.notification_id else None,
            any(entry.get("suppressed") for entry in arrival.result),
        )
        for arrival in arrivals
    ]


def _notifications(project: Project | None, wanted: Iterable[UUID | None]) -> dict[UUID, Notification]:
    """Those of the project that are still kept."""
    ids = {id for id in wanted if id is not None}
    if project is None or not ids:
        return {}
    return Notification.objects.filter(project=project, id__gte=min(ids), id__lte=max(ids)).in_bulk(ids)


def _mailboxes(arrivals: Iterable[Arrival]) -> dict[int, Mailbox]:
    wanted = {one.about["mailbox"] for one in arrivals if isinstance(one.about.get("mailbox"), int)}
    return Mailbox.objects.in_bulk(wanted) if wanted else {}


def _one(request: PageRequest, project: Project | None, id: UUID) -> HttpResponse:
    arrival = kept.get(project, id)
    if arrival is None:
        raise Http404(f"There is no such arrival. They are kept for {settings.ENV.keep_days} days.")
    icon, what = arrival_words.what_came(arrival)
    about = _notifications(project, [*map(arrival_words.about, arrival.result), arrival.notification_id])
    raw, size = kept.raw(arrival.id, SHOWN)
    context = {
        **_frame(project),
        "arrival": arrival,
        "icon": icon,
        "what": what,
        "badge": arrival_words.badge(arrival),
        "origin": arrival_words.origin(arrival, _mailboxes([arrival])),
        "findings": [arrival_words.finding(arrival, entry, about) for entry in arrival.result],
        "notification": about.get(arrival.notification_id) if arrival.notification_id else None,
        "cause": cause_label(arrival.cause),
        "evidence": Evidence(arrival.evidence).label if arrival.evidence in Evidence.values else "",
        "facts": arrival_words.facts(arrival),
        "text": arrival_words.as_text(raw, whole=len(raw) == size, is_event=arrival.door == Door.WEBHOOK),
        "size": max(size, _number(arrival.about.get("size"))),
        "shown": len(raw),
        "is_event": arrival.door == Door.WEBHOOK,
    }
    return render(request, "arrivals/arrival.html", context)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
