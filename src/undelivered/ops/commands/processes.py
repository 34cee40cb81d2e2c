"""`undelivered web`, `worker` and `rehearsal`: one process each. `undelivered run` starts them as its children."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from undelivered.ops import collector
from undelivered.ops.commands.django import start

if TYPE_CHECKING:
    from undelivered.env import Env

#: Of each web process. Those that wait for the database cost nothing and store together (`delivery.group_commit`); more
#: than a few, or than granian finds sensible for the machine, would only queue up behind Python's lock.
THREADS = min(6, 2 * (os.cpu_count() or 1) + 1)
_parent = click.option("--parent", type=int, default=None, hidden=True)


def end_with(parent: int | None) -> None:
    """Ends this process when the one that started it is gone, even if it was killed."""
    if parent is None:
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


@click.command()
@_parent
def web(parent: int | None) -> None:
    """Start a web process: pages, API, health."""
    env = start()
    end_with(parent)
    from django.conf import settings
    from django.db import connections
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    connections.close_all()  # the processes that serve are forked from this one, and open their own
    Server(
        "undelivered.wsgi:application",
        address=env.web_host,
        port=env.web_port,
        interface=Interfaces.WSGI,
        workers=env.web_processes,
        blocking_threads=THREADS,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_level=LogLevels.warning,
        log_dictconfig=settings.LOGGING,
    ).serve(target_loader=_application)


def _application(target: str) -> Callable[..., Any]:
    """Called in each process that serves: it must not outlive granian's own, which it would when that is killed."""
    end_with(os.getppid())
    from undelivered.wsgi import application

    collector.settle()
    return application


@click.command()
@_parent
def worker(parent: int | None) -> None:
    """Start a worker: sends what is due and reads what came back, until SIGTERM or Ctrl-C; mails in hand are finished
    first.
    """
    env = start()
    end_with(parent)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(env))


async def _work(env: Env) -> None:
    """What a worker does: sends, and beside that reads what came in and looks into mailboxes."""
    from undelivered.delivery import wake
    from undelivered.delivery.worker import work
    from undelivered.inbound.poller import Poller
    from undelivered.inbound.reader import Reader

    collector.settle()
    beside = [asyncio.create_task(one) for one in (Reader(wake.url()).run(), Poller().run())]
    try:
        await work(env, wake.url(), (signal.SIGINT, signal.SIGTERM))
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


@click.command()
@click.option("--port", type=int, default=2526, show_default=True, help="0 picks a free one.")
@click.option("--return-to", metavar="HOST:PORT", help="The SMTP server that its reports are handed to.")
@_parent
def rehearsal(port: int, return_to: str | None, parent: int | None) -> None:
    """Start the rehearsal mail server on loopback: it answers as the recipient's address asks.

    What it writes back later (bounces, complaints) goes to the envelope sender, by way of --return-to alone.
    """
    end_with(parent)
    from undelivered.ops.rehearsal import run

    host, _, number = (return_to or "").rpartition(":")
    if return_to and not (host and number.isascii() and number.isdigit()):
        raise click.BadParameter("use HOST:PORT", param_hint="--return-to")
    run(port, return_to=(host.strip("[]"), int(number)) if return_to else None)
