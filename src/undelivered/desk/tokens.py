"""API tokens: generated, shown once, stored as SHA-256. A token opens one project, with the scopes it was given."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import timedelta

from django.db import connection
from django.db.models import Q, TextChoices
from django.utils import timezone

from undelivered.database import prepared
from undelivered.desk.models import ApiToken, Person, Project

PREFIX = "und_"


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


def verify(secret: str) -> ApiToken | None:
    """The token of a secret, or None. Notes the use, at most once a minute."""
    found = _find(_digest(secret))
    if found is None:
        return None
    token, is_stale = found
    if is_stale:
        now = timezone.now()
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - timedelta(minutes=1))
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
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


def _find(digest: str) -> tuple[ApiToken, bool] | None:
    """With its project, and whether its use is to be noted. Programs call often, and Django takes longer to write this
    query than PostgreSQL to answer it."""
    rows = prepared.execute(FIND, [digest])
    if not rows:
        return None
    stale, *values = rows[0]
    token = ApiToken.from_db(connection.alias, OF_TOKEN, values[: len(OF_TOKEN)])
    token.scopes = json.loads(token.scopes)  # Django has the driver leave JSON as it is
    token.project = Project.from_db(connection.alias, OF_PROJECT, values[len(OF_TOKEN) :])
    return token, stale


def revoke(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def _digest(secret: str) -> str:
    # A generated secret of 256 bits needs no slow hash; programs show it at every call.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
