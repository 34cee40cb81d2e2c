"""API tokens: generated, shown once, stored as SHA-256. A token opens one project, with the scopes it was given."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, TextChoices
from django.utils import timezone

from undelivered.database import prepared
from undelivered.desk.models import ApiToken, Person, Project

PREFIX = "und_"
#: Tokens that are remembered for a moment.
MOST_KEPT = 1000


class Scope(TextChoices):
    READ = "read", "Read the log, requests, customers, rules and the suppression list"
    SEND = "send", "Invite, create requests and comments, resend"
    MANAGE = "manage", "Change rules and the suppression list"


ALL_SCOPES = tuple(Scope.values)


def create(
    project: Project, *, name: str = "", scopes: tuple[str, ...] = ALL_SCOPES, by: Person | None = None
) -> tuple[ApiToken, str]:
    """A new token and its secret, which can never be read again. Raises ValueError for a scope that does not exist."""
    if unknown := [scope for scope in scopes if scope not in Scope.values]:
        raise ValueError(f"{unknown[0]} is not a scope. Use {', '.join(Scope.values)}.")
    secret = PREFIX + secrets.token_urlsafe(32)  # 256 bits
    token = ApiToken.objects.create(
        project=project, name=name or "API token", scopes=list(scopes), digest=_digest(secret), created_by=by
    )
    return token, secret


def verify(secret: str, *, kept_s: float = 0.0) -> ApiToken | None:
    """The token of a secret, or None. Notes the use, at most once a minute.

    `kept_s`: what was read of it by this process is as good for so many seconds.
    """
    digest = _digest(secret)
    row = _kept.get(digest, kept_s) or _read(digest)
    if row is None:
        return None
    token = ApiToken.from_db(connection.alias, OF_TOKEN, row[: len(OF_TOKEN)])
    token.scopes = json.loads(token.scopes)  # Django has the driver leave JSON as it is
    token.project = Project.from_db(connection.alias, OF_PROJECT, row[len(OF_TOKEN) :])
    return token


#: What is read of a token and of its project at every call; the rest is read when somebody asks for it.
OF_TOKEN = ("id", "project_id", "name", "scopes")
OF_PROJECT = ("id", "key", "name", "from_name", "from_address", "daily_limit", "at_limit", "size_limit")
FIND = f"""
SELECT t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute',
    {", ".join(f"t.{name}" for name in OF_TOKEN)}, {", ".join(f"p.{name}" for name in OF_PROJECT)}
FROM {ApiToken._meta.db_table} t JOIN {Project._meta.db_table} p ON p.id = t.project_id
WHERE t.digest = %s AND t.revoked_at IS NULL AND p.archived_at IS NULL
"""  # noqa: S608 # names of our own


def _read(digest: str) -> tuple[Any, ...] | None:
    """What is known of a token and its project. Programs call often, and Django takes longer to write this query than
    PostgreSQL to answer it."""
    rows = prepared.execute(FIND, [digest])
    if not rows:
        return None
    stale, *values = rows[0]
    if stale:
        now = timezone.now()
        unused = Q(last_used_at=None) | Q(last_used_at__lt=now - timedelta(minutes=1))
        ApiToken.objects.filter(unused, pk=values[0]).update(last_used_at=now)
    _kept.put(digest, tuple(values))
    return tuple(values)


class _Kept:
    """What was read of tokens lately, by digest. Those that are unknown or revoked are asked for each time."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[float, tuple[Any, ...]]] = {}

    def get(self, digest: str, kept_s: float) -> tuple[Any, ...] | None:
        at, row = self._rows.get(digest, (0.0, None))
        return row if row is not None and time.monotonic() - at < kept_s else None

    def put(self, digest: str, row: tuple[Any, ...]) -> None:
        if len(self._rows) >= MOST_KEPT:
            self._rows.clear()
        self._rows[digest] = (time.monotonic(), row)

    def forget(self, digest: str) -> None:
        self._rows.pop(digest, None)


_kept = _Kept()


def revoke(token: ApiToken) -> None:
    _kept.forget(token.digest)
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def _digest(secret: str) -> str:
    # A generated secret of 256 bits needs no slow hash; programs show it at every call.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
