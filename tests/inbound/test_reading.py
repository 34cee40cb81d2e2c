"""Reading what has come in: exactly once, whatever breaks, and nothing blocks the queue."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import DataError, OperationalError, connection
from django.utils import timezone

from tests import make
from tests.inbound import reports
from undelivered.delivery import feedback, wake
from undelivered.delivery.feedback import Did, Effect, Feedback, Said
from undelivered.inbound import arrivals, reading, returned
from undelivered.inbound.findings import Finding, Reading
from undelivered.inbound.models import Arrival, Door, Evidence, Made
from undelivered.inbound.reading import read_once

Apply = Callable[[Feedback], Effect]


class Applied:
    """What was applied, and what followed as a test decides."""

    def __init__(self) -> None:
        self.given: list[Feedback] = []
        self.then: Apply = lambda one: Effect(Did.CHANGED, project_id=3)

    def __call__(self, given: Sequence[Feedback]) -> list[Effect]:
        self.given += given
        return [self.then(one) for one in given]


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> Applied:
    one = Applied()
    monkeypatch.setattr(feedback, "apply", one, raising=False)
    return one


def came(raw: bytes | None = None, id: UUID | None = None, **about: object) -> UUID:
    """A bounce of a notification has come in."""
    one = arrivals.mail(Door.SMTP, raw or reports.report(), to=reports.path(id or uuid4()), **about)
    arrivals.keep([one])
    return one.id


def row(id: UUID) -> Arrival:
    return Arrival.objects.get(id=id)


def later(seconds: float = 0) -> None:
    """What waits is due now."""
    Arrival.objects.filter(state=Made.NEW).update(due_at=timezone.now() - timedelta(seconds=seconds))


@pytest.mark.django_db
def test_what_it_says_is_applied_and_what_it_did_is_written_down(applied: Applied) -> None:
    notification = uuid4()
    id = came(id=notification)
    assert read_once() == 1
    [given] = applied.given
    assert (given.notification_id, given.said) == (notification, Said.BOUNCED)
    read = row(id)
    assert (read.state, read.project_id, read.notification_id) == (Made.APPLIED, 3, notification)
    assert (read.kind, read.evidence, read.recipient, read.cause) == (
        "failure",
        Evidence.RETURN_PATH,
        reports.ANN,
        "userunknown",
    )
    assert read.detail == "The notification failed: mailbox does not exist."
    assert (read.due_at, read.read_at is not None) == (None, True)
    [entry] = read.result
    assert (entry["said"], entry["did"], entry["notification"]) == ("bounced", "changed", str(notification))
    assert read_once() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("did", "state", "words"),
    [
        (Did.NOTED, Made.APPLIED, "noted with the notification"),
        (Did.KNOWN, Made.IGNORED, "said before"),
        (Did.GONE, Made.IGNORED, "no longer kept"),
        (Did.NOT_SENT, Made.IGNORED, "never left"),
    ],
)
def test_each_effect_has_its_sentence(applied: Applied, did: Did, state: Made, words: str) -> None:
    applied.then = lambda one: Effect(did)
    id = came()
    read_once()
    assert row(id).state == state
    assert words in row(id).detail


@pytest.mark.django_db
def test_that_the_address_is_blocked_now_is_said(applied: Applied) -> None:
    applied.then = lambda one: Effect(Did.CHANGED, suppressed=True)
    id = came()
    read_once()
    assert row(id).detail.endswith("The address is on the suppression list now.")
    assert row(id).result[0]["suppressed"] is True


@pytest.mark.django_db
def test_nothing_matches_a_report_that_names_nothing(applied: Applied) -> None:
    one = arrivals.mail(Door.PIPE, reports.report())
    arrivals.keep([one])
    read_once()
    assert (row(one.id).state, row(one.id).detail, row(one.id).project_id) == (
        Made.UNMATCHED,
        returned.NAMES_NOTHING,
        None,
    )
    assert not applied.given


@pytest.mark.django_db
def test_an_automatic_answer_is_shown_to_the_admins_of_its_project(applied: Applied) -> None:
    notification = make.notification(make.project())
    id = came(b"Auto-Submitted: auto-replied\r\nSubject: Out of office\r\n\r\nBack on Monday.\r\n", notification.id)
    read_once()
    assert (row(id).state, row(id).project_id, row(id).notification_id) == (
        Made.IGNORED,
        notification.project_id,
        notification.id,
    )
    assert "automatic answer" in row(id).detail


@pytest.mark.django_db
def test_a_report_about_another_address_is_applied_as_a_forward(applied: Applied) -> None:
    applied.then = lambda one: Effect(Did.OTHER_RECIPIENT if one.recipient else Did.CHANGED, project_id=3)
    first, second = came(reports.status(("ann@home.example", ""))), came()
    read_once()
    assert [one.recipient for one in applied.given] == ["ann@home.example", reports.ANN, "", ""]
    assert row(first).state == Made.APPLIED
    assert row(first).result[0]["cause"] == "systemerror"
    assert row(second).state == Made.APPLIED


@pytest.mark.django_db
def test_a_report_about_several_others_changes_nothing_and_says_about_whom_it_is(applied: Applied) -> None:
    applied.then = lambda one: Effect(Did.OTHER_RECIPIENT, project_id=3)
    id = came(reports.status(("bob@home.example", ""), ("cy@home.example", "")))
    read_once()
    assert (row(id).state, row(id).project_id) == (Made.IGNORED, 3)
    assert "about bob@home.example" in row(id).detail


@pytest.mark.django_db
def test_what_postgresql_cannot_hold_breaks_nothing(applied: Applied) -> None:
    id = came(reports.status(("a\x00b@home.example", "")).replace(b"User unknown", b"User \x00 \xed\xa0\x80 unknown"))
    read_once()
    assert row(id).state == Made.APPLIED


# --- too early --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_comes_before_its_notification_has_left_is_asked_again_later_and_later(applied: Applied) -> None:
    applied.then = lambda one: Effect(Did.EARLY, project_id=3)
    id = came()
    pauses = []
    for _ in range(8):
        assert read_once() == 1
        due = row(id).due_at
        assert due
        pauses.append(round((due - timezone.now()).total_seconds(), -1 if pauses[1:] else 0))
        later()
    assert pauses == [2, 10, 60, 300, 900, 3600, 3600, 3600]
    assert (row(id).state, row(id).tries) == (Made.NEW, 8)
    applied.then = lambda one: Effect(Did.CHANGED, project_id=3)
    read_once()
    assert row(id).state == Made.APPLIED


@pytest.mark.django_db
def test_in_the_end_it_is_not_waited_for_any_more(applied: Applied, settings: pytest.FixtureRequest) -> None:
    applied.then = lambda one: Effect(Did.EARLY)
    id = came()
    with connection.cursor() as cursor:
        old = reading.ids.uuid7_at(timezone.now() - timedelta(hours=25))
        cursor.execute("UPDATE inbound_arrival SET id = %s WHERE id = %s", [old, id])
    read_once()
    assert (row(old).state, row(old).due_at) == (Made.IGNORED, None)
    assert "no longer waited for" in row(old).detail


@pytest.mark.django_db
def test_what_an_earlier_reading_did_is_not_forgotten(applied: Applied) -> None:
    """Of two things that it says the second was too early."""
    applied.then = lambda one: Effect(Did.EARLY if one.recipient == "bob@home.example" else Did.CHANGED)
    id = came(reports.status((reports.ANN, ""), ("bob@home.example", "")))
    read_once()
    assert row(id).state == Made.NEW
    later()
    applied.then = lambda one: Effect(Did.OTHER_RECIPIENT if one.recipient == "bob@home.example" else Did.KNOWN)
    read_once()
    assert row(id).state == Made.APPLIED
    assert [entry["did"] for entry in row(id).result] == ["changed", "other_recipient"]


# --- whatever breaks --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_one_that_cannot_be_read_holds_up_no_other_and_is_kept_for_a_person(
    applied: Applied, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, fine = came(poison=True), came()
    real = returned.read_mail

    def read_mail(arrival: Arrival) -> Reading:
        if "poison" in arrival.about:
            raise ValueError("too \x00 deep")
        return real(arrival)

    monkeypatch.setattr(returned, "read_mail", read_mail)
    for n in range(1, reading.MOST_ERRORS):
        read_once()
        assert (row(poison).state, row(poison).tries) == (Made.NEW, n)
        later()
    assert row(fine).state == Made.APPLIED
    read_once()
    assert (row(poison).state, row(poison).due_at) == (Made.BROKEN, None)
    assert "ValueError: too" in row(poison).detail
    assert read_once() == 0


def test_one_that_breaks_the_batch_is_found_and_the_others_are_applied_once(committed: None, applied: Applied) -> None:
    fine, poison, other = came(), came(id=(bad := uuid4())), came()

    def then(one: Feedback) -> Effect:
        if one.notification_id == bad:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
        return Effect(Did.CHANGED)

    applied.then = then
    assert read_once() == 3
    assert [row(id).state for id in (fine, poison, other)] == [Made.APPLIED, Made.NEW, Made.APPLIED]
    assert row(poison).tries == 1
    assert "division by zero" in row(poison).detail


def test_an_outage_is_nobody_s_fault(committed: None, applied: Applied, monkeypatch: pytest.MonkeyPatch) -> None:
    id = came()

    def gone(one: Feedback) -> Effect:
        with psycopg.connect(wake.url(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        raise AssertionError

    applied.then = gone
    with pytest.raises(reading.Away):
        read_once()
    assert (row(id).state, row(id).tries) == (Made.NEW, 0)
    applied.then = lambda one: Effect(Did.CHANGED)
    assert read_once() == 1


def test_an_error_that_only_looks_like_an_outage_blocks_nothing(committed: None, applied: Applied) -> None:
    def fails(one: Feedback) -> Effect:
        raise OperationalError("stack depth limit exceeded")

    applied.then = fails
    id = came()
    assert read_once() == 1
    assert row(id).tries == 1


@pytest.fixture
def second() -> Iterator[psycopg.Connection]:
    with psycopg.connect(wake.url()) as other:
        yield other


def test_what_another_worker_reads_is_passed_by(committed: None, applied: Applied, second: psycopg.Connection) -> None:
    mine, others = came(), came()
    second.execute("SELECT 1 FROM inbound_arrival WHERE id = %s FOR UPDATE", [others])
    assert read_once() == 1
    second.rollback()
    assert (row(mine).state, row(others).state) == (Made.APPLIED, Made.NEW)


@pytest.mark.django_db
def test_a_batch_holds_no_more_than_fits_into_memory(applied: Applied, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 5000)
    for _ in range(3):
        came(reports.report() + b"x" * 3000)
    assert [read_once() for _ in range(4)] == [1, 1, 1, 0]


@pytest.mark.django_db
def test_the_queue_is_read_by_its_index_in_the_days_that_are_kept() -> None:
    came()
    now = timezone.now()
    bounds = reading.claim.bounds(21)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + reading.DUE, [now, bounds["low"], bounds["high"], 10])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan using inbound_arrival_p" in plan
    assert max(re.findall(r" on inbound_arrival_p(\d{8})", plan)) <= f"{now + timedelta(days=1):%Y%m%d}"
    assert "Seq Scan" not in plan


@pytest.mark.django_db
def test_an_error_of_the_data_is_not_an_outage(applied: Applied, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(arrival: Arrival) -> Reading:
        raise DataError("22P05")

    monkeypatch.setattr(returned, "read_mail", fails)
    id = came()
    assert read_once() == 1
    assert (row(id).state, row(id).tries) == (Made.NEW, 1)


@pytest.mark.django_db
def test_who_reads_depends_on_the_door(applied: Applied, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        reading.READERS, Door.WEBHOOK, lambda arrival: Reading("opened", (Finding(why="Not tracked."),))
    )
    one = arrivals.NewArrival(Door.WEBHOOK, b"{}", {"provider": 1, "esp": "postmark"})
    arrivals.keep([one])
    read_once()
    assert (row(one.id).state, row(one.id).kind, row(one.id).detail) == (Made.IGNORED, "opened", "Not tracked.")
