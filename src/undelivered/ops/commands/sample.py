"""`undelivered sample`: what happens in the sample project, so that a newcomer sees a log at once."""

from __future__ import annotations

import signal
import sys

import click

from undelivered.ops.commands.django import start
from undelivered.ops.commands.processes import end_with


@click.command()
@click.option("--parent", type=int, default=None, hidden=True)
def sample(parent: int | None) -> None:
    """Make the sample project IT and let things happen in it, as the first `undelivered run` does."""
    env = start()
    end_with(parent)
    # An exception instead of the end: what a chapter changed for a moment is changed back.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    from undelivered.ops import sample as project

    if not project.ensure_project(env):
        raise click.ClickException("There are projects already, and none of them is the sample.")
    if not project.is_told():
        project.tell()
