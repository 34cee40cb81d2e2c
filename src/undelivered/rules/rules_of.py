"""A project's rules: made from the events' defaults when they are first needed, changed by project admins."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from undelivered.database import rows
from undelivered.desk import audit, typed
from undelivered.desk.actors import By
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import Project
from undelivered.rules import render, variables
from undelivered.rules.events import EVENTS, Event
from undelivered.rules.models import Rule
from undelivered.rules.recipients import OF_A_REQUEST, RECIPIENTS

LONGEST_NAME = 100

#: Asked at every event.
RULES = f"SELECT {rows.columns(Rule, 'r')} FROM rules_rule r WHERE project_id = %s AND event = ANY(%s)"  # noqa: S608


def rules_of(project: Project, events: Collection[str] = EVENTS) -> list[Rule]:
    """The rules of a project for these events, in the order of the events."""
    wanted = [slug for slug in EVENTS if slug in events]
    found = _by_event(project, wanted)
    missing = [EVENTS[slug] for slug in wanted if slug not in found]
    if missing:
        made = [Rule(project=project, event=event.slug, name=event.label) for event in missing]
        Rule.objects.bulk_create(made, ignore_conflicts=True)
        found = _by_event(project, wanted)
    return [found[slug] for slug in wanted]


def _by_event(project: Project, wanted: list[str]) -> dict[str, Rule]:
    return {rule.event: rule for rule in rows.read(Rule, RULES, [project.pk, wanted])}


def choices(event: Event) -> list[str]:
    """The recipients that a rule for this event may name."""
    about_a_request = OF_A_REQUEST if event.slug != "customer_invited" else ()
    return [name for name in RECIPIENTS if name in (*event.default_recipients, *about_a_request)]


def recipients_of(rule: Rule) -> Sequence[str]:
    return [name for name in rule.recipients if name in RECIPIENTS] or EVENTS[rule.event].default_recipients


@transaction.atomic
def change_rule(
    rule: Rule,
    *,
    by: By,
    enabled: bool | None = None,
    subject: str | None = None,
    body: str | None = None,
    name: str | None = None,
    recipients: Sequence[str] | None = None,
) -> Rule:
    """Changes what is given. A text that is the default's, or empty, follows the default from then on.

    Raises `BadInput` naming the field; for a template it is a `TemplateError` with the line.
    """
    event = EVENTS[rule.event]
    changes: dict[str, Any] = {}
    if enabled is not None:
        changes["enabled"] = enabled
    if name is not None:
        changes["name"] = typed.required("name", typed.line(name), LONGEST_NAME, "Give the notification a name.")
    if recipients is not None:
        changes["recipients"] = _recipients(event, recipients)
    if subject is not None:
        changes["subject"] = _own(typed.text(subject), event.default_subject)
    if body is not None:
        changes["body"] = _own(typed.text(body), event.default_body)
    if "subject" in changes or "body" in changes:
        checked_subject = changes.get("subject", rule.subject) or event.default_subject
        checked_body = changes.get("body", rule.body) or event.default_body
        render.check(
            checked_subject, checked_body, event=event.slug, samples=variables.samples(event.slug, rule.project)
        )
    return _apply(rule, changes, by)


def reset_rule(rule: Rule, by: By) -> Rule:
    """Back to the event's default text."""
    if rule.subject or rule.body:
        with transaction.atomic():
            _write(rule, {"subject": "", "body": ""}, by)
            audit.record("rule.reset", by=by, project=rule.project, target=rule.name)
    return rule


def _own(text: str, default: str) -> str:
    return "" if text.strip() in ("", default.strip()) else text


def _recipients(event: Event, names: Sequence[str]) -> list[str]:
    allowed = choices(event)
    if wrong := [name for name in names if name not in allowed]:
        raise BadInput("recipients", f"“{wrong[0]}” cannot be told of this. Choose from: {', '.join(allowed)}.")
    chosen = [name for name in allowed if name in names]
    if not chosen:
        raise BadInput("recipients", "Choose at least one recipient, or switch the notification off.")
    return [] if tuple(chosen) == event.default_recipients else chosen


def _apply(rule: Rule, changes: dict[str, Any], by: By) -> Rule:
    changes = {field: value for field, value in changes.items() if getattr(rule, field) != value}
    if changes:
        # The audit log says that a text changed; the text itself is in the rule.
        shown = {field: value for field, value in changes.items() if field not in ("subject", "body")}
        texts = [field for field in changes if field not in shown]
        _write(rule, changes, by)
        audit.record("rule.changed", by=by, project=rule.project, target=rule.name, **shown, texts=texts)
    return rule


def _write(rule: Rule, changes: dict[str, Any], by: By) -> None:
    changes = {**changes, "changed_at": timezone.now(), "changed_by": by.person}
    for field, value in changes.items():
        setattr(rule, field, value)
    rule.save(update_fields=list(changes))
