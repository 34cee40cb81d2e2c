"""Rules: on and off, the editor with its preview, test mails, and the default words."""

import pytest
from django.urls import reverse

from tests import make
from undelivered.delivery.models import Notification
from undelivered.desk.models import AuditEntry
from undelivered.rules.events import EVENTS
from undelivered.rules.rules_of import rules_of

pytestmark = pytest.mark.django_db

EVENT = "public_comment_added"


@pytest.fixture
def it():
    return make.project("IT")


@pytest.fixture(autouse=True)
def admin(client, it):
    person = make.person("mara@desk.example", admin_of=it, name="Mara Lindqvist")
    client.force_login(person)
    return person


def address(name, event=EVENT):
    return reverse(name, args=["IT", event])


def rule_of(it, event=EVENT):
    return next(rule for rule in rules_of(it) if rule.event == event)


def words(**values):
    return {
        "name": "Public comment added",
        "subject": "[{{ request.key }}] {{ request.summary }}",
        "body": "Hello {{ recipient.name }},\n\n{{ comment.body }}",
        "recipients": ["reporter", "participants"],
        **values,
    }


def test_every_event_has_its_rule_with_whom_it_tells(client):
    answer = client.get(reverse("settings-rules", args=["IT"]))
    assert len(answer.context["rows"]) == len(EVENTS)
    assert "the reporter and the participants" in answer.text


def test_a_rule_is_switched_off_and_on_again(client, it):
    client.post(address("settings-rule-switch"), {"enabled": "off"})
    assert not rule_of(it).enabled
    assert AuditEntry.objects.get(action="rule.changed").detail["enabled"] is False
    client.post(address("settings-rule-switch"), {"enabled": "on"})
    assert rule_of(it).enabled
    assert client.post(address("settings-rule-switch", "no_such_event"), {"enabled": "on"}).status_code == 404


def test_own_words_are_saved_and_default_words_follow_the_default(client, it):
    client.post(address("settings-rule"), words(name="Answer", recipients=["reporter"]))
    rule = rule_of(it)
    assert rule.name == "Answer"
    assert rule.recipients == ["reporter"]
    assert "Hello {{ recipient.name }}" in rule.body
    assert rule.subject == ""
    assert "Own words" in client.get(reverse("settings-rules", args=["IT"])).text
    client.post(address("settings-rule-reset"))
    assert rule_of(it).body == ""


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"body": "one\n\n{{ request.sumary }}"}, "body", "Line 3"),
        ({"body": "{% if %}"}, "body", "Line 1"),
        ({"subject": "{{ nothing }}"}, "subject", "nothing"),
        ({"subject": "one\r\nBcc: eve@evil.example"}, "subject", "one line"),
        ({"recipients": []}, "recipients", ""),
        ({"recipients": ["everybody"]}, "recipients", ""),
        ({"name": ""}, "name", ""),
    ],
)
def test_words_that_do_not_render_are_refused_with_field_and_line(client, it, values, field, says):
    answer = client.post(address("settings-rule"), words(**values))
    assert answer.status_code == 422
    assert says in str(answer.context["form"].errors[field])
    assert rule_of(it).body == ""


def test_the_preview_shows_subject_size_and_the_line_of_an_error(client):
    answer = client.post(address("settings-rule-preview"), words())
    assert "[IT-42]" in answer.text
    assert "Size of the mail" in answer.text
    broken = client.post(address("settings-rule-preview"), words(body="fine\n{{ request.sumary }}"))
    assert "The body does not render" in broken.text
    assert "Line 2" in broken.text
    assert "request.summary" in broken.text


def test_the_mail_in_the_frame_may_do_nothing(client):
    answer = client.post(address("settings-rule-mail"), words(body="<script>alert(1)</script>\n\nHello there"))
    assert "Hello there" in answer.text
    assert "<script>" not in answer.text
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert client.get(address("settings-rule-mail")).status_code == 200


def test_a_test_mail_goes_out_with_the_words_of_the_form(client, it):
    answer = client.post(address("settings-rule-test"), words(to="mara@desk.example"))
    assert Notification.objects.get().recipient == "mara@desk.example"
    assert "is on its way" in answer.text
    assert rule_of(it).body == ""
    assert "Hello {{ recipient.name }}" in answer.text


def test_no_test_mail_goes_to_an_address_that_is_none(client):
    answer = client.post(address("settings-rule-test"), words(to="mara"))
    assert "There is no @" in answer.text
    assert not Notification.objects.exists()
