"""A project's rules, against the database: defaults, changes, and what is refused."""

from __future__ import annotations

import pytest

from tests import make
from undelivered.desk.actors import By
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import AuditEntry, Project
from undelivered.rules.events import EVENTS
from undelivered.rules.models import Rule
from undelivered.rules.rules_of import change_rule, choices, recipients_of, reset_rule, rules_of
from undelivered.rules.templates import TemplateError

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make.project("IT")


@pytest.fixture
def admin(project: Project) -> By:
    return By(person=make.person("mara@desk.example", name="Mara", admin_of=project))


def rule(project: Project, event: str = "public_comment_added") -> Rule:
    return next(one for one in rules_of(project) if one.event == event)


def test_a_project_has_a_rule_for_every_event_all_on_with_the_default_names(project: Project) -> None:
    rules = rules_of(project)
    assert [(one.event, one.name, one.enabled) for one in rules] == [(e.slug, e.label, True) for e in EVENTS.values()]
    assert [one.pk for one in rules_of(project)] == [one.pk for one in rules]


def test_rules_that_a_new_version_brings_are_added_and_changed_ones_are_left_alone(project: Project, admin: By) -> None:
    change_rule(rule(project), by=admin, name="Answer")
    Rule.objects.filter(project=project, event="status_changed").delete()
    assert {one.event: one.name for one in rules_of(project)}["status_changed"] == "Customer-visible status changed"
    assert rule(project).name == "Answer"


def test_a_change_is_kept_with_who_made_it_and_is_in_the_audit_log(project: Project, admin: By) -> None:
    change_rule(rule(project), by=admin, enabled=False, body="Hello {{ recipient.name }}")
    stored = rule(project)
    assert (stored.enabled, stored.body, stored.changed_by) == (False, "Hello {{ recipient.name }}", admin.person)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.detail) == (
        "rule.changed",
        "Public comment added",
        {"enabled": False, "texts": ["body"]},
    )


def test_what_is_as_it_was_is_no_change(project: Project, admin: By) -> None:
    change_rule(rule(project), by=admin, enabled=True, name="Public comment added", body="", subject=" ")
    assert not AuditEntry.objects.exists()


def test_a_text_that_is_the_defaults_goes_on_following_the_default(project: Project, admin: By) -> None:
    event = EVENTS["public_comment_added"]
    edited = event.default_body.replace("\n", "\r\n")
    assert change_rule(rule(project), by=admin, subject=event.default_subject, body=edited).body == ""


def test_a_reset_goes_back_to_the_default_text_and_keeps_the_rest(project: Project, admin: By) -> None:
    changed = change_rule(rule(project), by=admin, body="Hello", name="Answer")
    reset_rule(changed, admin)
    assert (rule(project).body, rule(project).name) == ("", "Answer")
    assert AuditEntry.objects.filter(action="rule.reset").count() == 1


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"body": "Hello\n{{ nobody.knows }}"}, "body", "Line 2: There is no variable “nobody.knows”."),
        ({"subject": "{{ request.key"}, "subject", "Line 1: Expected '}}', found end of file."),
        ({"subject": "{{ invitation.url }}"}, "subject", "Line 1: “invitation.url” has no value in this notification."),
        ({"name": " "}, "name", "Give the notification a name."),
        ({"name": "x" * 101}, "name", "This is too long: 101 characters of 100 at most."),
        ({"recipients": ["invitee"]}, "recipients", "“invitee” cannot be told of this."),
        ({"recipients": []}, "recipients", "Choose at least one recipient"),
    ],
)
def test_a_bad_change_names_its_field_and_changes_nothing(
    project: Project, admin: By, values: dict[str, object], field: str, says: str
) -> None:
    with pytest.raises(BadInput) as caught:
        change_rule(rule(project), by=admin, enabled=False, **values)  # type: ignore[arg-type]
    assert caught.value.fields[field].startswith(says)
    assert rule(project).enabled


def test_an_error_in_a_template_has_its_line(project: Project, admin: By) -> None:
    with pytest.raises(TemplateError) as caught:
        change_rule(rule(project), by=admin, body="one\ntwo\n{% endif %}")
    assert caught.value.line == 3


def test_a_rule_can_be_switched_off_while_its_template_is_broken(project: Project, admin: By) -> None:
    Rule.objects.filter(pk=rule(project).pk).update(body="{% if %}")
    assert not change_rule(rule(project), by=admin, enabled=False).enabled


def test_recipients_are_chosen_among_those_that_the_event_has(project: Project, admin: By) -> None:
    changed = change_rule(rule(project), by=admin, recipients=["reporter"])
    assert recipients_of(changed) == ["reporter"]
    assert change_rule(rule(project), by=admin, recipients=["participants", "reporter"]).recipients == []
    assert choices(EVENTS["customer_invited"]) == ["invitee"]
    assert choices(EVENTS["participant_added"]) == ["reporter", "participants", "new_participants"]
