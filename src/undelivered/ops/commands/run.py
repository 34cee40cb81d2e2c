"""`undelivered run`: everything on one machine, in the right order, until Ctrl-C."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from contextlib import ExitStack, suppress
from http.client import HTTPConnection, HTTPException
from types import FrameType

import click
import psycopg

from undelivered import env as environment
from undelivered.database import secret_key
from undelivered.database.embedded import EmbeddedPostgres, make_data_dir
from undelivered.env import Env
from undelivered.ops.supervisor import Child, Supervisor

TURN_S = 0.5
#: The web server answers within a second or two; a machine that is this slow is greeted all the same.
WEB_PATIENCE_S = 30.0


@click.command()
def run() -> None:
    """Start everything: PostgreSQL, web, worker, SMTP door and, the first time, a sample project. Ctrl-C stops it."""
    env = environment.read()
    # From the first moment on: whoever presses Ctrl-C while things start must not leave half of them behind.
    stopped = _stop_signals()
    with ExitStack() as stack:
        make_data_dir(env.data_dir)
        postgres = None if env.database_url else EmbeddedPostgres(env.data_dir, say=_say)
        if postgres:
            click.echo("Starting PostgreSQL ...")
            stack.callback(_stop_postgres, postgres)
        url = postgres.start() if postgres else str(env.database_url)
        _require_free(env.web_host, env.web_port, "UNDELIVERED_WEB_PORT")
        secret_key.ensure(env)
        os.environ["UNDELIVERED_DATABASE_URL"] = url
        os.environ.pop("UNDELIVERED_DATABASE_URL_FILE", None)
        sample = _prepare_database(env, embedded=postgres is not None)
        supervisor = Supervisor({"UNDELIVERED_LOG_LEVEL": "WARNING", **os.environ}, _say)
        if postgres:
            supervisor.on_death = lambda child: _worker_died(child, env)
        stack.callback(supervisor.stop)
        door = _door_port(env)
        if not stopped.is_set():
            _start_children(supervisor, env, door, sample=sample)
            _await_web(supervisor, env, stopped)
        if not stopped.is_set():
            _greet(env, door, sample=sample)
        _hang_up()
        while not stopped.wait(TURN_S):
            supervisor.check()
            if postgres:
                postgres.check()
        _say("\nStopping: mails in hand are finished first ...", err=False)
    _say("Stopped. Everything is kept for the next start.", err=False)


def _stop_signals() -> threading.Event:
    """Set by the first signal that asks for the end."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # `nohup` outlives its terminal
            signal.signal(number, stop)
    return stopped


def _say(text: str, *, err: bool = True) -> None:
    with suppress(OSError):  # a terminal that was closed must not keep anything from ending in order
        click.echo(text, err=err)


def _stop_postgres(postgres: EmbeddedPostgres) -> None:
    _hang_up()
    postgres.stop()


def _hang_up() -> None:
    """This program asks the database a few things at the start; those that work have connections of their own."""
    from django.conf import settings
    from django.db import connections

    if settings.configured:
        connections.close_all()


def _require_free(host: str, port: int, setting: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = f"Port {port} on {host} cannot be used: {error.strerror}. Set {setting} to another one."
            raise click.ClickException(message) from error


def _prepare_database(env: Env, *, embedded: bool) -> bool:
    """Migrations, the first admin, the site's provider, the bare sample project; whether the sample is there."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "undelivered.settings")
    import django

    django.setup()
    logging.getLogger().setLevel(logging.WARNING)
    from undelivered.ops import fallen, first_admin, sample
    from undelivered.ops.commands import database

    click.echo("Preparing the database ...")
    with database.errors_in_words():
        database.apply()
        first_admin.ensure(env)
        _set_provider(env)
        if embedded:
            fallen.give_back(env)
        return sample.ensure_project(env)


def _set_provider(env: Env) -> None:
    """The provider of the settings becomes the site's; what is set there wins over what was entered before."""
    from undelivered.delivery import provider_entry, providers
    from undelivered.desk.actors import UNDELIVERED

    if env.provider_url is None:
        return
    old = providers.provider_for(None)
    if old is not None and provider_entry.holds(old, env.provider_url):
        return
    providers.set_provider(None, env.provider_url, by=UNDELIVERED)


def _worker_died(child: Child, env: Env) -> None:
    """What a killed worker had in hand is due at once. Where the database is away, too, its silence tells later."""
    from django.db import DatabaseError

    from undelivered.ops import fallen

    if child.name == "worker":
        with suppress(DatabaseError, psycopg.Error):
            fallen.give_back(env)
        _hang_up()


def _start_children(supervisor: Supervisor, env: Env, door: int, *, sample: bool) -> None:
    if sample:
        from undelivered.ops import sample as sample_project

        port = _free_port("127.0.0.1", 0)
        sample_project.point_at(port)
        back = f"{_reached_at(env.smtp_host)}:{door}"
        supervisor.add("rehearsal mail server", "rehearsal", "--port", str(port), "--return-to", back)
    supervisor.add("web server", "web")
    supervisor.add("worker", "worker")
    supervisor.add("SMTP door", "smtp", "--port", str(door))
    if sample and not sample_project.is_told():
        supervisor.add_once("sample", "sample")


def _await_web(supervisor: Supervisor, env: Env, stopped: threading.Event) -> None:
    """Until the web server answers: whoever opens the address that is printed must not find nothing."""
    host = _reached_at(env.web_host)
    deadline = time.monotonic() + WEB_PATIENCE_S
    while time.monotonic() < deadline and not stopped.wait(0.1):
        connection = HTTPConnection(host, env.web_port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse()
        except (OSError, HTTPException):
            supervisor.check()
        else:
            return
        finally:
            connection.close()


def _reached_at(host: str) -> str:
    """Where this machine itself reaches what listens there."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def _door_port(env: Env) -> int:
    """The SMTP door's port. A port that was asked for must be free; where the default one is not, any other will do."""
    if os.environ.get("UNDELIVERED_SMTP_PORT") and env.smtp_port:
        _require_free(env.smtp_host, env.smtp_port, "UNDELIVERED_SMTP_PORT")
        return env.smtp_port
    return _free_port(env.smtp_host, env.smtp_port)


def _free_port(host: str, wanted: int) -> int:
    """The wanted port, or any free one where another program has it."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise click.ClickException(f"There is no free port on {host} for SMTP.")


def _greet(env: Env, door: int, *, sample: bool) -> None:
    from importlib.metadata import version

    from undelivered.ops import first_admin

    known = first_admin.password_to_show(env)
    rows = [("Open", env.url)]
    if known:
        rows += [("Sign in as", known[0]), ("Password", known[1])]
    else:
        rows.append(("Sign in", f"as {env.admin_email} with the password that you set (or `undelivered user create`)"))
    if sample:
        rows.append(
            ("Sample", f"{env.url}/p/IT/log/requests fills within a minute: every failure there really happened")
        )
    rows.append(("SMTP", f"{env.smtp_host}:{door} takes the mail of other programs (docs/smtp-door.md)"))
    rows += [("Data", str(env.data_dir)), ("Stop", "Ctrl-C")]
    click.echo(f"\nUndelivered {version('undelivered')} is running.\n")
    click.echo("\n".join(f"  {name:<11} {value}" for name, value in rows) + "\n")
