"""Weeks of notifications of 500 projects of very different sizes, made by the database itself in little time.

Ids are spread over the kept days. Indexes are made after the rows, as that is several times as quick. Where it is not
what is measured, nothing waits for the disk.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from undelivered.database.embedded import EmbeddedPostgres

PROJECTS = 500
DAYS = 21
#: The memory is a small server's.
SETTINGS = {
    "shared_buffers": "2GB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "4GB",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
DURABLE = {"synchronous_commit": "on", "full_page_writes": "on"}
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
COUNT = """
INSERT INTO delivery_dailycount (project_id, day, kind, state, reason, n)
SELECT project_id, (to_timestamp(('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0))::date,
    kind, state, reason, count(*) FROM delivery_notification GROUP BY 1, 2, 3, 4, 5
"""
_INDEXES = """
SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
WHERE x.indrelid = 'delivery_notification'::regclass AND NOT x.indisprimary
"""


@contextmanager
def database(*, fsync: bool = False) -> Iterator[str]:
    """URL of an empty database with all tables, which this program's Django uses."""
    folder = Path(tempfile.mkdtemp(prefix="undelivered-benchmark-"))
    folder.chmod(0o711)  # as root, PostgreSQL runs under an account of its own
    postgres = EmbeddedPostgres(folder / "data", fsync=fsync, extra=SETTINGS | (DURABLE if fsync else {}))
    try:
        url = postgres.start()
        os.environ.update(
            UNDELIVERED_DATABASE_URL=url,
            UNDELIVERED_SECRET_KEY="benchmark",
            DJANGO_SETTINGS_MODULE="undelivered.settings",
        )
        import django

        django.setup()
        from undelivered.ops.commands import database as tables

        tables.apply()
        yield url
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def fill(url: str, rows: int) -> None:
    """So many rows instead of those that there are, spread evenly over the kept days."""
    from undelivered.database import partitions

    with psycopg.connect(url, autocommit=True) as own:
        partitions.ensure(lambda text: own.execute(sql.SQL(text)), back=DAYS + 1)
        own.execute("TRUNCATE delivery_notification, delivery_dailycount")
        own.execute(
            "INSERT INTO desk_project (id, key, name, from_name, from_address, at_limit, last_request_number,"
            " created_at) SELECT g, 'P' || g, 'P' || g, '', 'a@b.example', 'fail', 0, now()"
            " FROM generate_series(1, %s) g ON CONFLICT DO NOTHING",
            [PROJECTS],
        )
        with without_indexes(own):
            start = datetime.now(UTC) - timedelta(days=DAYS) + timedelta(minutes=5)
            for day in range(DAYS):
                own.execute(FILL, {"from": start + timedelta(days=day), "n": rows // DAYS, "projects": PROJECTS})
        own.execute(COUNT)
        own.execute("VACUUM ANALYZE delivery_notification")
        own.execute("VACUUM ANALYZE delivery_dailycount")


@contextmanager
def without_indexes(own: psycopg.Connection[Any]) -> Iterator[None]:
    """All of them but that of the key are made anew at the end."""
    found = own.execute(_INDEXES).fetchall()
    for name, _ in found:
        own.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    yield
    for _, definition in found:
        own.execute(definition.replace(" ON ONLY ", " ON "))


def size(url: str) -> int:
    """Bytes that the database takes, without its log."""
    with psycopg.connect(url) as own:
        row = own.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])
