"""The worker, turn by turn, with a provider that answers as written down here."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.utils import timezone

from tests import make
from tests.delivery import worker_at
from tests.delivery.worker_at import (
    DOWN,
    FULL,
    GARBAGE,
    GREYLISTED,
    LOGIN,
    LOST,
    NO_SUCH_USER,
    OK,
    SPAM,
    Scripted,
    WorkerAt,
    make_due,
    state_of,
    types_of,
)
from undelivered import env as environment
from undelivered.delivery import mime, providers, record, recorder, room, send, suppression, wake
from undelivered.delivery.models import DailyCountDelta, DailyUse, DeliveryEvent, Notification, Provider, Suppression
from undelivered.delivery.models import Worker as Registered
from undelivered.delivery.outcomes import Accepted, Refused, Stage
from undelivered.delivery.worker import Rules, Worker, work
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import AtLimit, Project

pytestmark = pytest.mark.usefixtures("committed")


def message_id(message: bytes) -> str:
    return re.search(rb"\r\nMessage-ID: (<[^>]+>)\r\n", message)[1].decode()


def reload(*rows: Notification) -> list[Notification]:
    return [Notification.objects.get(id=row.id) for row in rows]


# --- what becomes of one mail -----------------------------------------------------------------------------------------


def test_what_is_due_is_sent_and_recorded(worker, project):
    row = make.notification(project)
    assert worker.turn() == 1
    assert state_of(row.id) == ("sent", "", "")
    assert types_of(row.id) == ["accepted"]
    [row] = reload(row)
    assert (row.attempts, row.smtp_code, row.enhanced_code, row.detail) == (1, 250, "2.0.0", OK.reply)
    assert row.finished_at is not None
    assert row.worker is None
    [sent] = worker.script.sent
    assert (sent.sender, sent.recipient) == ("help@desk.example", "ann@northwind.example")
    assert message_id(sent.message) == row.message_id == mime.message_id(row.id, "help@desk.example")
    assert row.size == len(sent.message)


@pytest.mark.parametrize(
    ("recipient", "content", "answer", "expected"),
    [
        ("ann@x.example", {"error": "line 3: unknown tag"}, OK, ("failed", "internal_error", "template")),
        ("ann.x.example", {}, OK, ("failed", "email_validation_error", "no-at")),
        ("ann@192.168.0.217", {}, OK, ("failed", "private_address", "private-ip")),
        ("ann@printer.local", {}, OK, ("failed", "private_address", "private-name")),
        ("ann@x.example", {"text": "x" * 3000}, OK, ("failed", "template_too_large", "")),
        ("ann@x.example", {}, NO_SUCH_USER, ("failed", "provider_error", "userunknown")),
        ("ann@x.example", {}, SPAM, ("failed", "provider_error", "spamdetected")),
        ("ann@x.example", {}, GARBAGE, ("failed", "unknown_error", "")),
        ("ann@x.example", {}, FULL, ("queued", "", "mailboxfull")),
        ("ann@x.example", {}, LOST, ("queued", "", "")),
    ],
)
def test_each_trouble_has_its_reason_and_cause(project, provider, recipient, content, answer, expected):
    row = make.notification(project, recipient, content_id=make.content(project, **content).id)
    with WorkerAt(Scripted(answer), size_limit=2500) as worker:
        assert worker.turn() == 1
    assert state_of(row.id) == expected
    [event] = DeliveryEvent.objects.filter(notification_id=row.id).exclude(type="suppressed")
    [row] = reload(row)
    tried = expected[1] in {"", "provider_error", "unknown_error"}
    assert (event.attempt, row.attempts, len(worker.script.sent)) == ((1, 1, 1) if tried else (0, 0, 0))
    assert event.data["detail" if not tried else "reply"]
    assert row.detail


def test_a_suppressed_address_is_not_tried(worker, project):
    suppression.add(project, "ANN@Northwind.example", by=UNDELIVERED)
    row = make.notification(project)
    worker.turn()
    assert state_of(row.id) == ("failed", "suppressed", "")
    assert "added by hand" in reload(row)[0].detail
    assert worker.script.sent == []
    assert not DailyUse.objects.exists()


def test_an_address_that_the_whole_site_blocks_is_not_tried(worker, project):
    Suppression.objects.create(address="ann@x.example", address_key="ann@x.example", cause="userunknown")
    row = make.notification(project, "ann@x.example")
    worker.turn()
    assert state_of(row.id)[:2] == ("failed", "suppressed")


def test_a_refusal_suppresses_and_the_next_mail_is_skipped(worker, project):
    worker.script.says["gone@x.example"] = [NO_SUCH_USER]
    first = make.notification(project, "gone@x.example")
    worker.turn()
    assert types_of(first.id) == ["refused", "suppressed"]
    entry = Suppression.objects.get()
    assert (entry.address_key, entry.cause, entry.until, entry.notification_id) == (
        "gone@x.example",
        "userunknown",
        None,
        first.id,
    )
    second = make.notification(project, "Gone@X.example")
    worker.turn()
    assert state_of(second.id) == ("failed", "suppressed", "")
    assert len(worker.script.sent) == 1


def test_the_limit_fails_what_is_over_it(worker, project):
    Project.objects.update(daily_limit=2)
    rows = [make.notification(project, f"a{n}@x.example") for n in range(4)]
    worker.turn()
    assert [state_of(row.id)[:2] for row in rows] == [("sent", "")] * 2 + [("failed", "limit_reached")] * 2
    assert "project's daily limit of 2" in reload(rows[3])[0].detail
    assert DailyUse.objects.get(project=project).used == 2


def test_the_site_is_named_where_its_limit_was_in_the_way(project, provider):
    Project.objects.update(daily_limit=50)
    rows = [make.notification(project, f"a{n}@x.example") for n in range(2)]
    with WorkerAt(daily_limit=1) as worker:
        worker.turn()
    assert "site's daily limit of 1" in reload(rows[1])[0].detail
    assert set(DailyUse.objects.values_list("project", "used")) == {(project.pk, 1), (None, 1)}


def test_a_project_that_holds_keeps_the_mail_until_the_next_day_and_then_sends_it(worker, project):
    Project.objects.update(daily_limit=0, at_limit=AtLimit.HOLD)
    row = make.notification(project)
    worker.turn()
    [held] = reload(row)
    assert (held.state, held.attempts, held.counted_on) == ("held", 0, None)
    assert held.due_at == timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert worker.turn() == 0
    worker.run(worker.worker.house.keep_once())
    assert state_of(row.id)[0] == "held"
    Notification.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    Project.objects.update(daily_limit=1)
    worker.run(worker.worker.house.keep_once())
    assert worker.turn() == 1
    assert state_of(row.id)[0] == "sent"
    assert types_of(row.id) == ["held", "released", "accepted"]


def test_content_that_is_gone_fails_the_mail_and_no_other(worker, project):
    lost = make.notification(project, content_id=make.ids.uuid7())
    good = make.notification(project)
    worker.turn()
    assert state_of(lost.id) == ("failed", "internal_error", "content")
    assert state_of(good.id)[0] == "sent"


def test_a_mail_that_cannot_be_written_fails_and_no_other(worker, project):
    bad = make.notification(project, content_id=make.content(project, headers=[["No name", "x"]]).id)
    good = make.notification(project)
    worker.turn()
    assert state_of(bad.id) == ("failed", "internal_error", "mime")
    assert state_of(good.id)[0] == "sent"


# --- trying again -----------------------------------------------------------------------------------------------------


def test_greylisting_is_waited_out(worker, project):
    worker.script.says["ann@x.example"] = [GREYLISTED, GREYLISTED, OK]
    row = make.notification(project, "ann@x.example")
    before = timezone.now()
    worker.turn()
    [waiting] = reload(row)
    assert waiting.retrying
    assert before + timedelta(seconds=60) <= waiting.due_at <= timezone.now() + timedelta(seconds=66)
    assert worker.turn() == 0
    for _ in range(2):
        make_due(row.id)
        assert worker.turn() == 1
    assert types_of(row.id) == ["deferred", "deferred", "accepted"]
    [done] = reload(row)
    assert (done.state, done.attempts, done.reason, done.cause) == ("sent", 3, "", "")
    assert DailyUse.objects.get(project=project).used == 1  # retries are not counted again


def test_what_was_lost_after_the_dot_goes_out_again_as_the_same_mail(worker, project):
    worker.script.says["ann@x.example"] = [LOST, OK]
    row = make.notification(project, "ann@x.example")
    worker.turn()
    assert types_of(row.id) == ["uncertain"]
    make_due(row.id)
    worker.turn()
    assert types_of(row.id) == ["uncertain", "accepted"]
    first, second = worker.script.sent
    assert message_id(first.message) == message_id(second.message)
    assert first.message == second.message


def test_after_a_day_of_trying_it_fails_with_what_was_said_last(worker, project):
    old = timezone.now() - timedelta(hours=25)
    worker.script.usual = FULL
    row = make.notification(project, at=old, attempts=8, counted_on=old.date(), due_at=old)
    worker.turn()
    assert state_of(row.id) == ("failed", "provider_error", "mailboxfull")
    assert types_of(row.id) == ["failed"]


def test_a_mail_that_waited_long_for_its_first_try_has_its_time_still_before_it(worker, project):
    old = timezone.now() - timedelta(days=3)
    worker.script.usual = GREYLISTED
    row = make.notification(project, at=old, due_at=old)
    worker.turn()
    assert state_of(row.id)[0] == "queued"


# --- providers that are out of order ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "cause"), [(DOWN, "provider_unreachable"), (LOGIN, "login_refused")], ids=["down", "login"]
)
def test_an_outage_pauses_the_provider_burns_no_attempt_and_is_one_incident(worker, project, answer, cause):
    worker.script.usual = answer
    rows = [make.notification(project, f"a{n}@x.example") for n in range(4)]
    assert worker.turn() == 4
    provider = Provider.objects.get()
    assert provider.failures == 1
    assert provider.paused_until > timezone.now()
    assert provider.incident == answer.reply
    assert provider.incident_since is not None
    for row in reload(*rows):
        assert (row.state, row.attempts, row.cause) == ("queued", 0, cause)
        assert row.due_at >= provider.paused_until - timedelta(milliseconds=1)
        assert types_of(row.id) == ["attempt"]
    assert providers.incident(project) == provider
    for row in rows:
        make_due(row.id)
    assert worker.turn() == 0  # it rests


def test_after_the_pause_one_mail_is_the_probe_and_the_rest_follows(worker, project):
    rows = [make.notification(project, f"a{n}@x.example") for n in range(4)]
    ended = timezone.now() - timedelta(seconds=1)
    Provider.objects.update(failures=3, paused_until=ended, incident="down", incident_since=ended)
    assert worker.turn() == 1
    provider = Provider.objects.get()
    assert (provider.failures, provider.paused_until, provider.incident_since) == (0, None, None)
    assert worker.turn() == 3
    assert {state_of(row.id)[0] for row in rows} == {"sent"}


def test_a_probe_that_fails_lengthens_the_pause(worker, project):
    worker.script.usual = DOWN
    make.notification(project)
    Provider.objects.update(failures=3, paused_until=timezone.now() - timedelta(seconds=1))
    worker.turn()
    provider = Provider.objects.get()
    assert provider.failures == 4
    assert timedelta(seconds=35) < provider.paused_until - timezone.now() <= timedelta(seconds=40)


def test_while_the_probe_is_out_no_other_mail_goes(worker, project):
    answered = asyncio.Event()

    async def hang():
        await answered.wait()
        return OK

    for n in range(3):
        make.notification(project, f"a{n}@x.example")
    worker.script.usual = hang
    Provider.objects.update(failures=1, paused_until=timezone.now() - timedelta(seconds=1))

    async def story():
        first, second = await worker.worker.turn(), await worker.worker.turn()
        answered.set()
        await worker.worker.hands.finish()
        return first, second, await worker.worker.run_once()

    assert worker.run(story()) == (1, 0, 2)


def test_a_given_up_mail_does_not_end_the_incident(worker, project):
    worker.script.usual = DOWN
    old = timezone.now() - timedelta(days=2)
    row = make.notification(project, at=old, due_at=old, attempts=3, counted_on=old.date())
    Provider.objects.update(failures=2, paused_until=timezone.now() - timedelta(seconds=1), incident_since=old)
    worker.turn()
    assert state_of(row.id) == ("failed", "internal_error", "provider_unreachable")
    assert Provider.objects.get().incident_since == old


def test_without_a_provider_mail_waits(project):
    row = make.notification(project)
    with WorkerAt() as worker:
        assert worker.turn() == 0
        assert state_of(row.id)[0] == "queued"
        Provider.objects.create(name="Now", url="smtp+plain://127.0.0.1:9")
        assert worker.turn() == 1


def test_a_provider_that_hangs_holds_its_own_mails_only(worker, project):
    answered = asyncio.Event()

    async def hang():
        await answered.wait()
        return OK

    gone = asyncio.Event()

    async def pass_on():
        gone.set()
        return OK

    other = make.project("HR")
    worker.script.says["quick@x.example"] = [pass_on]
    Provider.objects.create(project=other, name="Own", url="smtp+plain://127.0.0.1:10")
    slow = make.notification(other, "slow@x.example")
    worker.script.says["slow@x.example"] = [hang]

    async def story():
        await worker.worker.turn()
        return worker.worker.hands.in_hand

    worker.run(story())
    quick = make.notification(project, "quick@x.example")

    async def goes_on():
        await worker.worker.turn()
        await asyncio.wait_for(gone.wait(), 5)
        answered.set()
        await worker.worker.hands.finish()

    worker.run(goes_on())
    assert [state_of(row.id)[0] for row in (slow, quick)] == ["sent", "sent"]


def test_a_project_whose_mails_hang_holds_no_other_of_the_same_provider(worker, project):
    answered, passed = asyncio.Event(), asyncio.Event()

    async def hang():
        await answered.wait()
        return OK

    async def passes():
        passed.set()
        return OK

    worker.script.usual = hang
    make.copies(make.notification(project), 1500)

    async def claim_all():
        while await worker.worker.turn(200):
            pass

    worker.run(claim_all())
    assert worker.worker.hands.in_hand.total < room.MOST_IN_HAND / 2
    worker.script.says["quick@x.example"] = [passes]
    quick = make.notification(make.project("HR"), "quick@x.example")

    async def goes_on():
        assert await worker.worker.turn() == 1
        await asyncio.wait_for(passed.wait(), 5)
        answered.set()
        await worker.worker.hands.finish()

    worker.run(goes_on())
    assert state_of(quick.id)[0] == "sent"


def test_a_password_under_another_secret_key_pauses_and_says_so(project, provider):
    Provider.objects.update(secret="gAAAAAB-not-ours")
    row = make.notification(project)
    with WorkerAt(real=True) as worker:
        worker.turn()
    assert state_of(row.id) == ("queued", "", "login_refused")
    assert "Enter it again" in Provider.objects.get().incident


def test_changed_settings_make_a_new_transport(project, provider):
    with WorkerAt(real=True) as worker:

        def transport():
            return worker.run(worker.worker.hands.transport(Provider.objects.get()))

        first, again = transport(), transport()
        Provider.objects.update(changed_at=timezone.now() + timedelta(seconds=1), url="smtp+plain://127.0.0.2:25")
        changed = transport()
    assert first is again
    assert changed is not first
    assert changed.settings.host == "127.0.0.2"


# --- one bad mail, and a database that goes away ----------------------------------------------------------------------


def test_a_mistake_in_sending_one_mail_stops_no_other_and_is_tried_again(worker, project, caplog):
    worker.script.says["bad@x.example"] = [ZeroDivisionError("one over nothing"), OK]
    bad, good = make.notification(project, "bad@x.example"), make.notification(project, "good@x.example")
    worker.turn()
    assert state_of(good.id)[0] == "sent"
    assert state_of(bad.id) == ("queued", "", "mistake")
    assert "one over nothing" in reload(bad)[0].detail
    assert not Provider.objects.get().failures
    make_due(bad.id)
    worker.turn()
    assert state_of(bad.id) == ("sent", "", "")


def test_an_outcome_that_the_database_refuses_is_recorded_without_its_words_and_stops_no_other(worker, project, caplog):
    worker.script.says["bad@x.example"] = [Refused("550 5.1.1 No\x00such user", code=550, stage=Stage.RCPT)]
    rows = [make.notification(project, f"{name}@x.example") for name in ("good", "bad", "also-good")]
    worker.turn()
    assert [state_of(row.id)[0] for row in rows] == ["sent", "failed", "sent"]
    assert reload(rows[1])[0].detail == "The details could not be stored."


def test_an_outcome_that_can_not_be_recorded_at_all_is_sent_again_later(worker, project, monkeypatch, caplog):
    row = make.notification(project)
    real, broken = record.record, [True]

    async def refuse(*arguments):
        if broken[0]:
            raise psycopg.DataError("no")
        return await real(*arguments)

    monkeypatch.setattr(record, "record", refuse)
    worker.turn()
    assert state_of(row.id)[0] == "sending"
    broken[0] = False
    worker.turn()  # gives back, and claims anew
    assert state_of(row.id)[0] == "sent"
    assert types_of(row.id) == ["returned", "accepted"]


def test_outcomes_wait_for_a_database_that_is_away(worker, project, monkeypatch, caplog):
    row = make.notification(project)
    real, away = record.record, [psycopg.OperationalError("gone"), TimeoutError(), psycopg.InterfaceError("closed")]

    async def first_away(*arguments):
        if away:
            raise away.pop()
        return await real(*arguments)

    monkeypatch.setattr(record, "record", first_away)
    monkeypatch.setattr(recorder, "AGAIN_S", 0)
    worker.turn()
    assert state_of(row.id)[0] == "sent"
    assert len(worker.script.sent) == 1


def test_connections_that_the_server_closed_are_replaced_and_nothing_is_lost(worker, project, caplog, monkeypatch):
    monkeypatch.setattr(recorder, "AGAIN_S", 0)
    row = make.notification(project)

    async def cut():
        with psycopg.connect(wake.url(), autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'worker at test'"
            )
        return OK

    async def name_all():
        async with worker.worker.pool.connection() as connection:
            await connection.execute("SET application_name = 'worker at test'")

    worker.run(name_all())
    worker.script.usual = cut
    worker.turn()
    assert state_of(row.id)[0] == "sent"


@pytest.mark.parametrize("step", ["load", "prepare"])
def test_a_turn_that_breaks_after_its_claim_leaves_nothing_behind(worker, project, monkeypatch, step):
    row = make.notification(project)

    async def breaks(*_):
        raise psycopg.OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(send, step, breaks)
        with pytest.raises(psycopg.OperationalError):
            worker.turn()
    assert state_of(row.id)[0] == "sending"
    assert worker.turn() == 1
    assert state_of(row.id)[0] == "sent"
    assert types_of(row.id) == ["returned", "accepted"]


def test_giving_back_after_a_broken_turn_leaves_mails_in_hand_alone(worker, project):
    answered = asyncio.Event()

    async def hang():
        await answered.wait()
        return OK

    worker.script.usual = hang
    make.notification(project)

    async def story():
        await worker.worker.turn()
        worker.worker.unsure = True
        assert await worker.worker.turn() == 0
        answered.set()
        await worker.worker.hands.finish()

    worker.run(story())
    assert len(worker.script.sent) == 1
    assert Notification.objects.get().state == "sent"


# --- life, death and the house ----------------------------------------------------------------------------------------


def test_a_worker_that_stops_gives_back_what_it_did_not_finish(project, provider):
    row = make.notification(project)
    with WorkerAt() as worker:

        async def never():
            await asyncio.Event().wait()
            return OK

        worker.script.usual = never

        async def begin_and_stop():
            await worker.worker.turn()
            await asyncio.sleep(0)
            await worker.worker.close(grace_s=0)

        worker.run(begin_and_stop())
        assert state_of(row.id)[0] == "queued"
        assert types_of(row.id) == ["returned"]
        assert not Registered.objects.exists()
        worker.run(worker.worker.start())  # for the end of the test


def test_the_claims_of_a_dead_worker_are_taken_over(worker, project):
    dead = Registered.objects.create(host="gone", pid=1, seen_at=timezone.now() - timedelta(seconds=61))
    alive = Registered.objects.create(host="there", pid=1)
    rows = [make.notification(project, state="sending", worker=one, attempts=1) for one in (dead.pk, alive.pk, 999_999)]
    worker.worker.house._beating_since -= 60
    worker.run(worker.worker.house.keep_once())
    assert [state_of(row.id)[0] for row in rows] == ["queued", "sending", "queued"]
    assert worker.worker.woken.is_set()
    assert worker.turn() == 2
    assert types_of(rows[0].id) == ["returned", "accepted"]


def test_nobody_is_taken_for_dead_right_after_the_database_was_away(worker, project):
    other = Registered.objects.create(host="there", pid=1, seen_at=timezone.now() - timedelta(seconds=61))
    row = make.notification(project, state="sending", worker=other.pk, attempts=1)
    house = worker.worker.house
    house._beating_since = house._beaten = house._beaten - 100  # its own last beat is long ago, too
    worker.run(house.keep_once())
    worker.run(house.beat_once())
    worker.run(house.keep_once())
    assert state_of(row.id)[0] == "sending"


def test_a_beat_shows_that_the_worker_lives_even_after_it_was_forgotten(worker):
    me = Registered.objects.get()
    Registered.objects.update(seen_at=timezone.now() - timedelta(seconds=50))
    worker.run(worker.worker.house.beat_once())
    assert Registered.objects.get().seen_at > timezone.now() - timedelta(seconds=10)
    Registered.objects.all().delete()
    worker.run(worker.worker.house.beat_once())
    assert Registered.objects.get().pk == me.pk


def test_keeping_forgets_workers_that_are_long_gone_and_folds_the_counts(worker, project):
    Registered.objects.create(host="gone", pid=1, seen_at=timezone.now() - timedelta(hours=1))
    make.notification(project)
    worker.turn()
    assert DailyCountDelta.objects.exists()
    worker.run(worker.worker.house.keep_once())
    assert Registered.objects.count() == 1
    assert not DailyCountDelta.objects.exists()


def test_a_notification_that_is_rung_for_wakes_the_worker(worker):
    async def story():
        one = worker.worker
        listening = asyncio.create_task(one.house.listen())
        await asyncio.wait_for(one.woken.wait(), 5)  # it listens
        one.woken.clear()
        connection = await worker_at.connect()
        await connection.execute(f"NOTIFY {wake.CHANNEL}")
        await connection.close()
        await asyncio.wait_for(one.woken.wait(), 5)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    worker.run(story())


def test_it_runs_until_it_is_stopped(worker, project):
    rows = [make.notification(project, f"a{n}@x.example") for n in range(3)]

    async def story():
        async def last():
            if len(worker.script.sent) == 3:
                worker.worker.stop()
            return OK

        worker.script.usual = last
        await asyncio.wait_for(worker.worker.run(), 10)
        await worker.worker.hands.finish()

    worker.run(story())
    assert {state_of(row.id)[0] for row in rows} == {"sent"}


def test_a_turn_that_fails_does_not_end_the_worker(worker, monkeypatch, caplog):
    troubles = [psycopg.OperationalError("gone"), ValueError("a mistake")]

    async def turn():
        if troubles:
            raise troubles.pop()
        worker.worker.stop()
        return 0

    async def no_pause(seconds):
        return None

    monkeypatch.setattr(worker.worker, "turn", turn)
    monkeypatch.setattr(worker.worker, "_pause", no_pause)
    worker.run(asyncio.wait_for(worker.worker.run(), 10))
    assert troubles == []
    assert "the database cannot be reached: gone" in caplog.text


def test_a_whole_life_waits_for_the_database_and_signs_off(project, provider, monkeypatch, caplog):
    tried = []
    start = Worker.start

    async def second_time(self):
        tried.append(self)
        if len(tried) == 1:
            raise psycopg.OperationalError("not yet")
        await start(self)
        self.stop()

    async def no_pause(self, seconds):
        return None

    monkeypatch.setattr(Worker, "start", second_time)
    monkeypatch.setattr(Worker, "_pause", no_pause)
    asyncio.run(asyncio.wait_for(work(environment.read({}), wake.url()), 10))
    assert len(tried) == 2
    assert not Registered.objects.exists()


def test_a_start_that_fails_leaves_no_connection_open(monkeypatch, caplog):
    rules = Rules.of(environment.read({}))
    monkeypatch.setattr("undelivered.delivery.worker._REGISTER", "SELECT %s, %s FROM nowhere")

    async def story():
        worker = Worker(wake.url(), rules)
        with pytest.raises(psycopg.errors.UndefinedTable):
            await worker.start()
        assert worker.pool.closed

    asyncio.run(story())


def test_the_size_of_mails_in_hand_is_bounded(worker, project, monkeypatch):
    monkeypatch.setattr(room, "MOST_BYTES", 1)
    assert worker.worker.hands.in_hand.free == room.MOST_IN_HAND
    answered = asyncio.Event()

    async def hang():
        await answered.wait()
        return Accepted("250 Ok", code=250)

    worker.script.usual = hang
    make.notification(project)

    async def story():
        await worker.worker.turn()
        assert worker.worker.hands.in_hand.free == 0
        answered.set()
        await worker.worker.hands.finish()
        assert worker.worker.hands.in_hand.free == room.MOST_IN_HAND

    worker.run(story())


def test_prepared_statements_are_planned_with_their_values(worker):
    async def mode():
        async with worker.worker.pool.connection() as connection:
            return await (await connection.execute("SHOW plan_cache_mode")).fetchone()

    assert worker.run(mode()) == ("force_custom_plan",)


def test_due_times_are_kept_in_order_oldest_first(worker, project):
    now = datetime.now(UTC)
    rows = [
        make.notification(project, f"a{n}@x.example", due_at=now - timedelta(minutes=minutes))
        for n, minutes in enumerate((1, 30, 10))
    ]
    worker.turn(limit=1)
    worker.turn(limit=1)
    assert [state_of(row.id)[0] for row in rows] == ["queued", "sent", "sent"]
