"""Sending again, taking back, letting go: what is refused and why, what is lifted, and what history and audit say."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from tests import make
from undelivered.delivery import failures, suppression
from undelivered.delivery.models import Content, DailyCountDelta, DeliveryEvent, Notification, Suppression
from undelivered.delivery.resend import cancel, release_held, resend
from undelivered.delivery.states import State
from undelivered.desk.actors import By
from undelivered.desk.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return make.project()


@pytest.fixture
def ann(project):
    return By(make.person(name="Ann", admin_of=project))


def failed(project, recipient="bob@x.example", **values) -> Notification:
    return make.notification(project, recipient, **{"state": "failed", "reason": "provider_error", **values})


def entry(project, key="bob@x.example", **values) -> Suppression:
    return Suppression.objects.create(
        project=project, address=key, address_key=key, **{"cause": "userunknown", **values}
    )


def counted() -> dict[str, int]:
    total: dict[str, int] = {}
    for delta in DailyCountDelta.objects.all():
        total[delta.state] = total.get(delta.state, 0) + delta.n
    return {state: n for state, n in total.items() if n}


# --- resend -----------------------------------------------------------------------------------------------------------


def test_a_resend_is_a_new_row_that_points_at_the_old_one(project, ann):
    request = make.request(project)
    old = failed(project, recipient_name="Bob", personal={"a": "b"}, request=request, issue_key="IT-1", attempts=3)
    done = resend(project, [old.id], by=ann)
    [new] = done.new
    assert done.refused == {}
    old.refresh_from_db()
    assert (old.state, old.reason, old.resent_as) == ("failed", "provider_error", new.id)
    found = Notification.objects.get(id=new.id)
    assert (found.state, found.attempts, found.resend_of, found.counted_on) == ("queued", 0, old.id, None)
    assert (found.name, found.kind, found.recipient, found.recipient_name) == (old.name, old.kind, old.recipient, "Bob")
    assert (found.request, found.issue_key, found.personal, found.content_id) == (
        request,
        "IT-1",
        {"a": "b"},
        old.content_id,
    )
    assert found.due_at <= timezone.now()


def test_both_histories_and_the_audit_log_say_so(project, ann):
    old = failed(project)
    [new] = resend(project, [old.id], by=ann).new
    [first] = failures.events(new.id)
    assert (first.type, first.data) == ("queued", {"resend_of": str(old.id)})
    event = DeliveryEvent.objects.get(notification_id=old.id)
    assert (event.type, event.data) == ("resent", {"as": str(new.id), "by": "Ann", "to": "bob@x.example"})
    audit = AuditEntry.objects.get()
    assert (audit.action, audit.actor, audit.target) == ("notification.resent", "Ann", "bob@x.example")
    assert counted() == {"queued": 1}


def test_many_at_once(project, ann):
    rows = [failed(project, f"a{n}@x.example") for n in range(30)]
    done = resend(project, [row.id for row in rows], by=ann)
    assert [new.resend_of for new in done.new] == [row.id for row in rows]
    assert counted() == {"queued": 30}


def test_it_is_resent_once_and_then_its_copy_is(project, ann):
    old = failed(project)
    [new] = resend(project, [old.id], by=ann).new
    again = resend(project, [old.id], by=ann)
    assert again.new == []
    assert again.refused == {old.id: "This notification was resent already."}
    Notification.objects.filter(id=new.id).update(state="failed")
    assert len(resend(project, [new.id], by=ann).new) == 1


def test_the_same_one_asked_for_twice_is_sent_once(project, ann):
    old = failed(project)
    assert len(resend(project, [old.id, old.id], by=ann).new) == 1


@pytest.mark.parametrize("state", State)
def test_what_is_still_under_way_is_not_resent(project, ann, state):
    old = make.notification(project, state=state)
    done = resend(project, [old.id], by=ann)
    if state in {State.QUEUED, State.SENDING, State.HELD}:
        assert (done.new, done.refused) == ([], {old.id: "This notification is still under way."})
    else:
        assert len(done.new) == 1


def test_other_projects_and_made_up_ids_are_refused_alike(project, ann):
    foreign = failed(make.project("HR"))
    gone = failed(project, at=timezone.now() - timedelta(days=22))
    wanted = [foreign.id, uuid4(), make.ids.uuid7(), gone.id]
    done = resend(project, wanted, by=ann)
    assert done.new == []
    assert set(done.refused) == set(wanted)
    assert set(done.refused.values()) == {"There is no such notification, or it is no longer kept."}
    foreign.refresh_from_db()
    assert foreign.resent_as is None
    assert not AuditEntry.objects.exists()


def test_more_than_can_be_done_at_once_is_said(project, ann, monkeypatch):
    monkeypatch.setattr("undelivered.delivery.resend.MOST", 2)
    rows = [failed(project, f"a{n}@x.example") for n in range(3)]
    done = resend(project, [row.id for row in rows], by=ann)
    assert len(done.new) == 2
    assert done.refused == {rows[2].id: "Only 2 notifications are resent at once."}


def test_nothing_wanted_is_nothing_done(project, ann):
    done = resend(project, [], by=ann)
    assert (done.new, done.lifted, done.refused) == ([], [], {})


def test_what_blocks_the_address_is_lifted_here_and_for_the_whole_site(project, ann):
    old = failed(project, "Bob@x.example", reason="suppressed")
    entry(project)
    entry(None)
    entry(make.project("HR"))
    done = resend(project, [old.id, failed(project).id], by=ann)
    assert len(done.new) == 2
    assert len(done.lifted) == 2
    assert [left.project.key for left in Suppression.objects.all()] == ["HR"]
    assert AuditEntry.objects.filter(action="suppression.lifted").count() == 2


def test_a_complaint_is_not_lifted_by_a_resend(project, ann):
    entry(project, cause="feedback")
    old, other = failed(project), failed(project, "carol@x.example")
    done = resend(project, [old.id, other.id], by=ann)
    assert [new.resend_of for new in done.new] == [other.id]
    assert "reported a mail as spam" in done.refused[old.id]
    assert suppression.find(project, "bob@x.example")
    old.refresh_from_db()
    assert old.resent_as is None


def test_a_complaint_to_the_whole_site_is_not_lifted_either(project, ann):
    entry(None, cause="feedback")
    entry(project)
    assert resend(project, [failed(project).id], by=ann).new == []
    assert Suppression.objects.count() == 2


def test_a_dead_mailbox_of_the_whole_site_is_lifted_and_the_audit_log_says_so(project, ann):
    entry(None)
    skipped = failed(project, reason="suppressed", finished_at=timezone.now())
    failed(make.project("HR"), reason="suppressed", finished_at=timezone.now())
    assert len(resend(project, [skipped.id], by=ann).new) == 1
    audit = AuditEntry.objects.get(action="suppression.lifted")
    assert (audit.project, audit.target) == (project, "bob@x.example")
    assert (audit.detail["site_wide"], audit.detail["skipped"]) == (True, 1)


def test_what_else_blocks_an_address_for_the_whole_site_stays(project, ann):
    entry(None, cause="manual")
    old = failed(project)
    assert "for the whole site" in resend(project, [old.id], by=ann).refused[old.id]
    assert Suppression.objects.exists()


def test_it_can_go_to_a_corrected_address(project, ann):
    entry(project, "bob@wrong.example")
    old = failed(project, "bob@wrong.example")
    [new] = resend(project, [old.id], by=ann, addresses={old.id: "Bob@right.example"}).new
    assert (new.recipient, new.recipient_key, new.recipient_domain) == (
        "Bob@right.example",
        "bob@right.example",
        "right.example",
    )
    assert suppression.find(project, "bob@wrong.example")  # nobody said that the old one lives


def test_it_can_say_something_new(project, ann):
    old = failed(project)
    words = Content(project=project, event="request_created", from_address="help@desk.example", subject="New words")
    [new] = resend(project, [old.id], by=ann, contents={old.id: words}).new
    assert Content.objects.get(id=new.content_id).subject == "New words"


def test_words_of_another_day_are_copied_once_since_they_leave_with_their_day(project, ann):
    yesterday = timezone.now() - timedelta(days=1)
    words = Content.objects.create(
        id=make.ids.uuid7_at(yesterday), project=project, event="x", from_address="a@b.example", subject="Kept"
    )
    rows = [failed(project, f"a{n}@x.example", content_id=words.id, at=yesterday) for n in range(3)]
    done = resend(project, [row.id for row in rows], by=ann)
    [copy] = {new.content_id for new in done.new}
    assert copy != words.id
    assert make.ids.day_of(copy) == timezone.now().date()
    assert Content.objects.get(id=copy).subject == "Kept"
    assert Content.objects.count() == 2


def test_words_that_are_gone_make_a_mail_that_says_so_when_it_is_sent(project, ann):
    old = failed(project, content_id=make.ids.uuid7())
    [new] = resend(project, [old.id], by=ann).new
    assert new.content_id == old.content_id


# --- cancel and release -----------------------------------------------------------------------------------------------


def test_what_waits_can_be_taken_back(project, ann):
    rows = [make.notification(project, state=state) for state in ("queued", "held")]
    assert cancel(project, [row.id for row in rows], by=ann) == 2
    for row in rows:
        row.refresh_from_db()
        assert (row.state, row.due_at) == ("cancelled", None)
        assert row.finished_at is not None
        [event] = failures.events(row.id)
        assert (event.type, event.data) == ("cancelled", {"by": "Ann"})
    assert counted() == {"queued": -1, "held": -1, "cancelled": 2}
    assert AuditEntry.objects.filter(action="notification.cancelled").count() == 2


@pytest.mark.parametrize("state", ["sending", "sent", "delivered", "failed", "cancelled"])
def test_what_does_not_wait_is_not_taken_back(project, ann, state):
    row = make.notification(project, state=state)
    assert cancel(project, [row.id], by=ann) == 0
    row.refresh_from_db()
    assert row.state == state
    assert not AuditEntry.objects.exists()


def test_other_projects_mail_is_not_taken_back(project, ann):
    assert cancel(project, [make.notification(make.project("HR")).id, uuid4()], by=ann) == 0
    assert cancel(project, [], by=ann) == 0


def test_held_mail_is_let_go_by_hand(project, ann):
    later = timezone.now() + timedelta(hours=9)
    rows = [make.notification(project, state="held", due_at=later) for _ in range(3)]
    make.notification(make.project("HR"), state="held", due_at=later)
    waiting = make.notification(project, due_at=later)
    assert release_held(project, by=ann) == 3
    for row in rows:
        row.refresh_from_db()
        assert row.state == "queued"
        assert row.due_at <= timezone.now()
        assert [event.type for event in failures.events(row.id)] == ["released"]
    waiting.refresh_from_db()
    assert waiting.due_at == later
    assert counted() == {"queued": 3, "held": -3}
    assert Notification.objects.filter(state="held").count() == 1


def test_some_of_the_held_can_be_let_go(project, ann):
    rows = [make.notification(project, state="held", due_at=timezone.now()) for _ in range(2)]
    assert release_held(project, by=ann, wanted=[rows[0].id]) == 1
