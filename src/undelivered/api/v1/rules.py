"""A project's notification rules: which events are told, to whom, in which words."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from ninja import Router
from pydantic import Field

from undelivered.api.auth import MANAGE, READ, Call, by, not_found, project_of
from undelivered.api.errors import ApiError
from undelivered.api.fields import Answer, Body, Label, Name, Text
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import Project
from undelivered.rules import rules_of
from undelivered.rules.events import EVENTS
from undelivered.rules.models import Rule

router = Router(tags=["Rules"])
MOST = 50


class RuleChange(Body):
    """What is not given stays as it is. An empty `subject` or `body` means the default text."""

    enabled: bool | None = None
    name: Label | None = None
    recipients: Annotated[list[Name], Field(max_length=10)] | None = None
    subject: Text | None = Field(None, description="Liquid.")
    body: Text | None = Field(None, description="Markdown with Liquid.")


class RuleChangeOf(RuleChange):
    event: Name


class RuleChanges(Body):
    rules: Annotated[list[RuleChangeOf], Field(min_length=1, max_length=MOST)]


class RuleShown(Answer):
    event: str
    label: str
    meaning: str
    name: str
    enabled: bool
    recipients: list[str]
    subject: str = Field(description="Empty: `default_subject`.")
    body: str = Field(description="Empty: `default_body`.")
    default_subject: str
    default_body: str
    changed_at: datetime


class RuleList(Answer):
    items: list[RuleShown]


@router.get("/projects/{key}/rules", auth=READ, response=RuleList, summary="Rules of a project")
def list_rules(request: Call, key: str) -> RuleList:
    """One rule for each event."""
    return RuleList(items=[shown(rule) for rule in rules_of.rules_of(project_of(request, key))])


@router.patch("/projects/{key}/rules", auth=MANAGE, response=RuleList, summary="Change several rules")
def change_rules(request: Call, key: str, changes: RuleChanges) -> RuleList:
    """All of them, or, if one cannot be made, none."""
    project = project_of(request, key)
    for position, change in enumerate(changes.rules):
        _change(request, _find(project, change.event, f"rules.{position}.event"), change, f"rules.{position}.")
    return RuleList(items=[shown(rule) for rule in rules_of.rules_of(project)])


@router.get("/projects/{key}/rules/{event}", auth=READ, response=RuleShown, summary="One rule")
def get_rule(request: Call, key: str, event: str) -> RuleShown:
    """The rule for an event."""
    return shown(_find(project_of(request, key), event))


@router.patch("/projects/{key}/rules/{event}", auth=MANAGE, response=RuleShown, summary="Change a rule")
def change_rule(request: Call, key: str, event: str, change: RuleChange) -> RuleShown:
    """What is given is changed. A text that does not render is refused."""
    project = project_of(request, key)
    _change(request, _find(project, event), change)
    return shown(_find(project, event))


def _find(project: Project, event: str, field: str = "") -> Rule:
    rules = {rule.event: rule for rule in rules_of.rules_of(project)}
    if event not in rules and field:
        raise ApiError.of_field(field, f"There is no such event. Use one of: {', '.join(rules)}.")
    return rules.get(event) or not_found("rule for the event", event)


def _change(request: Call, rule: Rule, change: RuleChange, prefix: str = "") -> None:
    given = change.model_dump(include=set(RuleChange.model_fields), exclude_none=True)
    try:
        rules_of.change_rule(rule, by=by(request), **given)
    except BadInput as error:
        field, message = next(iter(error.fields.items()))
        raise ApiError.of_field(prefix + field, message) from error


def shown(rule: Rule) -> RuleShown:
    event = EVENTS[rule.event]
    return RuleShown(
        event=rule.event,
        label=event.label,
        meaning=event.meaning,
        name=rule.name,
        enabled=rule.enabled,
        recipients=list(rules_of.recipients_of(rule)),
        subject=rule.subject,
        body=rule.body,
        default_subject=event.default_subject,
        default_body=event.default_body,
        changed_at=rule.changed_at,
    )
