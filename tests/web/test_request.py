"""One request's page: replies, edits, status, participants, and who was notified."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import make
from undelivered.delivery import suppression
from undelivered.delivery.models import Notification
from undelivered.delivery.states import State
from undelivered.desk import opt_outs
from undelivered.desk.actors import UNDELIVERED, By
from undelivered.desk.models import Comment, Status
from undelivered.rules import act

pytestmark = pytest.mark.django_db


@pytest.fixture
def it():
    return make.project("IT")


@pytest.fixture
def agent(client, it):
    person = make.person(agent_of=it, name="Jonas Weber")
    client.force_login(person)
    return person


@pytest.fixture
def found(it):
    ann = make.customer("ann@northwind.example", "Ann Keller", of=it)
    petra = make.customer("petra@northwind.example", "Petra Sand", of=it)
    return make.request(it, ann, participants=(petra,))


def page(client, found, **query):
    return client.get(reverse("request", args=["IT", found.issue_key]), query)


def reply(client, found, **values):
    given = {"body": "", "who": "public", "status": found.status, **values}
    return client.post(reverse("request-reply", args=["IT", found.issue_key]), given, follow=True)


def test_another_projects_request_is_not_found(client, agent):
    other = make.request(make.project("HR"))
    for key in (other.issue_key, "IT-99", "IT-1\0", "x" * 300):
        assert client.get(reverse("request", args=["IT", key])).status_code == 404


def test_the_page_says_whom_a_reply_would_be_mailed_to_and_whom_not(client, it, agent, found):
    suppression.add(it, "ann@northwind.example", by=UNDELIVERED)
    assert "Will mail Petra Sand. Will not mail Ann Keller (blocked)." in page(client, found).text
    opt_outs.turn(found, found.participants.get(), on=False)
    text = page(client, found).text
    assert "Will mail nobody." in text
    assert "Petra Sand (turned off)" in text


def test_the_sentence_follows_what_is_chosen(client, agent, found):
    address = reverse("request-plan", args=["IT", found.issue_key])
    assert "Will mail nobody." in client.get(address, {"who": "internal", "status": "open"}).text
    resolved = client.get(address, {"who": "internal", "status": "resolved"}).text
    assert "Will mail Ann Keller and Petra Sand." in resolved


def test_a_public_reply_is_mailed_and_the_toast_says_to_whom(client, agent, found):
    answer = reply(client, found, body="A loaner is ready.")
    assert Comment.objects.get().public
    assert "Mailing Ann Keller and Petra Sand." in answer.text
    assert Notification.objects.filter(event="public_comment_added").count() == 2


def test_an_internal_note_stays_with_the_team(client, agent, found):
    answer = reply(client, found, body="She is a VIP.", who="internal")
    assert not Comment.objects.get().public
    assert not Notification.objects.exists()
    assert "Nobody is mailed." in answer.text
    assert "Team only" in answer.text


def test_comment_status_and_participants_are_one_action_and_one_mail_each(client, agent, found):
    reply(
        client,
        found,
        body="Done.",
        status="resolved",
        resolution="New battery",
        participants="Priya Nair <priya@lumen.example>",
    )
    found.refresh_from_db()
    assert (found.status, found.resolution) == (Status.RESOLVED, "New battery")
    told = list(Notification.objects.values_list("recipient", flat=True))
    assert sorted(told) == ["ann@northwind.example", "petra@northwind.example", "priya@lumen.example"]


def test_an_empty_reply_changes_nothing_and_says_so(client, agent, found):
    answer = reply(client, found)
    assert answer.status_code == 422
    assert "Write something, change the status, or add a participant." in answer.text


def test_a_comment_can_be_edited(client, agent, found):
    comment = act.update_request(found, by=By(person=agent), comment="Hold F7.").comment
    assert "Hold F7." in page(client, found, edit=comment.pk).text
    address = reverse("request-comment", args=["IT", found.issue_key, comment.pk])
    client.post(address, {"body": "Hold F8."})
    comment.refresh_from_db()
    assert comment.body == "Hold F8."
    assert comment.edited_at
    assert client.post(address, {"body": " "}).status_code == 422
    assert page(client, found, edit="999999").status_code == 404


def test_the_panel_groups_by_action_newest_first_with_who_was_not_told_and_why(client, agent, found):
    act.update_request(found, by=By(person=agent), comment="First.")
    act.update_request(found, by=By(customer=found.reporter), comment="Second.")
    groups = page(client, found).context["groups"]
    assert [group.name for group in groups] == ["Public comment added", "Public comment added"]
    lines = {line.who: (line.word, line.why) for line in groups[0].lines}
    assert lines == {"Petra Sand": ("Queued", ""), "Ann Keller": ("Not mailed", "Own activity")}


def test_a_comment_says_whom_it_reached_and_whom_not(client, agent, found):
    act.update_request(found, by=By(person=agent), comment="A loaner is ready.")
    Notification.objects.filter(recipient="petra@northwind.example").update(state=State.DELIVERED)
    Notification.objects.filter(recipient="ann@northwind.example").update(
        state=State.FAILED, reason="provider_error", cause="userunknown", smtp_code=550, detail="550 no such user"
    )
    text = page(client, found).text
    assert "Reached Petra Sand" in text
    assert "Did not reach Ann Keller: " in text
    assert "Ann Keller did not get the last mail." in text


def test_whoever_reported_a_mail_as_spam_is_marked(client, agent, found):
    act.update_request(found, by=By(person=agent), comment="A loaner is ready.")
    Notification.objects.filter(recipient="petra@northwind.example").update(state=State.DELIVERED, cause="feedback")
    lines = {line.who: line for line in page(client, found).context["groups"][0].lines}
    assert (lines["Petra Sand"].word, lines["Petra Sand"].tone) == ("Reported as spam", "complained")


def test_the_banner_goes_when_a_later_mail_arrives(client, it, agent, found):
    values = {"request": found, "issue_key": found.issue_key, "recipient_name": "Ann Keller", "due_at": None}
    now = timezone.now()
    for hours in (3, 2):
        at = now - timedelta(hours=hours)
        make.notification(it, at=at, state=State.FAILED, reason="unknown_error", **values)
    assert "did not get the last 2 mails" in page(client, found).text
    make.notification(it, at=now - timedelta(hours=1), state=State.SENT, **values)
    assert "did not get the last" not in page(client, found).text


def test_the_panel_looks_again_only_while_mails_are_on_their_way(client, agent, found):
    act.update_request(found, by=By(person=agent), comment="Hello.")
    assert 'hx-trigger="every 2s"' in page(client, found).text
    Notification.objects.update(state=State.SENT)
    text = page(client, found).text
    assert 'hx-trigger="every 2s"' not in text
    assert "Sent" in text


def test_what_people_write_is_shown_as_text(client, agent, found):
    act.update_request(found, by=By(person=agent), comment="<script>alert(1)</script> https://help.example/x")
    text = page(client, found).text
    assert "<script>alert(1)</script>" not in text
    assert '<a href="https://help.example/x" rel="nofollow">' in text
