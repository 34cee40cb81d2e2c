"""The site's health in pictures, for site admins: what to mend, the queue, what gets done and by whom, what is kept."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from importlib.metadata import version

from django.conf import settings
from django.contrib import messages
from django.core import checks
from django.core.checks import CheckMessage
from django.db import connection
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from undelivered.database import vitals as database
from undelivered.delivery import providers, vitals
from undelivered.delivery.models import Provider, Throughput
from undelivered.delivery.tally import BUCKETS
from undelivered.delivery.vitals import Alive, Limit
from undelivered.desk.models import Project
from undelivered.inbound import kept
from undelivered.inbound.spool import Spool
from undelivered.web.guard import PageRequest, site_admin
from undelivered.web.pages import flow_chart
from undelivered.web.shell import Meter

#: Mail that is due for so long is late: the number is shown in the colour of a warning.
LATE_S = 60
MOST_LIMITS = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """One day in the strip of partitions, in its own units."""

    day: date
    x: int
    kind: str  # kept, today, ahead, missing


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk of the data folder."""

    used: int
    free: int
    total: int

    @property
    def percent(self) -> int:
        return round(100 * self.used / self.total) if self.total else 0


@site_admin
@require_safe
def page(request: PageRequest) -> HttpResponse:
    now = timezone.now()
    slots = vitals.throughput(min(flow_chart.since(now), now - timedelta(hours=1)))
    workers = vitals.workers()
    alive = [one for one in workers if one.alive]
    queue = vitals.queue(now)
    with connection.cursor() as cursor:
        server, days = database.server(cursor.execute), database.days(cursor.execute)
    context = {
        "to_mend": _to_mend(),
        "queue": queue,
        "late": queue.oldest_due_s > LATE_S,
        "hour": _sum(slot for slot in slots if slot.slot > now - timedelta(hours=1)),
        "flow": flow_chart.draw(slots, now),
        "kinds": list(flow_chart.KINDS.values()),
        "workers": workers,
        "alive": len(alive),
        "speed": _speed(alive),
        "providers": vitals.providers(),
        "projects": Project.objects.filter(archived_at=None).count(),
        "server": server,
        "connections": _meter(sum(server.connections.values()), server.most),
        "days": days,
        "strip": _strip(days, now.astimezone(UTC).date()),
        "disk": _disk(),
        "spool": Spool(settings.ENV.data_dir / "spool", settings.ENV.least_free_disk).summary(),
        "nobodys": kept.nobodys(),
        "limits": _limits(vitals.daily_limits()),
        "version": version("undelivered"),
        "keep_days": settings.ENV.keep_days,
        "now": now,
    }
    return render(request, "system/page.html", context)


@site_admin
@require_POST
def resume(request: PageRequest, provider_id: int) -> HttpResponse:
    """Ends the pause of a provider after an outage: the next mail shows whether it is over."""
    provider = get_object_or_404(Provider, pk=provider_id)
    providers.resume(provider, by=request.by)
    messages.success(request, f"{provider.name} is tried again now.")
    return redirect("system")


def _to_mend() -> list[CheckMessage]:
    """What the system checks found, the serious first."""
    found = checks.run_checks(tags=["undelivered"], databases=["default"])
    return sorted(found, key=lambda message: -message.level)


def _sum(slots: Iterable[Throughput]) -> Counter[str]:
    total: Counter[str] = Counter(dict.fromkeys(flow_chart.KINDS, 0))
    for slot in slots:
        total.update({kind: getattr(slot, kind) for kind in flow_chart.KINDS})
    return total


def _speed(workers: Sequence[Alive]) -> tuple[str, str] | None:
    """The median of all attempts of the workers that run now, and what nineteen of twenty stayed below."""
    classes = [0] * (len(BUCKETS) + 1)
    for worker in workers:
        took = worker.stats.get("took", [])
        if len(took) == len(classes):
            classes = [sum(pair) for pair in zip(classes, took, strict=True)]
    return (_duration(quantile(classes, 0.5)), _duration(quantile(classes, 0.95))) if any(classes) else None


def quantile(classes: Sequence[int], share: float) -> float:
    """Of durations counted in classes: as if those of one class lay evenly in it."""
    wanted, below, low = share * sum(classes), 0, 0.0
    for n, high in zip(classes, (*BUCKETS, BUCKETS[-1]), strict=True):
        if n and below + n >= wanted:
            return low + (high - low) * (wanted - below) / n
        below, low = below + n, high
    return low


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))} ms"
    return f"{seconds:.1f} s" if seconds < 10 else f"{round(seconds)} s"


def _strip(days: Sequence[database.Days], today: date) -> list[Cell]:
    """Every day that any hot table keeps, and those ahead; a day that one of them lacks is missing."""
    there = Counter(day for one in days for day in one.all)
    if not there:
        return []
    first, last = max(min(there), today - timedelta(days=60)), max(*there, today)
    cells = []
    for i in range((last - first).days + 1):
        day = first + timedelta(days=i)
        kind = "today" if day == today else "kept" if day < today else "ahead"
        # Contents outlive their notifications by a day: at the old end, fewer tables are as it should be.
        missing = there[day] < len(days) and day >= today
        cells.append(Cell(day, 7 * i, "missing" if missing else kind))
    return cells


def _disk() -> Disk | None:
    try:
        usage = shutil.disk_usage(settings.ENV.data_dir)
    except OSError:
        return None
    return Disk(usage.total - usage.free, usage.free, usage.total)


def _meter(used: int, limit: int) -> Meter:
    return Meter(used, limit, "", "")


def _limits(found: Sequence[Limit]) -> list[tuple[str, Meter]]:
    """The site's first, then the projects' that are nearest to their end."""
    limited = [(one.project, Meter(one.used, one.limit, "", "")) for one in found if one.limit is not None]
    return sorted(limited, key=lambda pair: (bool(pair[0]), -pair[1].used / max(pair[1].limit, 1)))[:MOST_LIMITS]
