"""`undelivered inbound < mail`: what has come back, from a mail server on this machine. Exit codes of sysexits.h."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import BinaryIO
from zoneinfo import ZoneInfo

import click
import django

from undelivered import env as environment
from undelivered.env import Env

#: EX_DATAERR: the mail server gives it up. EX_TEMPFAIL: it tries again, and nothing is lost.
EMPTY, AGAIN = 65, 75


@click.command()
@click.option("--to", multiple=True, metavar="ADDRESS", help="The envelope's recipient; several times for several.")
@click.option("--from", "sender", metavar="ADDRESS", help="The envelope's sender.")
def inbound(to: tuple[str, ...], sender: str | None) -> None:
    """Take a mail that came back (a bounce, a complaint) from standard input.

    For the pipe of a mail server on this machine. Ends with 0 when it is stored, 65 where the mail is empty, and 75
    where it could not be stored: then the mail server tries again.
    """
    try:
        sys.exit(take(sys.stdin.buffer, to, sender, environment.read()))
    except Exception as error:  # whatever it is, the mail must not be lost
        click.echo(f"undelivered: not taken: {' '.join(str(error).split())}", err=True)
        sys.exit(AGAIN)


def take(stream: BinaryIO, to: tuple[str, ...], sender: str | None, env: Env) -> int:
    """Stores the mail; the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "undelivered.settings")
    django.setup()
    from undelivered.database import where
    from undelivered.inbound import pipe
    from undelivered.inbound.outbox import Outbox
    from undelivered.inbound.spool import Spool

    raw, size = pipe.read(stream)
    if not raw.strip():
        click.echo("undelivered: the mail is empty", err=True)
        return EMPTY

    async def keep() -> None:
        outbox = Outbox(lambda: where.running_url(env), ZoneInfo(env.time_zone))
        try:
            await pipe.keep(pipe.arrivals_of(raw, size, to, sender), outbox, spool)
        finally:
            await outbox.close()

    spool = Spool(env.data_dir / "spool", env.least_free_disk)
    asyncio.run(keep())
    return 0
