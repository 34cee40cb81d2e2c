"""The rules: which events are told, to whom, with which words, switched on and off."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from undelivered.desk.models import Project
from undelivered.rules.events import EVENTS, Event
from undelivered.rules.models import Rule
from undelivered.rules.recipients import RECIPIENTS
from undelivered.rules.rules_of import change_rule, recipients_of, rules_of
from undelivered.web.guard import ProjectRequest, project_admin
from undelivered.web.pages.settings import TABS


@dataclass(frozen=True, slots=True)
class Row:
    """A rule as the list shows it."""

    rule: Rule
    event: Event
    recipients: str

    @property
    def own_text(self) -> bool:
        return bool(self.rule.subject or self.rule.body)


@project_admin
@require_GET
def page(request: ProjectRequest) -> HttpResponse:
    rows = [Row(rule, EVENTS[rule.event], told_people(rule)) for rule in rules_of(request.project)]
    context = {"tabs": TABS, "rows": rows, "keep_days": settings.ENV.keep_days}
    return render(request, "settings/rules.html", context)


def told_people(rule: Rule) -> str:
    """`the reporter and the participants`"""
    labels = [RECIPIENTS[name].label for name in recipients_of(rule)]
    return " and ".join(label[:1].lower() + label[1:] for label in labels)


def find(project: Project, event: str) -> Rule:
    found = next((rule for rule in rules_of(project) if rule.event == event), None)
    if found is None:
        raise Http404("There is no such rule.")
    return found


@project_admin
@require_POST
def switch(request: ProjectRequest, event: str) -> HttpResponse:
    """On or off."""
    rule = find(request.project, event)
    enabled = request.POST.get("enabled") == "on"
    if enabled != rule.enabled:
        change_rule(rule, by=request.by, enabled=enabled)
    messages.success(request, f"“{rule.name}” is {'on' if enabled else 'off'}.")
    return redirect("settings-rules", key=request.project.key)
