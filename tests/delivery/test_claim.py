"""Claims: a row goes to one worker only, in order, and comes back when that worker is gone."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection as django
from django.utils import timezone

from tests import make
from tests.delivery.worker_at import KEEP_DAYS, connect, state_of, types_of
from undelivered.database import ids, partitions
from undelivered.delivery import claim
from undelivered.delivery.models import Worker
from undelivered.desk.models import Project

pytestmark = pytest.mark.usefixtures("committed")


def at(work):
    async def story():
        async with await connect() as connection:
            await connection.execute(claim.PLANNED)
            return await work(connection)

    return asyncio.run(story())


def claiming(*projects, worker: int = 1, limit: int = 100):
    """Of these projects up to so many each; of all that there are, if none is named."""
    shares = dict.fromkeys([one.pk for one in projects] or list(Project.objects.values_list("pk", flat=True)), limit)
    return at(lambda connection: claim.claim(connection, worker, shares, keep_days=KEEP_DAYS))


def waiting(steps: int = 10, **more):
    return at(lambda connection: claim.waiting(connection, steps, keep_days=KEEP_DAYS, **more))


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


def test_each_project_gets_its_share(project):
    other, third = make.project("HR"), make.project("OPS")
    rows = {one: [make.notification(one) for _ in range(3)] for one in (project, other, third)}
    shares = {project.pk: 1, other.pk: 5}
    claimed = at(lambda connection: claim.claim(connection, 1, shares, keep_days=KEEP_DAYS))
    assert {one.id for one in claimed} == {rows[project][0].id, *(row.id for row in rows[other])}
    assert at(lambda connection: claim.claim(connection, 1, {}, keep_days=KEEP_DAYS)) == []


def test_those_who_wait_are_found_project_by_project(project):
    later, idle, other = make.project("LATER"), make.project("IDLE"), make.project("OTHER")
    for _ in range(3):
        make.notification(project)
        make.notification(later, due_at=timezone.now() + timedelta(minutes=1))
    make.notification(idle, state="sent", due_at=None)
    make.notification(other, at=timezone.now() - timedelta(days=3))
    make.notification(other, due_at=timezone.now() + timedelta(minutes=1))
    assert waiting() == [(project.pk, True), (later.pk, False), (other.pk, True)]
    assert waiting(2) == [(project.pk, True), (later.pk, False)]
    assert waiting(after=later.pk) == [(other.pk, True)]
    assert waiting(until=later.pk) == [(project.pk, True), (later.pk, False)]
    assert waiting(after=other.pk) == []


def test_two_workers_never_get_the_same_row(project):
    made = {make.notification(project, f"a{n}@x.example").id for n in range(120)}

    async def story():
        connections = [await connect() for _ in range(4)]

        async def all_of(worker, connection):
            found = []
            while batch := await claim.claim(connection, worker, {project.pk: 7}, keep_days=KEEP_DAYS):
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
                held = await claim.claim(holder, 1, {project.pk: 1}, keep_days=KEEP_DAYS)
                taken = await asyncio.wait_for(claim.claim(taker, 2, {project.pk: 10}, keep_days=KEEP_DAYS), 5)
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


PARAMETERS = {
    "WAITING": ("after bigint", "until bigint", "low uuid", "high uuid", "steps int", "now timestamptz"),
    "PICK": ("projects bigint[]", "shares int[]", "now timestamptz", "low uuid", "high uuid", "worker bigint"),
}


def plan_of(name: str, keep_days: int = 1, **values) -> str:
    """As a worker's connection plans it: once, for whatever values."""
    given = [one.split() for one in PARAMETERS[name]]
    sql = getattr(claim, name)
    for number, (parameter, _) in enumerate(given, 1):
        sql = sql.replace(f"%({parameter})s", f"${number}")
    values |= {**claim.bounds(keep_days), "now": datetime.now(UTC), "worker": 1}

    async def explain(connection):
        await connection.execute(f"PREPARE planned ({', '.join(kind for _, kind in given)}) AS {sql}")
        cursor = psycopg.AsyncClientCursor(connection)
        wanted = ", ".join(f"%s::{kind}" for _, kind in given)
        execute = f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE planned ({wanted})"
        await cursor.execute(execute, [values[parameter] for parameter, _ in given])
        return "\n".join(row[0] for row in await cursor.fetchall())

    return at(explain)


@pytest.fixture
def today(project):
    """A day on which some days are kept, most of today's mail is sent, and the rest waits."""

    def execute(sql):
        cursor = django.cursor()
        cursor.execute(sql)
        return cursor

    today = datetime.now(UTC).date()
    partitions.ensure(execute, today=today, back=4, ahead=2)
    make.copies(make.notification(project, state="sent", due_at=None), 5000)
    make.copies(make.notification(project), 2000)
    make.copies(make.notification(make.project("HR")), 20)
    execute("ANALYZE delivery_notification")
    return today


def read(plan: str) -> list[tuple[str, str, int]]:
    """(day, index, rows) of every partition that was read."""
    found = re.findall(
        r"using delivery_notification_p(\d{8})_(\w+?)(?:_idx)? on .* n?_?\d* ?\(actual rows=([\d.]+) loops=([\d.]+)\)",
        plan,
    )
    return [(day, index, round(float(rows) * float(loops))) for day, index, rows, loops in found]


def test_a_claim_reads_its_share_by_the_index_and_stops(project, today):
    plan = plan_of("PICK", projects=[project.pk], shares=[100])
    possible = {f"{today + timedelta(days=n):%Y%m%d}" for n in (-3, -2, -1, 0, 1)}
    assert {day for day, _, _ in read(plan)} <= possible
    rows = {index: rows for day, index, rows in read(plan) if day == f"{today:%Y%m%d}"}
    assert rows == {"project_id_due_at_id": 100}, plan
    assert "Seq Scan" not in plan
    assert not re.search(r"-> +Sort", plan), plan
    assert "using delivery_notification_default" not in plan


def test_whoever_has_much_waiting_is_one_step(project, today):
    plan = plan_of("WAITING", after=0, until=claim.LAST, steps=64)
    [(index, rows)] = [(index, rows) for day, index, rows in read(plan) if day == f"{today:%Y%m%d}"]
    assert index == "project_id_due_at_id"
    assert rows <= 3, plan  # two, and PostgreSQL before 18 rounds up
    assert "Seq Scan" not in plan
    assert not re.search(r"-> +Sort", plan), plan
