"""`undelivered web`, `worker` and `rehearsal`: one process each. `undelivered run` starts them as its children."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import click

from undelivered.ops.commands.django import start

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
    # Threads that wait for the database cost nothing; more than a few would only queue up behind Python's lock.
    Server(
        "undelivered.wsgi:application",
        address=env.web_host,
        port=env.web_port,
        interface=Interfaces.WSGI,
        workers=env.web_processes,
        blocking_threads=4,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_level=LogLevels.warning,
        log_dictconfig=settings.LOGGING,
    ).serve(target_loader=_application)


def _application(target: str) -> Callable[..., Any]:
    """Called in each process that serves: it must not outlive granian's own, which it would when that is killed."""
    end_with(os.getppid())
    from undelivered.wsgi import application

    return application


@click.command()
@_parent
def worker(parent: int | None) -> None:
    """Start a worker: sends what is due, until SIGTERM or Ctrl-C; mails in hand are finished first."""
    env = start()
    end_with(parent)
    import uvloop

    from undelivered.delivery import wake
    from undelivered.delivery.worker import work

    signals = (signal.SIGINT, signal.SIGTERM)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(env, wake.url(), signals))


@click.command()
@click.option("--port", type=int, default=2526, show_default=True, help="0 picks a free one.")
@_parent
def rehearsal(port: int, parent: int | None) -> None:
    """Start the rehearsal mail server on loopback: it answers as the recipient's address asks."""
    end_with(parent)
    from undelivered.ops.rehearsal import run

    run(port)
