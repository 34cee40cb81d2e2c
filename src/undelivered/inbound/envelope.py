"""What an SMTP conversation is about: the terms it is held on, one mail's envelope, and the line it is held over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from undelivered.inbound import replies
from undelivered.inbound.access import Grant
from undelivered.inbound.ours import Ours
from undelivered.inbound.replies import Reply

#: Recipients of ours that one mail may have: a report is about one.
MOST_RETURNED = 20


@dataclass(frozen=True, slots=True)
class Terms:
    """What the door offers, and how much of it."""

    name: str = "localhost"
    size_limit: int = 25 * 1024 * 1024
    recipients: int = 1000


@dataclass(slots=True)
class Envelope:
    """One mail, with what is known about where it came from.

    What is to go on has `recipients`, what has come back is for addresses of ours: one mail may have both.
    """

    mail_from: str
    smtputf8: bool = False
    grants: tuple[Grant, ...] = ()
    recipients: dict[str, None] = field(default_factory=dict)  # in order, each once
    returned: dict[str, Ours] = field(default_factory=dict)
    taken: int = 0  # RCPT commands that were answered with 250
    content: bytes = b""
    helo: str = ""
    peer: str = ""
    protocol: str = ""

    def add(self, address: str, found: Ours | None, terms: Terms) -> Reply | None:
        """Takes a recipient, one of ours where `found` says so; the refusal where there are too many."""
        known: dict[str, None] | dict[str, Ours] = self.recipients if found is None else self.returned
        most = terms.recipients if found is None else MOST_RETURNED
        if len(known) >= most and address not in known:
            return replies.TOO_MANY_RECIPIENTS
        if found is None:
            self.recipients[address] = None
        else:
            self.returned[address] = found
        self.taken += 1
        return None


class Line(Protocol):
    """What a conversation asks of the connection and of the door behind it."""

    peer: str
    encrypted: bool

    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def quiet(self, on: bool) -> None: ...
    def offers_tls(self) -> bool: ...
    def start_tls(self) -> None:
        """Ends in `Conversation.encrypted`, later."""

    def may_log_in(self) -> bool: ...
    def log_in(self, user: str, password: str) -> None:
        """Ends in `Conversation.logged_in`, later."""

    def full(self) -> bool:
        """Whether there is no room for another mail."""

    def ours(self, address: str) -> Ours | Reply | None:
        """What an address of ours is, or why it is none of ours; None for other people's."""

    def submit(self, envelope: Envelope) -> Reply | None:
        """The reply, or None: then it ends in `Conversation.answer`, later."""
