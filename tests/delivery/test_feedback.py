"""What comes back: the state it leads to, the line it leaves, whom it is about, and what it cannot change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests import make
from tests.delivery.heard import bounce, counted, effects, hear, left, line, said
from tests.delivery.worker_at import state_of, types_of
from undelivered.database import ids, partitions, prepared
from undelivered.delivery import feedback
from undelivered.delivery.feedback import Did, Feedback, Said
from undelivered.delivery.models import DeliveryEvent, Notification, Suppression

pytestmark = pytest.mark.django_db

CHANGED, NOTED, KNOWN, EARLY, GONE, NOT_SENT, OTHER = Did


@pytest.fixture
def project():
    return make.project()


def test_a_bounce_fails_the_notification_with_the_other_servers_words(project):
    row = left(project)
    words = "550 5.1.1 <ann@x.example>:\n  no such user"
    [effect] = effects(bounce(row, detail=words, code=550, enhanced="5.1.1", data={"reply": words, "host": "mx.x"}))
    assert (effect.did, effect.project_id, effect.suppressed) == (CHANGED, project.pk, True)
    found = Notification.objects.get()
    assert (found.state, found.reason, found.cause) == ("failed", "provider_error", "userunknown")
    assert (found.smtp_code, found.enhanced_code) == (550, "5.1.1")
    assert found.detail == "550 5.1.1 <ann@x.example>: no such user"
    assert found.finished_at == row.created_at + timedelta(minutes=5)
    event = DeliveryEvent.objects.get(type="bounced")
    assert (event.at, event.attempt) == (found.finished_at, 0)
    assert event.data == {
        "reply": words,
        "host": "mx.x",
        "cause": "userunknown",
        "code": 550,
        "enhanced": "5.1.1",
        "detail": found.detail,
    }
    assert types_of(row.id) == ["accepted", "bounced", "suppressed"]
    assert counted() == {("sent", ""): -1, ("failed", "provider_error"): 1}


def test_a_receipt_says_that_it_arrived(project):
    row = left(project, detail="250 queued")
    assert hear(said(row, "delivered", detail="250 2.0.0 Saved", code=250)) == [CHANGED]
    found = Notification.objects.get()
    assert (found.state, found.reason, found.cause, found.detail) == ("delivered", "", "", "250 2.0.0 Saved")
    assert counted() == {("sent", ""): -1, ("delivered", ""): 1}


def test_a_notice_of_delay_is_a_line_that_says_who_delays(project):
    row = left(project)
    assert hear(said(row, "delayed", cause="mailboxfull", data={"host": "mx.x.example"})) == [NOTED]
    assert state_of(row.id) == ("sent", "", "")
    event = DeliveryEvent.objects.get(type="deferred")
    assert (event.attempt, event.data) == (0, {"host": "mx.x.example", "cause": "mailboxfull"})
    assert counted() == {}


def test_a_complaint_proves_delivery_and_blocks_the_address(project):
    row = left(project)
    [effect] = effects(said(row, "complained"))
    assert (effect.did, effect.suppressed) == (CHANGED, True)
    assert state_of(row.id) == ("delivered", "", "feedback")
    assert Suppression.objects.get().cause == "feedback"
    assert types_of(row.id) == ["accepted", "complained", "suppressed"]


def test_a_bounce_that_says_complaint_is_a_complaint(project):
    row = left(project)
    assert hear(bounce(row, 9, cause="feedback"), bounce(row, 1)) == [CHANGED, CHANGED]
    one_way = [(entry.cause, entry.project_id) for entry in Suppression.objects.order_by("id")]
    other = left(project, "bob@x.example")
    hear(bounce(other, 1))
    hear(bounce(other, 9, cause="feedback"))
    key = other.recipient_key
    the_other = [(entry.cause, entry.project_id) for entry in Suppression.objects.filter(address_key=key)]
    assert sorted(one_way, key=str) == sorted(the_other, key=str)
    assert ("feedback", project.pk) in one_way


def test_a_complaint_about_what_was_delivered_leaves_it_so_with_its_cause(project):
    row = left(project)
    assert hear(said(row, "delivered", 1, detail="250 ok"), said(row, "complained", 9)) == [CHANGED, NOTED]
    assert state_of(row.id) == ("delivered", "", "feedback")
    assert Notification.objects.get().detail == "250 ok"


def test_a_complaint_about_what_failed_leaves_it_failed_and_blocks_all_the_same(project):
    row = left(project)
    assert hear(bounce(row, 1), said(row, "complained", 9)) == [CHANGED, NOTED]
    assert state_of(row.id) == ("failed", "provider_error", "userunknown")
    assert Suppression.objects.get().cause == "feedback"


# --- time decides -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("reverse", [True, False])
@pytest.mark.parametrize(
    ("receipt", "bounced", "state"), [(1, 2, "failed"), (2, 1, "delivered"), (2, 2, "failed")], ids=str
)
def test_the_later_one_holds_and_at_equal_times_the_bounce(project, receipt, bounced, state, reverse, at_once):
    row = left(project)
    told = [said(row, "delivered", receipt), bounce(row, bounced)]
    if reverse:
        told.reverse()
    if at_once:
        hear(*told)
    else:
        for one in told:
            hear(one)
    assert state_of(row.id)[0] == state
    assert Suppression.objects.count() == (state == "failed")
    assert counted() == {("sent", ""): -1, (state, "provider_error" if state == "failed" else ""): 1}


def test_a_bounce_that_a_later_receipt_proves_wrong_takes_its_entry_with_it(project):
    row = left(project)
    hear(bounce(row, 1))
    assert Suppression.objects.exists()
    assert hear(said(row, "delivered", 2)) == [CHANGED]
    assert state_of(row.id) == ("delivered", "", "")
    assert not Suppression.objects.exists()
    assert types_of(row.id) == ["accepted", "bounced", "delivered"]


def test_of_several_bounces_the_one_that_tells_most_is_shown(project):
    row = left(project)
    hear(bounce(row, 1, cause="undefined", detail="failed"))
    assert state_of(row.id) == ("failed", "unknown_error", "undefined")
    assert hear(bounce(row, 2, cause="spamdetected")) == [NOTED]
    assert hear(bounce(row, 3, cause="userunknown")) == [NOTED]
    assert hear(bounce(row, 4, cause="networkerror")) == [NOTED]
    assert state_of(row.id) == ("failed", "provider_error", "userunknown")
    assert counted() == {("sent", ""): -1, ("failed", "provider_error"): 1}


@pytest.mark.parametrize(
    ("cause", "detail", "enhanced", "reason"),
    [
        ("userunknown", "", "", "provider_error"),
        ("emailtoolarge", "", "", "provider_error"),
        ("suppressed", "on the list", "", "suppressed"),
        ("undefined", "550", "", "unknown_error"),
        ("", "", "", "unknown_error"),
        ("", "", "5.0.0", "provider_error"),
        ("onhold", "Something is wrong", "", "provider_error"),
    ],
)
def test_the_reason_is_the_one_that_a_refusal_at_the_door_would_have(project, cause, detail, enhanced, reason):
    row = left(project)
    hear(bounce(row, cause=cause, detail=detail, enhanced=enhanced))
    assert state_of(row.id) == ("failed", reason, cause)


def test_a_bounce_of_what_was_resent_changes_its_own_row_only(project):
    row = left(project)
    hear(bounce(row, 1))
    again = left(project, resend_of=row.id)
    Notification.objects.filter(id=row.id).update(resent_as=again.id)
    hear(said(row, "delivered", 2))
    assert (state_of(row.id)[0], state_of(again.id)[0]) == ("delivered", "sent")
    assert Notification.objects.get(id=row.id).resent_as == again.id


# --- the same again ---------------------------------------------------------------------------------------------------


def test_the_same_key_is_the_same_line_whatever_else_it_says(project):
    row = left(project)
    one = bounce(row, key="event-1")
    assert hear(one, one) == [CHANGED, KNOWN]
    assert hear(one, said(row, "delivered", 99, key="event-1")) == [KNOWN, KNOWN]
    assert state_of(row.id)[0] == "failed"
    assert types_of(row.id) == ["accepted", "bounced", "suppressed"]


def test_what_was_lifted_by_a_person_is_not_blocked_by_a_replay(project):
    row = left(project)
    one = bounce(row)
    hear(one)
    Suppression.objects.all().delete()
    [effect] = effects(one)
    assert (effect.did, effect.suppressed) == (KNOWN, False)
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("key", ["", "k" * 5000, "with \0 and \ud800"])
def test_a_key_that_no_database_takes_is_a_key_all_the_same(project, key):
    row = left(project)
    assert hear(bounce(row, key=key), bounce(row, key=key)) == [CHANGED, KNOWN]


# --- whom it is about -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipient", ["ANN@X.example", "ann@x.EXAMPLE", " ann@x.example", '"ann"@x.example', ""])
def test_the_recipient_may_be_written_in_another_way(project, recipient):
    assert hear(bounce(left(project), recipient=recipient)) == [CHANGED]


def test_a_domain_may_be_written_in_its_ascii_form(project):
    assert hear(bounce(left(project, "ann@bücher.example"), recipient="ann@xn--bcher-kva.example")) == [CHANGED]


@pytest.mark.parametrize(
    "recipient", ["bob@x.example", "a.nn@x.example", "ann+it@x.example", "ann@y.example", "\0", "@"]
)
def test_about_somebody_else_nothing_changes(project, recipient):
    row = left(project)
    [effect] = effects(bounce(row, recipient=recipient))
    assert (effect.did, effect.project_id) == (OTHER, project.pk)
    assert types_of(row.id) == ["accepted"]
    assert not Suppression.objects.exists()


def test_what_is_not_verified_marks_the_row_and_never_blocks(project):
    row = left(project)
    [effect] = effects(bounce(row, recipient="ann@x.example", verified=False))
    assert (effect.did, effect.suppressed) == (CHANGED, False)
    assert state_of(row.id) == ("failed", "provider_error", "userunknown")
    hear(said(row, "complained", recipient="ann@x.example", verified=False))
    assert not Suppression.objects.exists()
    assert DeliveryEvent.objects.get(type="bounced").data["unverified"] is True


def test_what_is_not_verified_must_name_the_recipient(project):
    row = left(project)
    assert hear(bounce(row, verified=False)) == [OTHER]
    assert state_of(row.id)[0] == "sent"


def test_nothing_unverified_overrules_what_is_verified(project):
    row = left(project)
    bare = {"recipient": "ann@x.example", "verified": False}
    assert hear(said(row, "delivered", 1), bounce(row, 9, **bare)) == [CHANGED, NOTED]
    assert state_of(row.id)[0] == "delivered"
    dead = left(project)
    assert hear(bounce(dead, 1), said(dead, "delivered", 9, **bare), bounce(dead, 9, "spamdetected", **bare)) == [
        *(CHANGED, NOTED, NOTED)
    ]
    assert state_of(dead.id) == ("failed", "provider_error", "userunknown")
    assert Suppression.objects.exists()


def test_data_cannot_pass_for_what_decides(project):
    row = left(project)
    data = {"cause": "userunknown", "code": 550, "unverified": False, "nested": [{"a": ("b", 1, None, row.id)}]}
    hear(bounce(row, cause="", detail="", data=data, recipient="ann@x.example", verified=False))
    assert DeliveryEvent.objects.get(type="bounced").data == {
        "unverified": True,
        "nested": [{"a": ["b", 1, None, str(row.id)]}],
    }


# --- what it cannot be about ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "attempts", "did"),
    [
        ("queued", 0, NOT_SENT),
        ("queued", 1, EARLY),
        ("sending", 1, EARLY),
        ("held", 0, NOT_SENT),
        ("held", 2, EARLY),
        ("cancelled", 1, NOT_SENT),
        ("failed", 0, NOT_SENT),
        ("failed", 3, NOT_SENT),
    ],
)
@pytest.mark.parametrize("what", Said)
def test_what_has_not_left_is_not_moved(project, state, attempts, did, what):
    row = make.notification(project, "ann@x.example", state=state, attempts=attempts, reason="provider_error")
    if attempts == 3:
        line(row, "refused")
    [effect] = effects(said(row, what.value))
    assert (effect.did, effect.project_id) == (did, project.pk)
    assert Notification.objects.get().state == state
    assert not DeliveryEvent.objects.exclude(type="refused").exists()


def test_a_mail_whose_attempt_was_uncertain_may_have_left_all_the_same(project):
    row = make.notification(project, "ann@x.example", state="failed", attempts=9, reason="unknown_error")
    line(row, "uncertain")
    line(row, "failed")
    assert hear(said(row, "delivered", recipient="ann@x.example", verified=False)) == [NOT_SENT]
    assert hear(said(row, "delivered")) == [CHANGED]
    assert state_of(row.id) == ("delivered", "", "")
    assert counted() == {("failed", "unknown_error"): -1, ("delivered", ""): 1}


def test_what_is_no_longer_kept_is_gone(project):
    moments = [datetime(2001, 2, 3, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC), datetime.now(UTC)]
    unknown = [ids.uuid7_at(moment) for moment in moments] + [uuid4()]
    told = [Feedback(id, Said.BOUNCED, datetime.now(UTC), "x") for id in unknown]
    assert [(one.did, one.project_id) for one in effects(*told)] == [(GONE, None)] * 4


def test_nothing_said_is_nothing_done(project):
    assert effects() == []


# --- bad input --------------------------------------------------------------------------------------------------------


def test_times_that_cannot_be_are_put_right(project):
    row = left(project)
    hear(
        said(row, "delayed", at=datetime(1971, 1, 1, tzinfo=UTC)),
        said(row, "delayed", at=datetime.max.replace(tzinfo=UTC)),
    )
    first, last = DeliveryEvent.objects.filter(type="deferred").order_by("at")
    assert first.at == row.created_at
    assert abs(last.at - datetime.now(UTC)) < timedelta(minutes=1)


def test_words_that_no_database_takes_are_kept_as_far_as_it_can(project):
    row = left(project)
    bad = "5\0 \ud800" + "x" * 9000
    told = bounce(row, cause=bad, detail=bad, enhanced=bad, code=99999, data={bad: bad, "reply": [bad]})
    assert hear(told) == [CHANGED]
    found = Notification.objects.get()
    assert found.smtp_code is None
    assert found.detail.startswith("5\N{REPLACEMENT CHARACTER}")
    assert len(found.detail) <= 500


# --- many at once -----------------------------------------------------------------------------------------------------


def test_a_batch_over_several_days_and_projects_takes_few_statements(project, monkeypatch):
    other, now = make.project("HR"), datetime.now(UTC) - timedelta(minutes=1)
    days = [now - timedelta(days=n) for n in range(3)]
    rows = [left(whose, f"a{n}@x.example", at=at) for at in days for whose in (project, other) for n in range(20)]
    causes = ("userunknown", "mailboxfull", "")
    told = [bounce(row, n % 3, causes[n % 3]) for n, row in enumerate(rows)]
    statements, plain = [], prepared.execute

    def counting(sql, *more, **options):
        statements.append(sql)
        return plain(sql, *more, **options)

    monkeypatch.setattr(prepared, "execute", counting)
    assert set(hear(*told)) == {CHANGED}
    assert set(Notification.objects.values_list("state", flat=True)) == {"failed"}
    assert len(statements) <= 3 * 3 + 1 + 8  # three a day; the lines; the list
    statements.clear()
    assert set(hear(*told)) == {KNOWN}
    assert len(statements) == 2 * 3


def test_one_partition_a_day_is_looked_at(project):
    row = left(project)
    day = partitions.name(partitions.HOT[0], ids.day_of(row.id))
    next_day = partitions.name(partitions.HOT[0], ids.day_of(row.id) + timedelta(days=1))
    for sql, parameters in every_statement(bounce(row)):
        if "%s" in sql and ("delivery_notification" in sql or "delivery_deliveryevent WHERE" in sql):
            plan = "\n".join(line for (line,) in prepared.execute("EXPLAIN " + sql, parameters, prepare=False))
            assert day.rpartition("_")[2] in plan, sql
            assert next_day.rpartition("_")[2] not in plan, sql


def every_statement(*told):
    """What `apply` asks of PostgreSQL, each before it is run."""
    work = feedback._applied(told)
    try:
        sql, parameters = next(work)
        while True:
            yield sql, parameters
            sql, parameters = work.send(prepared.execute(sql, parameters, prepare=False))
    except StopIteration:
        return
