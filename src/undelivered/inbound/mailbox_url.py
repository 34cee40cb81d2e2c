"""Where a mailbox is, how to log in to it, and what is done with a mail there once it is stored: all in one URL.

`imaps://support%40example.com@imap.example.com/INBOX?take=all&done=move:Bounces&every=120`
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from undelivered.delivery.transports import oauth_url
from undelivered.delivery.transports.oauth_url import OAuth


class Security(StrEnum):
    """How the connection is encrypted."""

    NONE = "none"  # never: for a server on the same machine or a closed network
    STARTTLS = "starttls"  # STARTTLS, or no login
    TLS = "tls"  # TLS from the first byte (RFC 8314)


class Take(StrEnum):
    """Which mails are taken."""

    RETURNED = "returned"  # what comes back of ours: bounces, complaints ... A person's mails are left as they are
    ALL = "all"  # every mail: for a mailbox that nothing else uses


class Done(StrEnum):
    """What is done with a mail there, after it is stored here."""

    MARK = "mark"  # flagged \Seen; it stays
    MOVE = "move"  # into another folder, which is made where it is missing
    DELETE = "delete"  # deleted
    LEAVE = "leave"  # nothing


SCHEMES = {
    "imaps": (Security.TLS, 993),
    "imap+starttls": (Security.STARTTLS, 143),
    "imap+plain": (Security.NONE, 143),
}
OPTIONS = oauth_url.OPTIONS | {"auth", "verify", "take", "done", "every"}
EVERY_S = 60


@dataclass(frozen=True, slots=True)
class MailboxSettings:
    """`every_s`: seconds between two looks. `moved_to`: the folder, for `Done.MOVE`."""

    host: str
    port: int
    security: Security
    username: str
    folder: str = "INBOX"
    password: str = field(default="", repr=False)
    oauth: OAuth | None = None
    verify: bool = True
    take: Take = Take.RETURNED
    done: Done = Done.MARK
    moved_to: str = ""
    every_s: int = EVERY_S


def parse(url: str) -> MailboxSettings:
    """Raises ValueError with a sentence that says what is wrong; the password is never quoted."""
    scheme, separator, _ = url.partition("://")
    if not separator or scheme.lower() not in SCHEMES:
        raise ValueError(f"A mailbox URL starts with one of {', '.join(f'{name}://' for name in SCHEMES)}")
    security, usual_port = SCHEMES[scheme.lower()]
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("The mailbox URL cannot be read: write @ : / ? # in names as %40 %3A %2F %3F %23") from None
    if not host or not parts.username:
        raise ValueError("A mailbox URL names a user and a host, as in imaps://support%40example.com@imap.example.com")
    options = _options(parts.query)
    done, _, moved_to = options.get("done", Done.MARK.value).partition(":")
    if done not in set(Done) or bool(moved_to) != (done == Done.MOVE):
        raise ValueError("The option done of the mailbox URL is mark, delete, leave, or move:Folder")
    if options.get("take", Take.RETURNED.value) not in set(Take):
        raise ValueError("The option take of the mailbox URL is returned or all")
    if options.get("verify", "yes") not in ("yes", "no"):
        raise ValueError("The option verify of the mailbox URL is yes or no")
    folder = unquote(parts.path.strip("/")) or "INBOX"
    if moved_to == folder:
        raise ValueError("The option done of the mailbox URL names the folder that is read")
    username = unquote(parts.username)
    for name, value in (("user", username), ("folder", folder), ("folder", moved_to)):
        if not value.isprintable():
            raise ValueError(f"The {name} of the mailbox URL contains control characters")
    return MailboxSettings(
        host=host,
        port=port or usual_port,
        security=security,
        username=username,
        folder=folder,
        password=unquote(parts.password or ""),
        oauth=oauth_url.read(options, username, "mailbox"),
        verify=options.get("verify", "yes") == "yes",
        take=Take(options.get("take", Take.RETURNED.value)),
        done=Done(done),
        moved_to=moved_to,
        every_s=_seconds(options.get("every", str(EVERY_S))),
    )


def without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user = parts.netloc.rpartition("@")[0].partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}"))


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name not in OPTIONS:
            raise ValueError(f"The mailbox URL has an unknown option “{name}”; known are {', '.join(sorted(OPTIONS))}")
    return options


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 10 <= int(text[:7]) <= 86_400:
        raise ValueError("The option every of the mailbox URL is a number of seconds from 10 to 86400")
    return int(text)
