"""One rule's words: subject and body with a live preview, a test mail, and the way back to the default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from undelivered.delivery.addresses import private, validate
from undelivered.rules import preview as previews
from undelivered.rules import rules_of, variables
from undelivered.rules.events import EVENTS, Event
from undelivered.rules.models import Rule
from undelivered.rules.preview import Preview
from undelivered.rules.recipients import RECIPIENTS
from undelivered.web.guard import ProjectRequest, project_admin
from undelivered.web.headers import MAIL_POLICY
from undelivered.web.pages.fields import DeskForm, Line, Text
from undelivered.web.pages.settings import TABS
from undelivered.web.pages.settings.rules import find, told_people

#: In the frame while the words do not render.
NOTHING = '<!doctype html><meta charset="utf-8"><title>No preview</title>'


class RuleForm(DeskForm):
    name = Line(label="Name", max_length=100, help_text="How the log calls these notifications.")
    subject = Line(label="Subject", max_length=2000)
    recipients = forms.MultipleChoiceField(
        label="Who is told", widget=forms.CheckboxSelectMultiple(attrs={"class": "check"})
    )
    body = Text(
        label="Body",
        rows=18,
        max_length=8_000_000,
        help_text="Markdown and Liquid. The plain text of the mail is made from it.",
    )

    def __init__(self, event: Event, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(name, RECIPIENTS[name].label) for name in rules_of.choices(event)]
        field = self.fields["recipients"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = choices


@dataclass(frozen=True, slots=True)
class Size:
    """How much of the size limit the mail takes."""

    size: int
    limit: int

    @property
    def percent(self) -> float:
        return round(min(100, max(0.5, 100 * self.size / self.limit)), 1)

    @property
    def over(self) -> bool:
        return self.size > self.limit

    @property
    def high(self) -> bool:
        return self.percent >= 80


@project_admin
def page(request: ProjectRequest, event: str) -> HttpResponse:
    rule = find(request.project, event)
    form = RuleForm(EVENTS[event], request.POST or None, initial=_words(rule))
    if request.method == "POST" and form.is_valid():
        try:
            _save(request, rule, form)
        except ValueError as error:
            form.refuse(error)
        else:
            messages.success(request, f"“{form.cleaned_data['name']}” is saved. The next mail says it like this.")
            return redirect("settings-rule", key=request.project.key, event=event)
    return _show(request, rule, form, status=422 if form.errors else 200)


def _save(request: ProjectRequest, rule: Rule, form: RuleForm) -> None:
    data = form.cleaned_data
    rules_of.change_rule(
        rule,
        by=request.by,
        name=data["name"],
        recipients=data["recipients"],
        subject=data["subject"],
        body=data["body"],
    )


def _words(rule: Rule) -> dict[str, Any]:
    event = EVENTS[rule.event]
    return {
        "name": rule.name,
        "recipients": list(rules_of.recipients_of(rule)),
        "subject": rule.subject or event.default_subject,
        "body": rule.body or event.default_body,
    }


def _show(request: ProjectRequest, rule: Rule, form: RuleForm, *, status: int = 200) -> HttpResponse:
    shown = previews.preview(request.project, rule.event, _value(form, "subject"), _value(form, "body"))
    context = {
        "tabs": TABS,
        "rule": rule,
        "event": EVENTS[rule.event],
        "recipients": told_people(rule),
        "form": form,
        "variables": variables.of_event(rule.event),
        "own_text": bool(rule.subject or rule.body),
        **_preview(request, shown),
    }
    return render(request, "settings/rule.html", context, status=status)


def _value(form: RuleForm, name: str) -> str:
    return str(form[name].value() or "")


def _preview(request: ProjectRequest, shown: Preview) -> dict[str, object]:
    limit = request.project.size_limit or settings.ENV.size_limit
    return {"preview": shown, "size": Size(shown.size, min(limit, settings.ENV.size_limit))}


@project_admin
@require_POST
def preview(request: ProjectRequest, event: str) -> HttpResponse:
    """The preview alone, while somebody types."""
    rule = find(request.project, event)
    shown = previews.preview(request.project, rule.event, request.POST.get("subject", ""), request.POST.get("body", ""))
    context = {"rule": rule, "event": EVENTS[event], "live": True, **_preview(request, shown)}
    return render(request, "settings/rule_preview.html", context)


@project_admin
def mail(request: ProjectRequest, event: str) -> HttpResponse:
    """The mail itself, as a document of its own that may do nothing. A POST shows the words of the form."""
    rule = find(request.project, event)
    words = {**_words(rule), **{name: request.POST[name] for name in ("subject", "body") if name in request.POST}}
    shown = previews.preview(request.project, rule.event, words["subject"], words["body"])
    response = HttpResponse(shown.html or NOTHING)
    response["Content-Security-Policy"] = MAIL_POLICY
    return response


@project_admin
@require_POST
def test(request: ProjectRequest, event: str) -> HttpResponse:
    """Sends a test mail with the words as they stand in the form, saved or not."""
    rule = find(request.project, event)
    form = RuleForm(EVENTS[event], request.POST)
    to = request.POST.get("to", "").strip() or request.user.email
    if problem := validate(to) or private(to):
        messages.error(request, f"{to}: {problem.detail}")
        return _show(request, rule, form)
    if form.is_valid():
        data = form.cleaned_data
        try:
            previews.send_test(
                request.project, event, data["subject"], data["body"].replace("\r\n", "\n"), to, request.by
            )
        except ValueError as error:
            form.refuse(error)
        else:
            messages.success(request, f"A test mail to {to} is on its way. Your changes are not saved yet.")
    return _show(request, rule, form, status=422 if form.errors else 200)


@project_admin
@require_POST
def reset(request: ProjectRequest, event: str) -> HttpResponse:
    rule = find(request.project, event)
    rules_of.reset_rule(rule, request.by)
    messages.success(request, f"“{rule.name}” has its default words again.")
    return redirect("settings-rule", key=request.project.key, event=event)
