"""API tokens: generated, shown once, stored as SHA-256. A token opens one project, with the scopes it was given."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import timedelta
from functools import cache

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
    if found:
        now = timezone.now()
        a_minute_ago = now - timedelta(minutes=1)
        if found.last_used_at is None or found.last_used_at < a_minute_ago:
            stale = Q(last_used_at=None) | Q(last_used_at__lt=a_minute_ago)
            ApiToken.objects.filter(stale, pk=found.pk).update(last_used_at=now)
    return found


@cache
def _sql() -> tuple[str, list[str], list[str]]:
    """The statement, and the names of what it returns: of the token, and of its project."""
    names = [[field.attname for field in model._meta.concrete_fields] for model in (ApiToken, Project)]
    columns = ", ".join(
        [
            f'{alias}."{field.column}"'
            for alias, model in (("t", ApiToken), ("p", Project))
            for field in model._meta.concrete_fields
        ]
    )
    sql = f"""SELECT {columns} FROM {ApiToken._meta.db_table} t JOIN {Project._meta.db_table} p ON p.id = t.project_id
        WHERE t.digest = %s AND t.revoked_at IS NULL AND p.archived_at IS NULL"""  # noqa: S608 # names of our own
    return sql, names[0], names[1]


def _find(digest: str) -> ApiToken | None:
    """With its project. Programs call often, and Django takes longer to write this query than PostgreSQL to answer."""
    sql, of_token, of_project = _sql()
    rows = prepared.execute(sql, [digest])
    if not rows:
        return None
    row = rows[0]
    token = ApiToken.from_db(connection.alias, of_token, row[: len(of_token)])
    token.scopes = json.loads(token.scopes)  # Django has the driver leave JSON as it is
    token.project = Project.from_db(connection.alias, of_project, row[len(of_token) :])
    return token


def revoke(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def _digest(secret: str) -> str:
    # A generated secret of 256 bits needs no slow hash; programs show it at every call.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
