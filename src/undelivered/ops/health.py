"""`/healthz`: the process answers. `/readyz`: it can serve and send. Both for load balancers and scripts."""

from __future__ import annotations

from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.models.functions import Now
from django.http import HttpRequest, JsonResponse

from undelivered.delivery.models import Worker

#: A worker shows every five seconds that it lives.
SEEN_WITHIN = timedelta(seconds=20)


def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and a worker is alive, else 503 that names what is missing."""
    checks = {"database": _database(), "worker": False}
    if checks["database"]:
        checks["worker"] = _worker()
    ready = all(checks.values())
    return JsonResponse({"status": "ready" if ready else "not ready", "checks": checks}, status=200 if ready else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _worker(within: timedelta = SEEN_WITHIN) -> bool:
    try:
        return Worker.objects.filter(seen_at__gt=Now() - within).exists()  # by the clock that wrote it
    except DatabaseError:
        return False
