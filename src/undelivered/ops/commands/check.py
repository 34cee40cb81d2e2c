"""`undelivered check`: what is set up in a way that will hurt."""

from __future__ import annotations

import sys

import click

from undelivered.ops.commands.django import start


@click.command()
def check() -> None:
    """Look for what is set up wrong, in the settings and in the database. Ends with 1 if mail or data are at risk."""
    start()
    from django.core import checks

    from undelivered.ops.checks import TAG

    found = checks.run_checks(tags=[TAG], databases=["default"])
    for message in sorted(found, key=lambda one: -one.level):
        click.echo(f"{'ERROR' if message.is_serious() else 'warning'} {message.id}: {message.msg}")
        if message.hint:
            click.echo(f"    {message.hint}")
    if not found:
        click.echo("Nothing to mend.")
    sys.exit(any(message.is_serious() for message in found))
