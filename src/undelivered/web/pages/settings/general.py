"""The project itself: its name, the sender of its mails, its limits and what happens when they are reached."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from undelivered.database import ids
from undelivered.delivery import limits, resend
from undelivered.delivery.filters import kept_since
from undelivered.delivery.models import Notification
from undelivered.delivery.states import State
from undelivered.desk import projects
from undelivered.desk.models import AtLimit, Project
from undelivered.web.guard import ProjectRequest, project_admin
from undelivered.web.pages.fields import Address, DeskForm, Line
from undelivered.web.pages.settings import TABS

MB = 1024 * 1024


class GeneralForm(DeskForm):
    name = Line(label="Name", max_length=200)
    from_name = Line(label="Sender's name", max_length=200, required=False, help_text="Empty: the project's name.")
    from_address = Address(label="Sender's address", help_text="Mails come from here, and answers go there.")
    daily_limit = forms.IntegerField(
        label="Daily limit",
        min_value=0,
        max_value=2_000_000_000,
        required=False,
        help_text="Mails that this project may send a day. Empty: only the site's limit counts.",
    )
    at_limit = forms.ChoiceField(label="When a limit is reached", choices=AtLimit.choices, widget=forms.RadioSelect)
    size_limit = forms.DecimalField(
        label="Largest mail, in MB",
        max_digits=7,
        decimal_places=3,
        required=False,
    )

    def clean_size_limit(self) -> int | None:
        given = self.cleaned_data["size_limit"]
        if given is None:
            return None
        size, most = int(given * MB), settings.ENV.size_limit
        if not 1024 <= size <= most:
            raise forms.ValidationError(f"Use at least 0.001, and at most the site's {most / MB:g} MB.")
        return size


@project_admin
def page(request: ProjectRequest) -> HttpResponse:
    form = GeneralForm(request.POST or None, initial=_initial(request.project))
    if request.method == "POST" and form.is_valid():
        try:
            projects.change(request.project, by=request.by, **form.cleaned_data)
        except ValueError as error:
            form.refuse(error)
        else:
            messages.success(request, "The settings are saved.")
            return redirect("settings-general", key=request.project.key)
    usage = limits.usage(request.project)
    context = {
        "tabs": TABS,
        "form": form,
        "usage": usage,
        "meters": _meters(usage),
        "held": held(request.project),
        "site_size": f"{settings.ENV.size_limit / MB:g}",
    }
    return render(request, "settings/general.html", context, status=422 if form.errors else 200)


def _initial(project: Project) -> dict[str, object]:
    names = ("name", "from_name", "from_address", "daily_limit", "at_limit")
    size = f"{project.size_limit / MB:g}" if project.size_limit else None
    return {**{name: getattr(project, name) for name in names}, "size_limit": size}


def _meters(usage: limits.Usage) -> list[tuple[str, int, int, int, bool]]:
    """(whose, used, limit, percent, nearly used up) of each limit that there is."""
    pairs = (("This project", usage.used, usage.limit), ("The whole site", usage.site_used, usage.site_limit))
    found = []
    for whose, used, limit in pairs:
        if limit is not None:
            percent = min(100, round(100 * used / limit)) if limit else 100
            found.append((whose, used, limit, percent, percent >= 90))
    return found


def held(project: Project) -> int:
    """How many mails wait for the limit to reset; counted no further than 10,000."""
    rows = Notification.objects.filter(
        project=project,
        state=State.HELD,
        id__gte=ids.lowest(kept_since()),
        id__lt=ids.lowest(timezone.now() + timedelta(minutes=5)),
    )
    return len(rows.values_list("id", flat=True)[:10_000])


@project_admin
@require_POST
def send_held(request: ProjectRequest) -> HttpResponse:
    """Sends the held ones now, as far as the limits allow."""
    n = resend.release_held(request.project, by=request.by)
    if n:
        messages.success(request, f"{n:,} held {'notification is' if n == 1 else 'notifications are'} on the way.")
    else:
        messages.info(request, "There is nothing held that could be sent now.")
    return redirect("settings-general", key=request.project.key)
