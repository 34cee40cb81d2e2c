"""Claims: a row goes to one worker only, in order, and comes back when that worker is gone."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as django
from django.utils import timezone

from tests import make
from tests.delivery.worker_at import KEEP_DAYS, connect, state_of, types_of
from undelivered.database import ids, partitions
from undelivered.delivery import claim
from undelivered.delivery.models import Worker

pytestmark = pytest.mark.usefixtures("committed")


def claiming(worker: int = 1, limit: int = 100, **more):
    async def story():
        connection = await connect()
        try:
            return await claim.claim(connection, worker, limit, keep_days=KEEP_DAYS, **more)
        finally:
            await connection.close()

    return asyncio.run(story())


def giving_back(**more):
    async def story():
        connection = await connect()
        try:
            return await claim.give_back(connection, keep_days=KEEP_DAYS, **more)
        finally:
            await connection.close()

    return asyncio.run(story())


def test_a_claimed_row_is_sending_and_belongs_to_the_worker(project):
    row = make.notification(project, recipient_name="Ann", personal={"a": 1})
    [claimed] = claiming(worker=7)
    assert (claimed.id, claimed.recipient, claimed.recipient_name, claimed.personal) == (
        row.id,
        row.recipient,
        "Ann",
        {"a": 1},
    )
    assert (claimed.worker, claimed.attempts) == (7, 1)
    row.refresh_from_db()
    assert (row.state, row.worker, row.attempts, row.due_at) == ("sending", 7, 1, None)
    assert claiming(worker=8) == []


def test_only_what_is_due_is_claimed(project):
    make.notification(project, due_at=timezone.now() + timedelta(minutes=1))
    for state in ("sending", "sent", "failed", "held", "cancelled", "delivered"):
        make.notification(project, state=state)
    assert claiming() == []


def test_the_longest_due_goes_first(project):
    now = datetime.now(UTC)
    rows = [make.notification(project, due_at=now - timedelta(minutes=n)) for n in (1, 3, 2)]
    assert [c.id for c in claiming(limit=2)] == [rows[1].id, rows[2].id]


def test_projects_can_be_chosen_and_left_out(project):
    other = make.project("HR")
    here, there = make.notification(project), make.notification(other)
    assert claiming(only=[]) == []
    assert claiming(without=[project.pk, other.pk]) == []
    assert [c.id for c in claiming(only=[other.pk])] == [there.id]
    assert [c.id for c in claiming(without=[other.pk])] == [here.id]


def test_two_workers_never_get_the_same_row(project):
    made = {make.notification(project, f"a{n}@x.example").id for n in range(120)}

    async def story():
        connections = [await connect() for _ in range(4)]

        async def all_of(worker, connection):
            found = []
            while batch := await claim.claim(connection, worker, 7, keep_days=KEEP_DAYS):
                found += [one.id for one in batch]
            return found

        try:
            return await asyncio.gather(*(all_of(n, one) for n, one in enumerate(connections)))
        finally:
            for one in connections:
                await one.close()

    claimed = [id for found in asyncio.run(story()) for id in found]
    assert len(claimed) == len(made)
    assert set(claimed) == made


def test_a_row_that_another_holds_is_passed_over_without_waiting(project):
    first, second = make.notification(project), make.notification(project)

    async def story():
        holder, taker = await connect(), await connect()
        try:
            async with holder.transaction():
                held = await claim.claim(holder, 1, 1, keep_days=KEEP_DAYS)
                taken = await asyncio.wait_for(claim.claim(taker, 2, 10, keep_days=KEEP_DAYS), 5)
            return [one.id for one in held], [one.id for one in taken]
        finally:
            await holder.close()
            await taker.close()

    held, taken = asyncio.run(story())
    assert sorted(held + taken) == sorted([first.id, second.id])
    assert len(held) == 1


def test_what_a_dead_worker_claimed_is_queued_again_and_its_history_says_so(project):
    dead = Worker.objects.create(host="gone", pid=1, seen_at=timezone.now() - timedelta(seconds=90))
    alive = Worker.objects.create(host="here", pid=2)
    rows = [make.notification(project, state="sending", worker=w.pk, attempts=2) for w in (dead, alive)]
    nobody = make.notification(project, state="sending", worker=10**9, attempts=1)
    assert giving_back(seen_within=timedelta(seconds=60)) == 2
    assert [state_of(row.id)[0] for row in (*rows, nobody)] == ["queued", "sending", "queued"]
    rows[0].refresh_from_db()
    assert (rows[0].worker, rows[0].attempts) == (None, 2)
    assert rows[0].due_at <= timezone.now()
    assert types_of(rows[0].id) == ["returned"]
    assert types_of(rows[1].id) == []


def test_a_worker_gives_back_its_own_but_for_what_it_holds(project):
    mine, held, other = (make.notification(project, state="sending", worker=w, attempts=1) for w in (5, 5, 6))
    assert giving_back(worker=5, held=[held.id]) == 1
    assert [state_of(row.id)[0] for row in (mine, held, other)] == ["queued", "sending", "sending"]


def test_held_mail_is_released_when_its_day_has_come(project):
    due = make.notification(project, state="held", due_at=timezone.now() - timedelta(seconds=1))
    later = make.notification(project, state="held", due_at=timezone.now() + timedelta(hours=1))

    async def story():
        connection = await connect()
        try:
            return await claim.release_held(connection, keep_days=KEEP_DAYS)
        finally:
            await connection.close()

    assert asyncio.run(story()) == [(due.id, project.pk, "request")]
    assert [state_of(row.id)[0] for row in (due, later)] == ["queued", "held"]
    assert types_of(due.id) == ["released"]


def test_the_bounds_hold_everything_that_can_exist():
    now = datetime.now(UTC)
    found = claim.bounds(KEEP_DAYS, now)
    assert found["low"] < ids.lowest(now - timedelta(days=KEEP_DAYS))
    assert found["high"] > ids.uuid7_at(now + timedelta(hours=1))


def test_a_claim_reads_only_the_days_that_can_exist_and_by_the_index_of_what_is_due(project):
    today = datetime.now(UTC).date()

    def execute(sql):
        cursor = django.cursor()
        cursor.execute(sql)
        return cursor

    partitions.ensure(execute, today=today, back=4, ahead=2)
    make.copies(make.notification(project, state="sent", due_at=None), 5000)
    make.copies(make.notification(project), 200)
    execute("ANALYZE delivery_notification")

    async def story():
        connection = await connect()
        try:
            await connection.execute("SET plan_cache_mode = force_custom_plan")
            parameters = {
                **claim.bounds(1),
                "now": datetime.now(UTC),
                "worker": 1,
                "limit": 100,
                "only": None,
                "without": [],
            }
            rows = await connection.execute("EXPLAIN " + claim.CLAIM, parameters)
            return "\n".join(row[0] for row in await rows.fetchall())
        finally:
            await connection.close()

    plan = asyncio.run(story())
    days = set(re.findall(r"delivery_notification_p(\d{8})", plan))
    possible = {f"{today + timedelta(days=n):%Y%m%d}" for n in (-3, -2, -1, 0, 1)}
    assert f"{today:%Y%m%d}" in days
    assert days <= possible
    assert "default" not in plan
    assert re.search(rf"Index Scan using delivery_notification_p{today:%Y%m%d}_due_at_id_idx", plan), plan
    assert f"Seq Scan on delivery_notification_p{today:%Y%m%d}" not in plan, plan
