"""`Idempotency-Key`: a POST that is repeated with the same key is answered again, and not done again.

Every call that changes something runs in one transaction, and the key's row is written first in it: of two calls with
the same key the second waits at the unique index until the first is through, and a crash leaves neither the action nor
the key. Calls that were refused changed nothing and are not remembered.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone

from undelivered.api.auth import Call
from undelivered.api.errors import ApiError
from undelivered.api.json_body import written
from undelivered.api.models import IdempotencyKey

HEADER = "Idempotency-Key"
META = "HTTP_IDEMPOTENCY_KEY"  # how WSGI names it
REPLAY = "Idempotent-Replay"
KEPT = timedelta(hours=24)
PURGE_EVERY_S = 3600.0
_purged_at: float | None = None
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_SAFE = {"GET", "HEAD", "OPTIONS"}


def once(view: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates every view of the API."""

    @wraps(view)
    def run(request: Call, **values: Any) -> Any:
        with_key = request.method == "POST" and META in request.META
        if request.method in _SAFE or (_is_one_statement(view) and not with_key):
            return view(request, **values)
        with transaction.atomic():
            if not with_key:
                return view(request, **values)
            row, fresh = _take(request)
            if fresh:
                _purge_now_and_then()
                row.body = written(view(request, **values)).decode()
                row.status = _status(view)
                row.save(update_fields=["status", "body"])
        response = HttpResponse(row.body, status=row.status, content_type="application/json; charset=utf-8")
        if not fresh:
            response[REPLAY] = "true"
        return response

    return run


def one_statement(view: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a view that changes things by a single statement: without a key, that needs no transaction around it."""
    view.one_statement = True  # type: ignore[attr-defined]
    return view


def _is_one_statement(view: Callable[..., Any]) -> bool:
    return getattr(view, "one_statement", False)


def _take(request: Call) -> tuple[IdempotencyKey, bool]:
    """The key's row, and whether it was made just now: then the action is ours to do."""
    key = request.META[META]
    if not _KEY.fullmatch(key):
        raise ApiError.of_field(HEADER, "Use 1 to 255 visible ASCII characters, such as a UUID.")
    fingerprint = hashlib.sha256(b"\0".join((b"POST", request.path.encode(), request.body))).hexdigest()
    mine = IdempotencyKey.objects.filter(token=request.auth, key=key)
    mine.filter(created_at__lt=timezone.now() - KEPT).delete()
    row, fresh = mine.get_or_create(
        token=request.auth, key=key, defaults={"fingerprint": fingerprint, "status": 0, "body": ""}
    )
    if row.fingerprint != fingerprint:
        raise ApiError("idempotency_key_reused")
    return row, fresh


def _status(view: Any) -> int:
    """The status that the operation declares for success."""
    statuses = [status for status in view._ninja_operation.response_models if isinstance(status, int) and status < 300]
    return statuses[0]


def _purge_now_and_then() -> None:
    """Old keys go as new ones come: once an hour and process is enough, and needs nobody to call it."""
    global _purged_at
    now = time.monotonic()
    if _purged_at is None or now - _purged_at > PURGE_EVERY_S:
        _purged_at = now
        purge_old()


def purge_old() -> int:
    """Forgets the keys of more than a day ago; how many they were."""
    return IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]
