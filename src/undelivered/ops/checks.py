"""System checks: what is set up in a way that will hurt, each with an id and a hint. Tag `undelivered`.

The System page and `undelivered check` show them. W: works, but should be mended. E: mail or data are at risk now.
Those that ask the database run only where one is named (`databases`), and are quiet where it is not there yet.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Warning
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from undelivered.database import vitals as database
from undelivered.database.secret_key import fingerprint
from undelivered.delivery import providers, vitals
from undelivered.delivery.models import Provider
from undelivered.desk.models import Project
from undelivered.inbound.spool import Spool
from undelivered.ops.metrics import is_loopback

TAG = "undelivered"
#: A key of fewer characters, or of fewer different ones, can be guessed.
KEY_LENGTH, KEY_VARIETY = 32, 10
#: Clocks that differ by more make mail leave early or late, and bounds of time miss rows.
MOST_SKEW = timedelta(seconds=2)
#: Days ahead that rows have a place: 30 are made, and a week is time enough to find out why no more are.
LEAST_AHEAD = 7
#: An outage of a provider that lasts so long needs a person.
LONG_OUTAGE = timedelta(minutes=15)


# --- the settings -----------------------------------------------------------------------------------------------------


def debug() -> Iterator[CheckMessage]:
    if settings.DEBUG and not _only_local():
        yield Error(
            "Django's debug pages are on, and other machines can reach this server.",
            hint="Unset UNDELIVERED_DEBUG: debug pages show settings and code to everybody who causes an error.",
            id="undelivered.E001",
        )


def public_url() -> Iterator[CheckMessage]:
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    if is_loopback(host) and not is_loopback(settings.ENV.web_host):
        yield Warning(
            f"Links in mails point to {settings.PUBLIC_URL}, which only this machine can open.",
            hint="Set UNDELIVERED_PUBLIC_URL to the address under which people open the pages.",
            id="undelivered.W002",
        )
    if not is_loopback(host) and not settings.SECURE:
        yield Warning(
            "People sign in without encryption.",
            hint="Put a web server with TLS in front, and let UNDELIVERED_PUBLIC_URL begin with https://.",
            id="undelivered.W003",
        )


def secret_key() -> Iterator[CheckMessage]:
    if _weak(settings.SECRET_KEY):
        yield Warning(
            "The secret key is weak.",
            hint="Set UNDELIVERED_SECRET_KEY to 32 random characters or more, for example of "
            "`openssl rand -base64 36`, and UNDELIVERED_SECRET_KEY_PREVIOUS to the one until now (docs/operating.md).",
            id="undelivered.W004",
        )
    elif any(map(_weak, settings.SECRET_KEY_FALLBACKS)):
        yield Warning(
            "A secret key from before is weak, and what is signed with it is still believed.",
            hint="Run `undelivered secret-key reencrypt`. When no mail from its time is kept any more, take it out of "
            "UNDELIVERED_SECRET_KEY_PREVIOUS, or run `undelivered secret-key forget`.",
            id="undelivered.W018",
        )


def _weak(key: str) -> bool:
    return len(key) < KEY_LENGTH or len(set(key)) < KEY_VARIETY


def disk() -> Iterator[CheckMessage]:
    try:
        free = shutil.disk_usage(settings.ENV.data_dir).free
    except OSError:
        return  # a machine without a data folder: its database is elsewhere, and nothing is spooled
    least = settings.ENV.least_free_disk
    if free < 3 * least:
        kind, number = (Error, "E005") if free < least else (Warning, "W005")
        yield kind(
            f"{_size(free)} are free on the disk of {settings.ENV.data_dir}.",
            hint=f"Below {_size(least)} the SMTP door refuses mail rather than lose it. Make room, "
            "or keep notifications for fewer days (UNDELIVERED_KEEP_DAYS).",
            id=f"undelivered.{number}",
        )


def spool() -> Iterator[CheckMessage]:
    aside = Spool(settings.ENV.data_dir / "spool", settings.ENV.least_free_disk).summary().aside
    if aside:
        yield Error(
            f"{aside} mail{'s' if aside > 1 else ''} of the SMTP door could not be read or stored, and were put aside.",
            hint=f"They are in {settings.ENV.data_dir / 'spool' / 'aside'}; the log says why.",
            id="undelivered.E006",
        )


# --- what the database says -------------------------------------------------------------------------------------------


def migrations() -> Iterator[CheckMessage]:
    loader = MigrationLoader(connection)
    missing = set(loader.graph.nodes) - set(loader.applied_migrations or {})
    if missing:
        first = ".".join(min(missing))
        yield Error(
            f"The database lacks {len(missing)} of this version's migrations ({first} ...).",
            hint="Run `undelivered migrate`.",
            id="undelivered.E007",
        )


def provider() -> Iterator[CheckMessage]:
    found = vitals.providers()
    if not any(one.project is None for one in found):
        own = {one.project_id for one in found if one.project_id}
        without = Project.objects.filter(archived_at=None).exclude(pk__in=own).count()
        if without or not own:
            whose = f"{without} project{'s' if without > 1 else ''} without one of their own" if without else "anybody"
            yield Warning(
                f"No provider is set for the site: mail of {whose} waits.",
                hint="Set UNDELIVERED_PROVIDER_URL, or enter one on a project's settings page.",
                id="undelivered.W008",
            )
    for one in found:
        if one.incident_since and timezone.now() - one.incident_since > LONG_OUTAGE:
            yield Warning(
                f"{one.name} cannot be used since {timezone.localtime(one.incident_since):%d %B, %H:%M}.",
                hint=f"It said: {one.incident[:200]}. {_meanwhile(one)}, and nothing is lost.",
                id="undelivered.W009",
            )


def _meanwhile(provider: Provider) -> str:
    other = providers.meanwhile(provider)
    return f"Its mail goes to {other.name} meanwhile" if other else "Its mail waits"


def workers() -> Iterator[CheckMessage]:
    alive = [one for one in vitals.workers() if one.alive]
    if not alive:
        yield Error(
            "No worker is running: nothing is sent.",
            hint="Start one with `undelivered worker`, or everything with `undelivered run`.",
            id="undelivered.E010",
        )
    for host, skew in {one.row.host: one.skew_s for one in alive if one.skew_s is not None}.items():
        if abs(skew) > MOST_SKEW.total_seconds():
            yield _skew(f"The clock of {host}", skew)
    yield from _keys(alive)
    versions = {one.stats["version"] for one in alive if "version" in one.stats}
    if len(versions) > 1:
        yield Warning(
            f"Workers of several versions are running: {', '.join(sorted(versions))}.",
            hint="That is well during an upgrade. Restart the older ones.",
            id="undelivered.W013",
        )


def _keys(alive: Sequence[vitals.Alive]) -> Iterator[CheckMessage]:
    """Workers that cannot read what the web server signs; and those that use a key from before a rotation, or after."""
    ours, *former = (fingerprint(str(key)) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))
    others = [one for one in alive if one.stats.get("key", ours) != ours]
    at_odds = {one.row.host for one in others if one.stats["key"] in former or ours in one.stats.get("former_keys", ())}
    if foreign := sorted({one.row.host for one in others} - at_odds):
        yield Error(
            f"Workers have another secret key than the web server: {', '.join(foreign[:5])}.",
            hint="Give all machines the same UNDELIVERED_SECRET_KEY: else provider passwords cannot be read, "
            "and links in mails do not open.",
            id="undelivered.E012",
        )
    if at_odds:
        yield Warning(
            f"The secret key was changed, and not every process was started again: {', '.join(sorted(at_odds)[:5])}.",
            hint="Restart web, worker and SMTP processes, so that all of them use the new key.",
            id="undelivered.W017",
        )


def clock() -> Iterator[CheckMessage]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (theirs,) = cursor.fetchone()
    skew = (timezone.now() - theirs).total_seconds()
    if abs(skew) > MOST_SKEW.total_seconds():
        yield _skew("The clock of the web server", skew)


def _skew(whose: str, seconds: float) -> CheckMessage:
    return Warning(
        f"{whose} is {abs(seconds):.0f} seconds {'ahead of' if seconds > 0 else 'behind'} the database's.",
        hint="Let every machine follow a time server (chrony, systemd-timesyncd).",
        id="undelivered.W011",
    )


def partitions() -> Iterator[CheckMessage]:
    with connection.cursor() as cursor:
        days = database.days(cursor.execute)
    for one in days:
        if one.misplaced:
            many = "1,000 rows or more" if one.misplaced >= 1000 else f"{one.misplaced} rows"
            yield Error(
                f"{one.table}: {many if one.misplaced > 1 else 'a row'} found no day to lie in.",
                hint="Run `undelivered migrate`: it gives them days of their own. Until then they are slow to find.",
                id="undelivered.E014",
            )
    short = min(days, key=lambda one: one.ahead)
    if short.ahead < LEAST_AHEAD:
        yield Warning(
            f"Rows of {short.table} have a place for {max(0, short.ahead)} days ahead only.",
            hint="Workers make these days, 30 ahead: the worker's log says why it does not.",
            id="undelivered.W015",
        )


def connections() -> Iterator[CheckMessage]:
    with connection.cursor() as cursor:
        server = database.server(cursor.execute)
    used = sum(server.connections.values())
    if used > 0.8 * server.most:
        yield Warning(
            f"{used} of PostgreSQL's {server.most} connections are in use.",
            hint="Raise max_connections, or put PgBouncer in between (docs/operating.md).",
            id="undelivered.W016",
        )


OF_SETTINGS: Sequence[Callable[[], Iterator[CheckMessage]]] = (debug, public_url, secret_key, disk, spool)
OF_DATABASE: Sequence[Callable[[], Iterator[CheckMessage]]] = (
    migrations,
    provider,
    workers,
    clock,
    partitions,
    connections,
)


def _settings(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    return [message for check in OF_SETTINGS for message in check()]


def _database(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for check in OF_DATABASE if databases else ():
        try:
            with transaction.atomic():
                found += check()
        except DatabaseError:
            if check is migrations:  # it cannot be reached, or is empty: `migrate` itself is running
                return []
    return found


def register() -> None:
    checks.register(_settings, TAG)
    checks.register(_database, TAG, checks.Tags.database)


def _only_local() -> bool:
    return is_loopback(settings.ENV.web_host) and is_loopback(urlsplit(settings.PUBLIC_URL).hostname or "")


def _size(n: int) -> str:
    return f"{n / 1024**3:.1f} GiB" if n >= 1024**3 else f"{n / 1024**2:.0f} MiB"
