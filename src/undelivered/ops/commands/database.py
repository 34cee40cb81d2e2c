"""`undelivered migrate`."""

from __future__ import annotations

import click
from django.core.management import call_command
from django.db import connection

from undelivered.ops.commands.django import start

#: One program migrates, the others wait: the name of the lock in PostgreSQL.
LOCK = "undelivered.migrate"


@click.command()
def migrate() -> None:
    """Bring the database to this version's form. Safe to call at every start, and by several programs at once."""
    start(needs_tables=False)
    click.echo("The database is up to date." if not apply() else "The database was brought up to date.")


def apply() -> bool:
    """Applies the migrations that are missing and makes the partitions; whether there were any."""
    from django.db.migrations.executor import MigrationExecutor

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [LOCK])
        try:
            executor = MigrationExecutor(connection)
            plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
            call_command("migrate", verbosity=0, interactive=False)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [LOCK])
    return bool(plan)
