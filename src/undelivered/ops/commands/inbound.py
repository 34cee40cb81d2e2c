"""`undelivered smtp`, `smtp-credential` and `smtp-network`: the SMTP door, and who may submit mail to it."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click
import django

from undelivered import env as environment
from undelivered.env import Env, SettingError
from undelivered.ops import collector
from undelivered.ops.commands.django import start
from undelivered.ops.commands.processes import end_with

if TYPE_CHECKING:
    from undelivered.desk.actors import By
    from undelivered.desk.models import Project
    from undelivered.inbound.door import Plan


#: Open files beside the connections.
SPARE_FILES = 200


@click.command()
@click.option("--port", type=int, default=None, help="Default: UNDELIVERED_SMTP_PORT; 0 picks a free one.")
@click.option("--parent", type=int, default=None, hidden=True)
def smtp(port: int | None, parent: int | None) -> None:
    """Start the SMTP door: takes mail that programs submit, and what comes back, until SIGTERM or Ctrl-C;
    conversations are finished first.

    It starts without PostgreSQL too: mail is kept on disk until that is there.
    """
    env = environment.read()
    end_with(parent)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "undelivered.settings")
    django.setup()
    import uvloop

    from undelivered.inbound.door import serve
    from undelivered.inbound.listening import Taken

    def ready(port: int, tls_port: int | None) -> None:
        more = f", and with TLS from the start on port {tls_port}" if tls_port else ""
        logging.getLogger(__name__).info("the SMTP door listens on %s, port %d%s", env.smtp_host, port, more)

    _allow_files(env.smtp_connections + SPARE_FILES)
    door = serve(
        plan(env),
        env.smtp_host,
        env.smtp_port if port is None else port,
        env.smtp_tls_port,
        signals=(signal.SIGINT, signal.SIGTERM),
        ready=ready,
    )
    collector.settle()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(door)
    except Taken as error:
        raise click.ClickException(f"{error} Set UNDELIVERED_SMTP_PORT (or _LMTP) to another one.") from error
    except OSError as error:
        raise click.ClickException(f"The SMTP door cannot use {env.data_dir / 'spool'}: {error}.") from error


def _allow_files(wanted: int) -> None:
    """Each connection is an open file, and many systems allow 1,024 of them until a program asks for more."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most)
        )


def plan(env: Env) -> Plan:
    """A door with these settings."""
    from undelivered.database import where
    from undelivered.inbound.door import Plan
    from undelivered.inbound.envelope import Terms
    from undelivered.inbound.tls import Certificate, CertificateError

    try:
        certificate = Certificate(env.tls_cert, env.tls_key) if env.tls_cert else None
    except CertificateError as error:
        raise SettingError(f"UNDELIVERED_TLS_CERT cannot be used: {error}.") from error
    if env.smtp_tls_port is not None and certificate is None:
        raise SettingError("UNDELIVERED_SMTP_TLS_PORT needs UNDELIVERED_TLS_CERT.")
    return Plan(
        url=lambda: where.running_url(env),
        zone=ZoneInfo(env.time_zone),
        spool=env.data_dir / "spool",
        terms=Terms(env.smtp_name, env.smtp_size_limit, env.smtp_recipients),
        least_free=env.least_free_disk,
        connections=env.smtp_connections,
        auth_without_tls=env.smtp_auth_without_tls,
        certificate=certificate,
        bounce_domain=env.bounce_domain or "",
        lmtp=env.lmtp,
    )


_project = click.option("--project", required=True, metavar="KEY", help="Whose mail it is.")
_domains = click.option(
    "--from-domain",
    "domains",
    multiple=True,
    metavar="DOMAIN",
    help="A domain that the From header may have; several times for several. Default: the project's own.",
)


@click.group()
def smtp_credential() -> None:
    """Logins of programs that submit mail by SMTP."""


@smtp_credential.command("create")
@_project
@_domains
@click.option("--name", default="", help="What the credential is for.")
def create_credential(project: str, domains: tuple[str, ...], name: str) -> None:
    """Create a credential and print its user, then its password. It cannot be shown again."""
    start()
    from undelivered.inbound import credentials

    try:
        made, password = credentials.create(_find(project), by=_by(), name=name, from_domains=domains)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--from-domain") from error
    click.echo("User and password; mail may come from: " + ", ".join(made.from_domains), err=True)
    click.echo(f"{made.username}\n{password}")


@smtp_credential.command("list")
@_project
def list_credentials(project: str) -> None:
    """List a project's credentials."""
    start()
    for one in _find(project).smtp_credentials.order_by("id"):
        state = "revoked" if one.revoked_at else f"last used {one.last_used_at:%F %R}" if one.last_used_at else "unused"
        click.echo(f"{one.username}\t{state}\t{' '.join(one.from_domains)}\t{one.name}")


@smtp_credential.command("revoke")
@click.argument("user")
def revoke_credential(user: str) -> None:
    """Revoke a credential. Doors refuse it within seconds."""
    start()
    from undelivered.inbound import credentials
    from undelivered.inbound.models import SmtpCredential

    found = SmtpCredential.objects.select_related("project").filter(username=user).first()
    if found is None or not credentials.revoke(found, by=_by()):
        raise click.ClickException(f"There is no credential {user} that could be revoked.")


@click.group()
def smtp_network() -> None:
    """Networks whose machines submit mail without a login."""


@smtp_network.command("add")
@_project
@_domains
@click.argument("network")
def add_network(project: str, domains: tuple[str, ...], network: str) -> None:
    """Let NETWORK (an address, or a range such as 10.1.2.0/24) submit a project's mail without a login."""
    start()
    from undelivered.inbound import credentials

    try:
        made = credentials.trust(_find(project), network, by=_by(), from_domains=domains)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{made.network}\t{' '.join(made.from_domains)}")


@smtp_network.command("list")
@_project
def list_networks(project: str) -> None:
    """List the networks that a project trusts."""
    start()
    for one in _find(project).trusted_networks.order_by("id"):
        click.echo(f"{one.network}\t{' '.join(one.from_domains)}")


@smtp_network.command("remove")
@_project
@click.argument("network")
def remove_network(project: str, network: str) -> None:
    """No longer trust NETWORK."""
    start()
    from undelivered.inbound import credentials
    from undelivered.inbound.models import TrustedNetwork

    found = TrustedNetwork.objects.select_related("project").filter(project=_find(project), network=network).first()
    if found is None:
        raise click.ClickException(f"The project does not trust {network}; `undelivered smtp-network list` says what.")
    credentials.distrust(found, by=_by())


def _find(key: str) -> Project:
    from undelivered.ops.commands.accounts import _project as find

    found: Project = find(key)
    return found


def _by() -> By:
    from undelivered.desk.actors import By

    return By(program="undelivered command line")
