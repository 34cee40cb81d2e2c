"""All projects that a person may see, how their mail fares, and for site admins the making of a new one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from undelivered.delivery.models import DailyCount, DailyCountDelta
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State
from undelivered.desk import access, projects
from undelivered.desk.models import Project
from undelivered.web.guard import PageRequest, signed_in, site_admin
from undelivered.web.shell import THEME_COOKIE, THEMES, start_of

WENT_OUT = {State.SENT, State.DELIVERED}
WAITING = {State.QUEUED, State.SENDING, State.HELD}
SPARK_WIDTH, SPARK_HEIGHT = 112, 24


@dataclass(frozen=True, slots=True)
class Bar:
    """A day in the small chart, in its own units."""

    x: float
    width: float
    y: float
    height: float
    bad_y: float
    bad_height: float


@dataclass(slots=True)
class Fares:
    """How a project's mail fared in the kept days."""

    project: Project
    url: str
    admin: bool
    total: int = 0
    failed: int = 0
    waiting: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    by_day: Counter[date] = field(default_factory=Counter)
    failed_by_day: Counter[date] = field(default_factory=Counter)

    @property
    def percent(self) -> str:
        return f"{100 * self.failed / self.total:.1f}%" if self.total else ""

    def add(self, day: date, state: str, reason: str, n: int) -> None:
        self.total += n
        self.by_day[day] += n
        if state == State.FAILED:
            self.failed += n
            self.failed_by_day[day] += n
            self.reasons[reason] += n
        elif state in WAITING:
            self.waiting += n

    def spark(self, days: list[date]) -> list[Bar]:
        top = max([self.by_day[day] for day in days] + [1])
        step = SPARK_WIDTH / len(days)
        bars = []
        for i, day in enumerate(days):
            height = max((SPARK_HEIGHT - 2) * self.by_day[day] / top, 0.5)
            bad = max((SPARK_HEIGHT - 2) * self.failed_by_day[day] / top, 1.5) if self.failed_by_day[day] else 0.0
            bars.append(
                Bar(round(i * step, 1), round(step - 1.6, 1), SPARK_HEIGHT - height, height, SPARK_HEIGHT - bad, bad)
            )
        return bars


class ProjectForm(forms.Form):
    name = forms.CharField(label="Name", max_length=200, help_text="Customers see it, for example IT Help.")
    key = forms.CharField(
        label="Key", max_length=10, help_text="Issue keys begin with it: IT makes IT-1, IT-2 ... It stays for good."
    )
    from_address = forms.EmailField(
        label="Sender address",
        max_length=254,
        help_text="What the project's mails come from. Your provider must allow it.",
    )

    def clean_key(self) -> str:
        key = str(self.cleaned_data["key"]).strip().upper()
        if fault := projects.key_fault(key):
            raise ValidationError(fault)
        return key


@require_safe
@signed_in
def home(request: PageRequest) -> HttpResponse:
    return _page(request, ProjectForm(initial={"from_address": settings.ENV.from_address}))


@require_POST
@site_admin
def create_project(request: PageRequest) -> HttpResponse:
    form = ProjectForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    project = projects.create(**form.cleaned_data, by=request.by)
    messages.success(request, f"{project.name} is ready. Invite its first customers, or make its first request.")
    return redirect(start_of(project, admin=True))


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Light, dark, or as the system has it; kept in a cookie, so that a page never flashes in the other one."""
    chosen, back = request.POST.get("theme", ""), request.POST.get("next", "/")
    known = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    answer = redirect(back if known else "/")
    if chosen in THEMES and chosen:
        answer.set_cookie(THEME_COOKIE, chosen, max_age=365 * 24 * 3600, samesite="Lax", secure=settings.SECURE)
    else:
        answer.delete_cookie(THEME_COOKIE, samesite="Lax")
    return answer


def _page(request: PageRequest, form: ProjectForm, status: int = 200) -> HttpResponse:
    today = timezone.localdate()
    days = [today - timedelta(days=back) for back in reversed(range(settings.ENV.keep_days))]
    fares = _fares(request, days[0])
    reasons: Counter[str] = sum((one.reasons for one in fares), Counter())
    context = {
        "fares": fares,
        "sparks": {one.project.pk: one.spark(days) for one in fares},
        "rows": [(one, one.spark(days)) for one in fares],
        "total": sum(one.total for one in fares),
        "failed": sum(one.failed for one in fares),
        "waiting": sum(one.waiting for one in fares),
        "shares": _shares(reasons),
        "sees_numbers": any(one.admin for one in fares),
        "keep_days": settings.ENV.keep_days,
        "form": form,
    }
    return render(request, "home.html", context, status=status)


def _shares(reasons: Counter[str]) -> list[tuple[str, int, int]]:
    """(reason, how often, percent of the most frequent one), most frequent first."""
    top = max(reasons.values(), default=1)
    return [
        (reason, n, round(100 * n / top)) for reason, n in reasons.most_common() if n > 0 and reason in Reason.values
    ]


def _fares(request: PageRequest, since: date) -> list[Fares]:
    """Projects by key. Numbers are for admins: agents see on a request what became of its notifications."""
    admin_of = set(access.administered(request.user).values_list("pk", flat=True))
    found = {
        project.pk: Fares(project, start_of(project, admin=project.pk in admin_of), project.pk in admin_of)
        for project in access.projects_of(request.user)
    }
    for table in (DailyCount, DailyCountDelta):
        rows = table.objects.filter(project_id__in=admin_of, day__gte=since).exclude(kind="account")
        for project, day, state, reason, n in (
            rows.values_list("project_id", "day", "state", "reason").annotate(sum=Sum("n")).order_by()
        ):
            found[project].add(day, state, reason, n)
    return list(found.values())
