"""Every setting of the program: its name, type, default and meaning, read from the environment once.

A setting `x` is the variable `UNDELIVERED_X`; a secret may be given as `UNDELIVERED_X_FILE`, the path of a file that
holds it. A wrong value is a `SettingError` that names the variable, the value (never a secret's) and what is allowed.
`docs/settings.md` is checked against this table.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from undelivered.delivery.transports.esp_url import EspSettings, is_esp
from undelivered.delivery.transports.provider_url import read_provider_url
from undelivered.delivery.transports.url_numbers import mails_a_second

PREFIX = "UNDELIVERED_"


class SettingError(Exception):
    """A variable has a value that cannot be used; the text says which and what is allowed."""


class FormerKey(NamedTuple):
    """A secret key that is not the one in use, and still opens what it signed. `until`: when it was replaced."""

    key: str
    until: datetime | None = None


def text(value: str) -> str:
    return value


def former_keys(value: str) -> tuple[FormerKey, ...]:
    """Keys separated by blanks. Behind each there may be the moment when it was replaced, as 2026-03-01T12:00:00Z."""
    found: list[FormerKey] = []
    for word in value.split():
        until = _moment(word)
        if until is None:
            found.append(FormerKey(word))
        elif found and found[-1].until is None:
            found[-1] = found[-1]._replace(until=until)
        else:
            raise ValueError("use keys separated by blanks; behind each there may be one time, as 2026-03-01T12:00:00Z")
    return tuple(found)


def _moment(word: str) -> datetime | None:
    """A word that is meant as a moment; None for others."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z", word):
        return None
    try:
        return datetime.fromisoformat(word)
    except ValueError:
        raise ValueError("use times of the calendar, as 2026-03-01T12:00:00Z") from None


def flag(value: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if value.lower() not in known:
        raise ValueError("use yes or no")
    return known[value.lower()]


def port(value: str) -> int:
    if not value.isdecimal() or not 0 <= int(value) <= 65535:
        raise ValueError("use a port number from 0 to 65535")
    return int(value)


def web_port(value: str) -> int:
    """Unlike the SMTP server's, it is written into links: a free one will not do."""
    if not value.isdecimal() or not 1 <= int(value) <= 65535:
        raise ValueError("use a port number from 1 to 65535")
    return int(value)


def port_or_none(value: str) -> int | None:
    return None if value.lower() == "none" else port(value)


def local_listener(value: str) -> int | Path | None:
    """A port of loopback, the path of a socket, or none."""
    if value.lower() == "none":
        return None
    if value.isdecimal():
        return web_port(value)
    if not value.startswith("/") or len(value.encode()) > 100:
        raise ValueError("use a port, the whole path of a socket (up to 100 bytes), or none")
    return Path(value)


def count(most: int) -> Callable[[str], int]:
    """A whole number from 1 to `most`."""

    def parse(value: str) -> int:
        if not value.isdecimal() or len(value) > 12 or not 1 <= int(value) <= most:
            raise ValueError(f"use a whole number from 1 to {most}")
        return int(value)

    return parse


def count_or_none(most: int) -> Callable[[str], int | None]:
    return lambda value: None if value.lower() in {"none", "unlimited"} else count(most)(value)


def rate_or_none(value: str) -> float | None:
    return None if value.lower() in {"none", "unlimited"} else mails_a_second(value)


def zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # OSError: half a name, such as Europe
        raise ValueError("use a time zone's name, such as Europe/Berlin") from None
    return value


def folder(value: str) -> Path:
    return Path(value).expanduser().absolute()


def web_url(value: str) -> str:
    wanted = "use http:// or https://, a host name and no path, such as https://mail.example.com"
    try:
        parts = urlsplit(value)
        named, _ = parts.hostname, parts.port  # reading the port is what checks it
    except ValueError:
        raise ValueError(wanted) from None
    more = parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None
    if parts.scheme not in {"http", "https"} or not named or more:
        raise ValueError(wanted)
    return value.rstrip("/")


def database_url(value: str) -> str:
    # Errors of the parsers below quote what they cannot read, which may be the password: none of their words is shown.
    try:
        if value.startswith(("postgresql://", "postgres://")) and conninfo_to_dict(value):
            return value
    except psycopg.Error:
        pass
    raise ValueError(
        "use postgresql://user:password@host:5432/name, with @ : / ? # in a password as %40 %3A %2F %3F %23"
    )


def provider_url(value: str) -> str:
    try:
        settings = read_provider_url(value)
    except ValueError:
        if is_esp(value):  # its sentences show no secret
            raise
        raise ValueError(
            "use smtp://user:password@host:587 or smtps://user:password@host:465, "
            "with @ : / ? # in a password as %40 %3A %2F %3F %23, or esp://:secret@name"
        ) from None
    if isinstance(settings, EspSettings) and (lacks := settings.lacks()):
        raise ValueError(f"{settings.esp.label} needs {' and '.join(lacks)}")
    return value


def address(value: str) -> str:
    if not re.fullmatch(r"[^@\s,<>]+@[^@\s,<>]+", value):
        raise ValueError("use an e-mail address, such as helpdesk@example.com")
    return value


def log_level(value: str) -> str:
    if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError("use DEBUG, INFO, WARNING or ERROR")
    return value.upper()


def log_format(value: str) -> str:
    if value.lower() not in {"text", "json"}:
        raise ValueError("use text or json")
    return value.lower()


def bearer_token(value: str) -> str:
    """What an HTTP header can carry (RFC 6750, section 2.1), and nobody guesses."""
    if not re.fullmatch(r"[A-Za-z0-9._~+/-]{16,}=*", value):
        raise ValueError("use 16 or more letters, digits and . _ ~ + / -")
    return value


def host(value: str) -> str:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        if not re.fullmatch(r"[A-Za-z0-9.-]+", value):
            raise ValueError("use an address to listen on, such as 127.0.0.1 or 0.0.0.0") from None
    return value


def host_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", value) or len(value) > 253:
        raise ValueError("use a host name, such as desk.example.com")
    return value


def mail_domain(value: str) -> str:
    return host_name(value).lower()


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Root's data live where the unprivileged user that PostgreSQL runs under can reach them."""
    if os.geteuid() == 0:
        return Path("/var/lib/undelivered")
    home = environ.get("XDG_DATA_HOME") or "~/.local/share"
    return folder(home) / "undelivered"


def _setting(parse: Callable[[str], Any], default: Any, meaning: str, *, secret: bool = False, shown: str = "") -> Any:
    return field(metadata={"parse": parse, "default": default, "meaning": meaning, "secret": secret, "shown": shown})


@dataclass(frozen=True, kw_only=True)
class Env:
    """The settings, one field a variable. A default may be a function of the environment."""

    data_dir: Path = _setting(
        folder,
        default_data_dir,
        "Folder for the embedded PostgreSQL, generated secrets and spooled mail.",
        shown="`/var/lib/undelivered` as root, else `~/.local/share/undelivered`",
    )
    database_url: str | None = _setting(
        database_url,
        None,
        "An external PostgreSQL (15 or newer) to use instead of the embedded one: "
        "`postgresql://user:password@host:5432/name`.",
        secret=True,
        shown="the embedded PostgreSQL",
    )
    secret_key: str | None = _setting(
        text,
        None,
        "Key that signs sessions and links and encrypts stored provider passwords. "
        "Machines that share one database must share it.",
        secret=True,
        shown="generated once, kept in the data folder",
    )
    secret_key_previous: tuple[FormerKey, ...] = _setting(
        former_keys,
        (),
        "Keys that were in use before, separated by blanks; what they signed and encrypted still opens. "
        "Behind each there may be when it was replaced, such as `2026-03-01T12:00:00Z`.",
        secret=True,
        shown="none, but for those that `undelivered secret-key rotate` keeps in the data folder",
    )
    web_host: str = _setting(host, "127.0.0.1", "Address that the web server listens on.")
    web_port: int = _setting(web_port, 8025, "Port of the web server: pages, API, health.")
    web_processes: int = _setting(count(64), 1, "Processes of the web server.")
    smtp_host: str = _setting(host, "127.0.0.1", "Address that the SMTP door listens on.")
    smtp_port: int = _setting(port, 2525, "Port of the SMTP door, with STARTTLS where there is a certificate.")
    smtp_tls_port: int | None = _setting(
        port_or_none,
        None,
        "Port of the SMTP door with TLS from the start, or `none`. It needs a certificate.",
        shown="`none`",
    )
    lmtp: int | Path | None = _setting(
        local_listener,
        None,
        "Where a mail server on this machine hands over what came back, by LMTP: a port of 127.0.0.1, the path of a "
        "socket, or `none`. The SMTP door listens there too.",
        shown="`none`",
    )
    smtp_name: str = _setting(
        host_name,
        lambda environ: socket.gethostname(),
        "What the SMTP door calls itself in its greeting and in trace headers.",
        shown="the machine's name",
    )
    tls_cert: Path | None = _setting(
        folder,
        None,
        "The SMTP door's certificate, with its chain, in a PEM file. Loaded again when it changes.",
        shown="none; no TLS",
    )
    tls_key: Path | None = _setting(
        folder, None, "The certificate's private key, in a PEM file.", shown="in the certificate's file"
    )
    smtp_auth_without_tls: bool = _setting(
        flag, False, "Whether clients on other machines may log in to the SMTP door without TLS."
    )
    smtp_size_limit: int = _setting(
        count(1_000_000_000), 25 * 1024 * 1024, "Largest mail that the SMTP door takes, in bytes."
    )
    smtp_recipients: int = _setting(count(100_000), 1000, "Recipients that one submitted mail may have.")
    smtp_connections: int = _setting(
        count(60_000), 1000, "Connections that one SMTP door holds at once; half of them at most are one client's."
    )
    least_free_disk: int = _setting(
        count(10**12),
        1024**3,
        "Free bytes on the data folder's disk below which the SMTP door refuses mail rather than lose it.",
    )
    public_url: str | None = _setting(
        web_url,
        None,
        "Address under which people open the pages; links in mails start with it.",
        shown="`http://127.0.0.1:<web port>`",
    )
    site_name: str = _setting(text, "Service desk", "Name of the site, shown on pages and in account mails.")
    time_zone: str = _setting(zone, "UTC", "Time zone of the site: pages, and the day that daily limits count.")
    admin_email: str = _setting(
        address, "admin@example.com", "Sign-in of the first site admin, made at the first start."
    )
    admin_password: str | None = _setting(
        text,
        None,
        "Password of the first site admin.",
        secret=True,
        shown="generated, and printed by `undelivered run`",
    )
    provider_url: str | None = _setting(
        provider_url,
        None,
        "Where the site's mail is handed to: `smtp://user:password@host:587` (STARTTLS where offered), "
        "`smtp+starttls://` (required), `smtps://` (TLS from the start), `smtp+plain://` (never); or "
        "`esp://:secret@name`, an email service's API (docs/providers.md).",
        secret=True,
        shown="none; mail waits until a provider is set",
    )
    from_address: str = _setting(
        address, "helpdesk@example.com", "Sender of a new project's mails, until the project has its own."
    )
    daily_limit: int | None = _setting(
        count_or_none(1_000_000_000),
        None,
        "Mails that the whole site may send a day (the plan), or `none`.",
        shown="`none`",
    )
    bounce_domain: str | None = _setting(
        mail_domain,
        None,
        "Domain that bounces come back to, where the domain of a mail's sender has none of its own: "
        "its MX is the SMTP door (docs/return-paths.md).",
        shown="none; bounces go to the login's or the sender's address",
    )
    size_limit: int = _setting(
        count(1_000_000_000), 6 * 1024 * 1024, "Largest mail that is sent, in bytes, unless a project sets less."
    )
    keep_days: int = _setting(count(3650), 21, "Days that notifications and their history are kept.")
    sample: bool = _setting(flag, True, "Whether the first `undelivered run` makes the sample project `IT`.")
    worker_connections: int = _setting(count(1000), 20, "SMTP connections that one worker may hold open to a provider.")
    provider_rate: float | None = _setting(
        rate_or_none,
        None,
        "Mails a second that a provider is handed at most, all workers together, or `none`; may be less than 1. "
        "A provider's URL may say otherwise: `?rate=10`.",
        shown="`none`",
    )
    domain_connections: int | None = _setting(
        count_or_none(1000),
        None,
        "Mails that may be on their way to one recipient domain at once, per provider and all workers together, "
        "or `none`. "
        "A provider's URL may say otherwise: `?domain_connections=5`.",
        shown="`none`",
    )
    retry_hours: int = _setting(count(720), 24, "Hours after which temporary failures become final.")
    allow_private_hosts: bool = _setting(
        flag, False, "Whether projects may name hosts with private addresses (a provider inside your network)."
    )
    debug: bool = _setting(flag, False, "Django's debug pages. Never on a machine that others reach.")
    log_level: str = _setting(log_level, "INFO", "Least level of what is logged: DEBUG, INFO, WARNING or ERROR.")
    log_format: str = _setting(
        log_format, "text", "How log lines look: `text` (key=value, for people) or `json` (an object a line)."
    )
    metrics_token: str | None = _setting(
        bearer_token,
        None,
        "Bearer token that opens `/metrics`. Without one, only programs on the same machine may read it, "
        "and only while `UNDELIVERED_PUBLIC_URL` is this machine's own.",
        secret=True,
        shown="none",
    )

    @property
    def url(self) -> str:
        """Address under which people open the pages, without a slash at the end."""
        return self.public_url or f"http://127.0.0.1:{self.web_port}"


def read(environ: Mapping[str, str] | None = None) -> Env:
    """The settings from `environ` (default: the process's). Raises `SettingError`, also for names that do not exist."""
    environ = os.environ if environ is None else environ
    known = {PREFIX + f.name.upper(): f for f in fields(Env)}
    for name in environ:
        if name.startswith(PREFIX) and name not in known and name.removesuffix("_FILE") not in known:
            if name.startswith(PREFIX + "TEST_"):
                continue  # read by the tests alone
            raise SettingError(f"{name} is not a setting of Undelivered. See docs/settings.md for the names.")
    return Env(**{f.name: _read_one(name, f.metadata, environ) for name, f in known.items()})


def _read_one(name: str, meta: Mapping[str, Any], environ: Mapping[str, str]) -> Any:
    value = environ.get(name, "")
    file = environ.get(name + "_FILE", "") if meta["secret"] else ""
    if not meta["secret"] and name + "_FILE" in environ:
        raise SettingError(f"{name}_FILE: only secrets can be given as a file. Use {name}.")
    if value and file:
        raise SettingError(f"{name} and {name}_FILE are both set. Use one of them.")
    if file:
        try:
            value = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"{name}_FILE: cannot read {file}: {error}.") from error
        if not value:
            raise SettingError(f"{name}_FILE: {file} is empty.")
    if not value:
        default = meta["default"]
        return cast("Callable[[Mapping[str, str]], Any]", default)(environ) if callable(default) else default
    try:
        return meta["parse"](value)
    except ValueError as error:
        shown = "the given value" if meta["secret"] else repr(value)
        raise SettingError(f"{name}: {shown} cannot be used: {error}.") from error
