"""Starting Django for a command: settings are read, the database is known to run, or a sentence says what to do."""

from __future__ import annotations

import os

import click
import django
from django.db import DatabaseError, connection

from undelivered import env as environment
from undelivered.database import secret_key, where
from undelivered.env import Env


def start(*, needs_tables: bool = True) -> Env:
    """Reads the settings, finds the database and loads Django. Raises what `main` turns into a sentence."""
    env = environment.read()
    os.environ["UNDELIVERED_DATABASE_URL"] = where.require(env)
    os.environ.pop("UNDELIVERED_DATABASE_URL_FILE", None)
    secret_key.ensure(env)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "undelivered.settings")
    django.setup()
    if needs_tables:
        _require_tables()
    return env


def _require_tables() -> None:
    try:
        with connection.cursor() as cursor:
            there = "delivery_notification" in connection.introspection.table_names(cursor)
    except DatabaseError as error:
        raise click.ClickException(f"The database cannot be reached: {' '.join(str(error).split())}") from error
    if not there:
        raise click.ClickException("The database has no tables yet. Run `undelivered migrate` first.")
