"""Recording: one transaction a batch, nothing for a claim that is no longer the writer's, and counts that add up."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.utils import timezone

from tests import make
from tests.delivery.worker_at import FULL, KEEP_DAYS, NO_SUCH_USER, OK, connect, state_of, types_of
from undelivered.database import ids, partitions
from undelivered.delivery import claim, record
from undelivered.delivery.models import DailyCountDelta, DeliveryEvent, Notification, Suppression
from undelivered.delivery.outcomes import Outcome
from undelivered.delivery.reasons import Reason
from undelivered.delivery.record import Result
from undelivered.delivery.retry import decide, held, objected
from undelivered.desk.models import Project

pytestmark = pytest.mark.usefixtures("committed")


def claimed(worker: int = 1):
    shares = dict.fromkeys(Project.objects.values_list("pk", flat=True), 100)

    async def story():
        async with await connect() as connection:
            return await claim.claim(connection, worker, shares, keep_days=KEEP_DAYS)

    return asyncio.run(story())


def recording(results, worker: int = 1) -> int:
    async def story():
        async with await connect() as connection:
            return await record.record(connection, worker, results)

    return asyncio.run(story())


def result(row, outcome: Outcome = OK, **more) -> Result:
    now = datetime.now(UTC)
    verdict = decide(
        outcome, attempt=row.attempts, since=row.created_at, now=now, give_up_after=timedelta(days=1), dice=lambda: 0
    )
    return Result(row, verdict, now, provider_id=1, **more)


def test_a_result_is_written_with_all_that_the_row_shows(project):
    make.notification(project)
    [row] = claimed()
    assert recording([result(row, NO_SUCH_USER, message_id="<x@y>", size=99, counted_on=timezone.now().date())]) == 1
    found = Notification.objects.get()
    assert (found.state, found.reason, found.cause) == ("failed", "provider_error", "userunknown")
    assert (found.smtp_code, found.enhanced_code, found.detail) == (550, "5.1.1", NO_SUCH_USER.reply)
    assert (found.provider_id, found.message_id, found.size, found.counted_on) == (
        1,
        "<x@y>",
        99,
        timezone.now().date(),
    )
    assert (found.worker, found.due_at) == (None, None)
    event = DeliveryEvent.objects.get(type="refused")
    assert (event.attempt, event.data["reply"], event.data["stage"]) == (1, NO_SUCH_USER.reply, "rcpt")


def test_a_stalled_worker_changes_nothing_and_writes_no_history(project):
    make.notification(project, "ann@x.example")
    [stale] = claimed(worker=1)
    Notification.objects.update(state="queued", worker=None, due_at=timezone.now())
    [fresh] = claimed(worker=2)
    assert recording([result(stale, NO_SUCH_USER)], worker=1) == 0
    assert state_of(stale.id)[0] == "sending"
    assert types_of(stale.id) == []
    assert not DailyCountDelta.objects.exists()
    assert not Suppression.objects.exists()
    assert recording([result(fresh)], worker=2) == 1
    assert types_of(stale.id) == ["accepted"]


def test_a_worker_cannot_write_with_the_claim_of_an_earlier_attempt(project):
    make.notification(project)
    [earlier] = claimed()
    Notification.objects.update(state="queued", worker=None, due_at=timezone.now())
    [later] = claimed()
    assert (earlier.attempts, later.attempts) == (1, 2)
    assert recording([result(earlier)]) == 0
    assert recording([result(later)]) == 1


def test_writing_the_same_twice_is_writing_it_once(project):
    make.notification(project)
    [row] = claimed()
    one = result(row)
    assert recording([one]) == 1
    assert recording([one]) == 0
    assert types_of(row.id) == ["accepted"]
    assert sum(DailyCountDelta.objects.values_list("n", flat=True)) == 0


def test_a_batch_is_written_whole_or_not_at_all(project):
    rows = [make.notification(project, f"a{n}@x.example") for n in range(3)]
    results = [result(row) for row in claimed()]
    results[1] = replace(results[1], verdict=replace(results[1].verdict, data={"reply": "what no text can hold: \0"}))
    with pytest.raises(psycopg.Error):
        recording(results)
    assert {state_of(row.id)[0] for row in rows} == {"sending"}
    assert not DeliveryEvent.objects.exists()


def test_a_batch_over_two_days_is_written_in_both(project):
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = [today - timedelta(milliseconds=1), today, today - timedelta(hours=5), today + timedelta(milliseconds=1)]
    rows = [make.notification(project, f"a{n}@x.example", at=at) for n, at in enumerate(moments)]
    assert {ids.day_of(row.id) for row in rows} == {today.date(), today.date() - timedelta(days=1)}
    results = [result(row) for row in claimed()]
    assert recording(results[::-1]) == 4
    assert {state_of(row.id)[0] for row in rows} == {"sent"}
    assert DeliveryEvent.objects.filter(type="accepted").count() == 4


def test_rows_of_a_day_without_a_partition_are_written_too(project):
    old = datetime.now(UTC) - timedelta(days=10)
    row = make.notification(project, at=old)
    [one] = claimed()
    assert recording([result(one)]) == 1
    assert state_of(row.id)[0] == "sent"


def test_counts_move_from_queued_to_what_became_of_each(project):
    for n in range(5):
        make.notification(project, f"a{n}@x.example")
    rows = claimed()
    results = [
        result(rows[0]),
        result(rows[1]),
        result(rows[2], NO_SUCH_USER),
        result(rows[3], FULL),
        Result(rows[4], objected(Reason.PRIVATE_ADDRESS, "It is private."), datetime.now(UTC)),
    ]
    recording(results)
    total = Counter()
    for delta in DailyCountDelta.objects.all():
        assert (delta.project_id, delta.kind) == (project.pk, "request")
        total[delta.state, delta.reason] += delta.n
    assert total == {
        ("queued", ""): -4,
        ("sent", ""): 2,
        ("failed", "provider_error"): 1,
        ("failed", "private_address"): 1,
    }


def test_an_attempt_that_does_not_count_is_taken_back(project):
    make.notification(project)
    [row] = claimed()
    until = timezone.now() + timedelta(hours=3)
    recording([Result(row, held(until, "The limit is used up."), datetime.now(UTC))])
    found = Notification.objects.get()
    assert (found.state, found.attempts, found.due_at, found.finished_at) == ("held", 0, until, None)


def test_a_state_that_may_not_follow_is_a_mistake_and_written_nowhere(project):
    make.notification(project)
    [row] = claimed()
    good = result(row)
    bad = Result(row, good.verdict.__class__("cancelled", "cancelled"), datetime.now(UTC))
    with pytest.raises((AssertionError, KeyError)):
        recording([bad])
    assert state_of(row.id)[0] == "sending"


def test_one_partition_a_day_is_written_to(project):
    make.notification(project)
    [row] = claimed()
    one = result(row)

    async def plan():
        async with await connect() as connection:
            await connection.execute("SET plan_cache_mode = force_custom_plan")
            rows = await connection.execute("EXPLAIN " + record.WRITE, record.parameters(1, [one]))
            return "\n".join(line[0] for line in await rows.fetchall())

    plan = asyncio.run(plan())
    hot = partitions.HOT[0]
    assert partitions.name(hot, ids.day_of(row.id)) in plan
    assert partitions.name(hot, ids.day_of(row.id) + timedelta(days=1)) not in plan
    assert "default" not in plan
