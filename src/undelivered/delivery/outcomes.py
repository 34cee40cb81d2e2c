"""What came of one attempt to hand a mail to a provider. Values only; what follows is decided elsewhere.

| outcome       | in the world                                                              | whose trouble |
|---------------|---------------------------------------------------------------------------|---------------|
| `Accepted`    | the provider took responsibility: 2xx after the final dot (RFC 5321 4.2.5) | nobody's      |
| `TryLater`    | 4xx, or the connection died before the final dot: surely not delivered     | this mail's   |
| `Refused`     | 5xx to this mail's MAIL, RCPT or DATA: trying again changes nothing        | this mail's   |
| `Unknown`     | nobody can tell: no SMTP reply, or the line was lost after the final dot   | this mail's   |
| `Unreachable` | the provider itself: no connection, TLS failure, bad greeting, login       | the provider's |
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from enum import StrEnum

REPLY_LIMIT = 2000
"""Characters of a reply that are kept. RFC 5321 allows 512 octets a line; some providers write essays."""


class Stage(StrEnum):
    """How far the conversation had come when the outcome was decided."""

    CONNECT = "connect"  # looking up the name, opening the connection, TLS from the start, the greeting
    EHLO = "ehlo"  # saying who we are
    STARTTLS = "starttls"  # switching to TLS
    AUTH = "auth"  # logging in
    MAIL = "mail"  # naming the envelope sender
    RCPT = "rcpt"  # naming the recipient
    DATA = "data"  # asking to send the mail, and sending it, up to the final dot
    AFTER_DOT = "after-dot"  # the whole mail is out; the reply is what counts


@dataclass(frozen=True, slots=True)
class Conversation:
    """What every outcome tells: the deciding reply, and the circumstances it was given in."""

    reply: str
    """The provider's words in full (lines joined by newlines), or ours where it said nothing."""
    _: KW_ONLY
    code: int | None = None
    """The three digits of the reply, when there was an SMTP reply."""
    enhanced: str | None = None
    """The enhanced status code, such as 5.1.1 (RFC 3463), when the reply carried one."""
    host: str = ""
    """`host:port` that we talked to."""
    tls: str | None = None
    """Version and cipher, such as `TLSv1.3 TLS_AES_256_GCM_SHA384`; None without encryption."""
    duration_ms: int = 0
    stage: Stage = Stage.CONNECT
    dialogue: tuple[str, ...] = ()
    """The conversation line by line, ours behind an arrow; secrets and the mail itself are left out."""


@dataclass(frozen=True, slots=True)
class Accepted(Conversation):
    """The provider answered 2xx after the final dot: it is responsible for the mail now."""


@dataclass(frozen=True, slots=True)
class TryLater(Conversation):
    """Not this time: a 4xx for this mail, or the connection died before the final dot."""


@dataclass(frozen=True, slots=True)
class Refused(Conversation):
    """Never: a 5xx for this mail's sender, recipient or content."""


@dataclass(frozen=True, slots=True)
class Unknown(Conversation):
    """Nobody can tell whether the mail was taken."""

    _: KW_ONLY
    final: bool = False
    """True: the answer was no SMTP and another try would hear the same. False: lost after the dot, try again."""


@dataclass(frozen=True, slots=True)
class Unreachable(Conversation):
    """The provider itself is in trouble: pause it, and do not count this against the mail."""

    _: KW_ONLY
    our_fault: bool = False
    """The provider works, but refuses our login or lacks what our settings demand: someone must mend the settings."""


Outcome = Accepted | TryLater | Refused | Unknown | Unreachable
