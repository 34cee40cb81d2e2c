"""`/metrics` for Prometheus: read from the database at each scrape, so every web process gives the same answer.

Each part is a few bounded queries of its own; one that fails is left out and named by `undelivered_scrape_failed`, and
the others still come. What workers count of themselves (attempts, durations) comes from their rows, which are as old as
their last heartbeat. Labels are ids and keys, never addresses.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from itertools import accumulate
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from undelivered.database import vitals as database
from undelivered.delivery import vitals
from undelivered.delivery.tally import BUCKETS
from undelivered.inbound import vitals as inbound
from undelivered.inbound.spool import Spool

#: A part that takes longer is given up: a scrape must never hold up the database.
PATIENCE_MS = 2000
#: What a proxy adds. A request that has one of them did not come from this machine, whatever its address is.
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Via")
_log = logging.getLogger(__name__)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For whoever shows the token, and for programs on this machine while nobody else can reach it."""
    token = settings.ENV.metrics_token
    given = request.headers.get("Authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return HttpResponse(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)
    if not given and _from_this_machine(request):
        return HttpResponse(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)
    if token:
        headers = {"WWW-Authenticate": "Bearer"}
        return HttpResponse("Show the token of UNDELIVERED_METRICS_TOKEN.\n", "text/plain", 401, headers=headers)
    return HttpResponse("Set UNDELIVERED_METRICS_TOKEN, and show it as a bearer token.\n", "text/plain", 403)


def _from_this_machine(request: HttpRequest) -> bool:
    """A proxy on this machine makes everybody look local: where people come in by another address, a token it takes."""
    public = urlsplit(settings.PUBLIC_URL).hostname or ""
    forwarded = any(request.headers.get(name) for name in FORWARDED)
    return not forwarded and is_loopback(public) and is_loopback(request.META.get("REMOTE_ADDR", ""))


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@cache
def registry() -> CollectorRegistry:
    """Ours alone: what one web process could say of itself would be of another one at the next scrape."""
    made = CollectorRegistry(auto_describe=False)
    made.register(Vitals())
    return made


class Vitals(Collector):
    """Reads everything anew at each scrape."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        begun = time.perf_counter()
        failed = GaugeMetricFamily("undelivered_scrape_failed", "Parts that could not be read (1).", labels=["part"])
        build = GaugeMetricFamily("undelivered_build_info", "The version of the web process.", labels=["version"])
        build.add_metric([version("undelivered")], 1)
        yield build
        for name, part in PARTS.items():
            try:
                found = _bounded(part)
            except (DatabaseError, OSError) as error:
                _log.warning(
                    "metrics cannot be read", extra={"part": name, "error": " ".join(str(error).split())[:200]}
                )
                failed.add_metric([name], 1)
            else:
                failed.add_metric([name], 0)
                yield from found
        yield failed
        yield _gauge(
            "undelivered_scrape_duration_seconds", "How long reading all this took.", time.perf_counter() - begun
        )


def _bounded(part: Callable[[], list[Metric]]) -> list[Metric]:
    """In a transaction, so that the bound on time ends with it, and so does whatever went wrong."""
    if part in WITHOUT_DATABASE:
        return part()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")
        return part()


# --- the parts --------------------------------------------------------------------------------------------------------


def _queue() -> list[Metric]:
    queue = vitals.queue()
    depth = GaugeMetricFamily(
        "undelivered_queue_notifications",
        "Notifications on their way: due, later (waiting for the next try), sending, held.",
        labels=["state"],
    )
    for state in ("due", "later", "sending", "held"):
        depth.add_metric([state], getattr(queue, state))
    oldest = "Seconds since the oldest notification that is due became due."
    return [depth, _gauge("undelivered_queue_oldest_due_seconds", oldest, queue.oldest_due_s)]


def _arrivals() -> list[Metric]:
    found = inbound.unread()
    waiting = GaugeMetricFamily(
        "undelivered_arrivals_waiting",
        "Bounces, complaints and events that are not read yet: due, or put off until later (counted up to 100,000).",
        labels=["state"],
    )
    waiting.add_metric(["due"], found.due)
    waiting.add_metric(["later"], found.later)
    oldest = "Seconds since the oldest of them that is due became due."
    return [waiting, _gauge("undelivered_arrivals_oldest_due_seconds", oldest, found.oldest_due_s)]


def _today() -> list[Metric]:
    made = GaugeMetricFamily(
        "undelivered_notifications_today",
        "Notifications made today (in the site's zone) by what became of them.",
        labels=["kind", "state", "reason"],
    )
    for key, n in sorted(vitals.today().items()):
        made.add_metric(list(key), n)
    return [made]


def _workers() -> list[Metric]:
    found = vitals.workers()
    help_of = {
        "last_seen_seconds": "Seconds since its last heartbeat.",
        "in_hand": "Mails that are being sent.",
        "resident_bytes": "Memory.",
        "clock_skew_seconds": "How far its machine's clock is ahead of the database's.",
        "pool_waiting": "Who waits for one of its database connections.",
    }
    gauges = {
        name: GaugeMetricFamily(f"undelivered_worker_{name}", text, labels=["worker", "host"])
        for name, text in help_of.items()
    }
    pool = GaugeMetricFamily(
        "undelivered_worker_pool_connections", "Its database connections.", labels=["worker", "host", "state"]
    )
    for one in (one for one in found if one.alive):
        labels = [str(one.row.pk), one.row.host]
        known, stats = one.stats.get("pool", {}), one.stats
        values = (one.seen_s, stats.get("in_hand"), stats.get("rss"), one.skew_s, known.get("waiting"))
        for gauge, value in zip(gauges.values(), values, strict=True):
            if value is not None:
                gauge.add_metric(labels, value)
        if known:
            pool.add_metric([*labels, "idle"], known["available"])
            pool.add_metric([*labels, "used"], known["size"] - known["available"])
    alive = _gauge(
        "undelivered_workers_alive", "Workers that were seen in the last minute.", sum(w.alive for w in found)
    )
    return [alive, *gauges.values(), pool, *_counted([one for one in found if one.alive])]


def _counted(workers: list[vitals.Alive]) -> list[Metric]:
    """What each worker has counted since it started."""
    attempts = CounterMetricFamily(
        "undelivered_attempts", "Tries at handing a mail to a provider, by outcome.", labels=["worker", "outcome"]
    )
    results = CounterMetricFamily(
        "undelivered_results",
        "What became of claimed notifications: sent, failed (with the reason), queued again, held.",
        labels=["worker", "state", "reason"],
    )
    took = HistogramMetricFamily(
        "undelivered_attempt_duration_seconds", "How long an attempt took, connecting included.", labels=["worker"]
    )
    for one in workers:
        stats, worker = one.stats, str(one.row.pk)
        for outcome, n in stats.get("attempts", {}).items():
            attempts.add_metric([worker, outcome], n)
        for result, n in stats.get("results", {}).items():
            state, _, reason = result.partition("/")
            results.add_metric([worker, state, reason], n)
        classes = stats.get("took", [])
        if len(classes) == len(BUCKETS) + 1:
            bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
            took.add_metric([worker], list(zip(bounds, accumulate(classes), strict=True)), stats["took_s"])
    return [attempts, results, took]


def _providers() -> list[Metric]:
    labels = ["provider", "name", "project"]
    up = GaugeMetricFamily("undelivered_provider_up", "0 while it cannot be used and rests.", labels=labels)
    since = GaugeMetricFamily(
        "undelivered_provider_incident_seconds", "For how long it could not be used by now.", labels=labels
    )
    for one in vitals.providers():
        whose = [str(one.pk), one.name, one.project.key if one.project else ""]
        up.add_metric(whose, 0 if one.incident_since else 1)
        age = (timezone.now() - one.incident_since).total_seconds() if one.incident_since else 0
        since.add_metric(whose, max(0.0, age))
    return [up, since]


def _limits() -> list[Metric]:
    used = GaugeMetricFamily("undelivered_daily_used", "Mails sent today; no project: the site.", labels=["project"])
    limit = GaugeMetricFamily("undelivered_daily_limit", "Mails that may be sent a day.", labels=["project"])
    for one in vitals.daily_limits():
        used.add_metric([one.project], one.used)
        if one.limit is not None:
            limit.add_metric([one.project], one.limit)
    return [used, limit]


def _partitions() -> list[Metric]:
    ahead = GaugeMetricFamily(
        "undelivered_partition_days_ahead", "Days after today that rows have a place.", labels=["table"]
    )
    kept = GaugeMetricFamily("undelivered_partition_days_kept", "Days up to today that are kept.", labels=["table"])
    lost = GaugeMetricFamily(
        "undelivered_misplaced_rows", "Rows that found no day: always 0 (counted up to 1,000).", labels=["table"]
    )
    with connection.cursor() as cursor:
        for one in database.days(cursor.execute):
            ahead.add_metric([one.table], one.ahead)
            kept.add_metric([one.table], one.kept)
            lost.add_metric([one.table], one.misplaced)
    return [ahead, kept, lost]


def _database() -> list[Metric]:
    with connection.cursor() as cursor:
        server = database.server(cursor.execute)
    connections = GaugeMetricFamily(
        "undelivered_database_connections", "Connections to the database, by what they are at.", labels=["state"]
    )
    for state, n in server.connections.items():
        connections.add_metric([state], n)
    return [
        connections,
        _gauge("undelivered_database_connections_max", "Connections that the server allows in all.", server.most),
        _gauge("undelivered_database_bytes", "Size of the database on disk.", server.size),
    ]


def _disk() -> list[Metric]:
    free = shutil.disk_usage(settings.ENV.data_dir).free
    return [_gauge("undelivered_disk_free_bytes", "Free on the disk of the data folder.", free)]


def _spool() -> list[Metric]:
    found = Spool(settings.ENV.data_dir / "spool", settings.ENV.least_free_disk).summary()
    return [
        _gauge("undelivered_spool_mails", "Mails on this machine's disk, waiting for PostgreSQL.", found.files),
        _gauge("undelivered_spool_bytes", "Their size.", found.size),
        _gauge("undelivered_spool_oldest_seconds", "Seconds since the oldest of them came in.", found.oldest_s),
        _gauge("undelivered_spool_aside", "Mails that could not be read or stored: a person must look.", found.aside),
    ]


PARTS: dict[str, Callable[[], list[Metric]]] = {
    "queue": _queue,
    "arrivals": _arrivals,
    "today": _today,
    "workers": _workers,
    "providers": _providers,
    "limits": _limits,
    "partitions": _partitions,
    "database": _database,
    "disk": _disk,
    "spool": _spool,
}
WITHOUT_DATABASE = {_disk, _spool}


def _gauge(name: str, text: str, value: Any) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))
