"""The log at scale: pages, filters, counts and the chart over many days and 500 projects of very different sizes.

`value` is the slowest query's p95 in the database (planning and execution, warm) in milliseconds; `peer_value` the same
with a tenth of the rows, `ratio` the one over the other. `ROWS=20000000` sets the size (default: 2 million).

Rows are made by the database itself, with ids spread over the kept days; every query is the product's own, taken from
`delivery.failures` and asked with EXPLAIN (ANALYZE, BUFFERS).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from undelivered.database.embedded import EmbeddedPostgres

PROJECTS = 500
DAYS = 21
ROUNDS = 12
#: The share of the largest project is about an eighth of all rows, that of the smallest a few thousandths of a percent.
FILL = """
INSERT INTO delivery_notification (id, project_id, kind, event, name, recipient, recipient_key,
    recipient_domain, recipient_name, issue_key, content_id, personal, state, reason, detail, cause,
    enhanced_code, attempts, due_at, message_id, finished_at)
SELECT id, project, kind, 'public_comment_added', name, recipient, recipient,
    domain, '', 'P' || project || '-' || issue, id, '{}', state, CASE state WHEN 'failed' THEN reason ELSE '' END,
    'the words of the provider', '', '', 1, NULL, '', now()
FROM (
    SELECT encode(int8send((extract(epoch FROM %(from)s::timestamptz) * 1000
            + (86400000.0 * g / %(n)s))::bigint << 16), 'hex') AS stamp, g,
        least(%(projects)s, 1 + floor(exp(random() * ln(%(projects)s + 1)) - 1))::bigint AS project,
        CASE WHEN random() < 0.1 THEN 'invitation' ELSE 'request' END AS kind,
        (ARRAY['Public comment added', 'Public comment added', 'Request created', 'Request created',
            'Request resolved', 'Customer-visible status changed', 'Participant added', 'Request reopened'])
            [1 + floor(random() * 8)::int] AS name,
        'c' || floor(power(random(), 2) * 200000)::int || '@d' || floor(power(random(), 3) * 5000)::int || '.example'
            AS recipient,
        CASE WHEN random() < 0.05 THEN 'failed' ELSE 'sent' END AS state,
        (ARRAY['provider_error', 'provider_error', 'provider_error', 'suppressed', 'suppressed', 'limit_reached',
            'email_validation_error', 'unknown_error'])[1 + floor(random() * 8)::int] AS reason,
        1 + floor(random() * 20000)::int AS issue
    FROM generate_series(0, %(n)s - 1) g) r,
    LATERAL (SELECT (substr(stamp, 1, 12) || '7' || lpad(to_hex(g %% 4096), 3, '0') || '8'
        || substr(md5(random()::text || g), 1, 15))::uuid AS id, split_part(recipient, '@', 2) AS domain) i
"""


@contextmanager
def database() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="undelivered-benchmark-"))
    folder.chmod(0o711)
    # What survives a crash is not what is measured; the memory is a small server's.
    postgres = EmbeddedPostgres(
        folder / "data",
        fsync=False,
        extra={"shared_buffers": "2GB", "max_wal_size": "16GB", "synchronous_commit": "off"},
    )
    try:
        yield postgres.start()
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def fill(url: str, rows: int) -> None:
    """`rows` more rows, spread evenly over the kept days."""
    from datetime import UTC, datetime, timedelta

    from django.db import connection

    from undelivered.database import partitions

    def execute(sql: str) -> Any:
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor

    partitions.ensure(execute, back=DAYS + 1)
    with psycopg.connect(url, autocommit=True) as own:
        own.execute(
            "INSERT INTO desk_project (id, key, name, from_name, from_address, at_limit, last_request_number,"
            " created_at) SELECT g, 'P' || g, 'P' || g, '', 'a@b.example', 'fail', 0, now()"
            " FROM generate_series(1, %s) g ON CONFLICT DO NOTHING",
            [PROJECTS],
        )
        start = datetime.now(UTC) - timedelta(days=DAYS) + timedelta(minutes=5)
        for day in range(DAYS):
            own.execute(FILL, {"from": start + timedelta(days=day), "n": rows // DAYS, "projects": PROJECTS})
        own.execute("TRUNCATE delivery_dailycount")
        own.execute(
            "INSERT INTO delivery_dailycount (project_id, day, kind, state, reason, n) SELECT project_id,"
            " (to_timestamp(('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0))::date,"
            " kind, state, reason, count(*) FROM delivery_notification GROUP BY 1, 2, 3, 4, 5"
        )
        own.execute("VACUUM ANALYZE delivery_notification")
        own.execute("ANALYZE delivery_dailycount")


def questions() -> dict[str, Callable[[Any, random.Random], Any]]:
    """Name -> (project, dice) -> the product's own query, as a QuerySet or as (SQL, parameters)."""
    from datetime import UTC, datetime, timedelta

    from undelivered.database.ids import uuid7_at
    from undelivered.delivery import failures
    from undelivered.delivery.failures import ALL, Filters

    def page(**filters: Any) -> Callable[[Any, random.Random], Any]:
        def ask(project: Any, dice: random.Random) -> Any:
            given = {name: value(project, dice) if callable(value) else value for name, value in filters.items()}
            before = given.pop("before", None)
            found = failures.matching(project, Filters(**given).checked(), before=before)
            return found.order_by("-id")[: failures.PAGE + 1]

        return ask

    def counted(project: Any, dice: random.Random) -> Any:
        found = failures.matching(project, Filters(state=ALL).checked())
        return found.values("id")[: failures.CAP + 1]

    now = datetime.now(UTC)

    def later(project: Any, dice: random.Random) -> Any:
        return uuid7_at(now - timedelta(days=dice.uniform(1, DAYS - 1)))

    someone = {"recipient": lambda project, dice: f"c{dice.randrange(200000)}@d{dice.randrange(5000)}.example"}
    beginning = {"recipient": lambda project, dice: f"c{dice.randrange(20000)}*"}
    domain = {"recipient": lambda project, dice: f"@d{dice.randrange(5000)}.example"}
    key = {"issue_key": lambda project, dice: f"{project.key}-{dice.randrange(1, 20000)}"}
    period = {"since": now - timedelta(days=9), "until": now - timedelta(days=8)}
    both: dict[str, dict[str, Any]] = {
        "first page": {},
        "later page": {"before": later},
        "exact recipient": someone,
        "beginning of a recipient": beginning,
        "domain": domain,
        "issue key": key,
        "notification name": {"name": "Request reopened"},
        "a name that is rare": {"name": "Approval required"},
        "period": period,
    }
    asked = {f"failed: {name}": page(**given) for name, given in both.items()}
    asked |= {f"all: {name}": page(state=ALL, **given) for name, given in both.items()}
    asked["failed: reason"] = page(reason="unknown_error")
    asked["failed: a reason that is rare"] = page(reason="private_address")
    asked["count, stopped at 10,000"] = counted
    asked["tabs and chart"] = lambda project, dice: (
        failures.SUMS,
        {"project": project.pk, "since": (now - timedelta(days=DAYS - 1)).date()},
    )
    return asked


def explain(query: Any) -> tuple[float, int]:
    """Milliseconds in the database, and the buffers that were touched."""
    from django.db import connection

    sql, parameters = query if isinstance(query, tuple) else query.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", parameters)
        row = cursor.fetchone()
    plan = row[0][0] if not isinstance(row[0], str) else json.loads(row[0])[0]
    touched = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    return plan["Planning Time"] + plan["Execution Time"], touched


def measure() -> dict[str, tuple[float, float, float]]:
    """Query -> (median ms, p95 ms, median buffers), over small, middle and the largest projects."""
    from undelivered.desk.models import Project

    projects = [Project.objects.get(pk=pk) for pk in (1, 2, 3, 10, 50, 200, 400, 500)]
    found = {}
    for name, ask in questions().items():
        dice = random.Random(name)
        for project in projects:
            explain(ask(project, dice))  # warm
        seen = [explain(ask(project, dice)) for _ in range(ROUNDS) for project in projects]
        times = sorted(ms for ms, _ in seen)
        found[name] = (statistics.median(times), times[int(len(times) * 0.95)], statistics.median(b for _, b in seen))
    return found


def main() -> None:
    rows = int(os.environ.get("ROWS", "2000000"))
    with database() as url:
        os.environ.update(
            UNDELIVERED_DATABASE_URL=url,
            UNDELIVERED_SECRET_KEY="benchmark",
            DJANGO_SETTINGS_MODULE="undelivered.settings",
        )
        import django

        django.setup()
        from undelivered.ops.commands import database as tables

        tables.apply()
        fill(url, rows // 10)
        few = measure()
        started = time.perf_counter()
        fill(url, rows - rows // 10)
        print(f"{rows:,} rows, made in {time.perf_counter() - started:.0f} s")
        many = measure()
        print(f"{'query':36s} {'ms':>8s} {'p95 ms':>8s} {'p95 of a tenth':>15s} {'buffers':>9s} {'of a tenth':>11s}")
        for name, (median, p95, buffers) in many.items():
            print(f"{name:36s} {median:8.2f} {p95:8.2f} {few[name][1]:15.2f} {buffers:9.0f} {few[name][2]:11.0f}")
        slowest = max(p95 for _, p95, _ in many.values())
        peer = max(p95 for _, p95, _ in few.values())
        shown = {"name": "log", "value": round(slowest, 2), "unit": "ms", "peer": f"{rows // 10:,} rows"}
        print(json.dumps({**shown, "peer_value": round(peer, 2), "ratio": round(slowest / peer, 2)}))


if __name__ == "__main__":
    main()
