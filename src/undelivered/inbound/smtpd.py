"""The SMTP door's sockets: connections, TLS, deadlines, back pressure. What is said is `conversation`'s business.

Memory is bounded without refusing anybody: a mail that grows beyond a small size needs one of few places, and whoever
has none is not read from until there is one. Who has a place can finish, so nobody waits for somebody who waits.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from undelivered.inbound import replies
from undelivered.inbound.conversation import Conversation
from undelivered.inbound.envelope import Envelope
from undelivered.inbound.lmtp import LmtpConversation
from undelivered.inbound.ours import Ours
from undelivered.inbound.replies import Reply

if TYPE_CHECKING:
    from undelivered.inbound.door import Door

_log = logging.getLogger(__name__)

#: RFC 5321, section 4.5.3.2.7: at least five minutes between commands.
IDLE_S = 300.0
#: For those who have not said who they are, nor named an address of ours, from the beginning on.
STRANGER_S = 60.0
#: One mail, from MAIL to its last dot, however slowly it comes; and one that came back.
MAIL_S, RETURNED_S = 1800.0, 300.0
HANDSHAKE_S = 30.0
#: A mail up to this size needs no place.
SMALL = 128 * 1024
PLACES = 8
#: Places of their own for those who bring something back: they cannot hold up who submits.
RETURN_PLACES = 3


@dataclass(slots=True)
class Clock:
    """What a connection's deadlines are counted from."""

    opened: float
    heard: float
    mail: Envelope | None = None
    mail_since: float = 0.0

    def late(self, talk: Conversation, now: float) -> bool:
        if talk.waiting:
            return False
        if talk.mail is not self.mail:
            self.mail, self.mail_since = talk.mail, now
        return (
            now - self.heard > IDLE_S
            or (not talk.grants and not talk.brings and now - self.opened > STRANGER_S)
            or (self.mail is not None and now - self.mail_since > (MAIL_S if talk.grants else RETURNED_S))
        )


class Places:
    """The few places for large mails. Whoever waits for one is called when it is free, in order."""

    def __init__(self, number: int = PLACES) -> None:
        self.free = number
        self._waiting: deque[Connection] = deque()

    def take(self, one: Connection) -> bool:
        if self.free:
            self.free -= 1
            return True
        self._waiting.append(one)
        return False

    def give_back(self) -> None:
        self.free += 1
        while self.free and self._waiting:
            one = self._waiting.popleft()
            if one.open:
                self.free -= 1
                one.has_place()


class Connection(asyncio.Protocol):
    """One connection: a `conversation.Line`."""

    def __init__(self, door: Door, *, encrypted: bool = False, lmtp: bool = False) -> None:
        self.door = door
        self.lmtp = lmtp
        self.loop = asyncio.get_running_loop()
        self.encrypted = encrypted
        self.peer = ""
        self.open = False
        self.talk: Conversation | None = None
        self.clock = Clock(0.0, 0.0)
        self._transport: asyncio.Transport | None = None
        self._places = door.places
        self._place = False
        self._stops: set[str] = set()  # why nothing is read

    # --- asyncio's side -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        name = transport.get_extra_info("peername")
        self.peer = _readable(name[0]) if name and not self.lmtp else ""
        now = self.loop.time()
        trusted = () if self.lmtp else self.door.access.trusted(self.peer)
        known = bool(trusted) or self.lmtp
        refusal = replies.STOPPING if self.door.stopping else self.door.limits.admit(self.peer, now, trusted=known)
        if refusal is not None:
            self.write(bytes(refusal))
            self.close()
            return
        self.open = True
        self.clock = Clock(now, now)
        self.talk = (LmtpConversation if self.lmtp else Conversation)(self, self.door.terms, trusted)
        self.door.connections.add(self)
        self.talk.open()

    def data_received(self, data: bytes) -> None:
        if self.talk is None:
            return
        self.clock.heard = self.loop.time()
        try:
            self.talk.feed(data)
        except Exception:
            _log.exception("a conversation broke")
            self.talk.end(Reply(421, replies.OUR_FAULT.text, ends=True))
        held = self.talk.held
        if held > SMALL and not self._place and "place" not in self._stops:
            self._places = self.door.places if self.talk.grants else self.door.return_places
            self._place = self._places.take(self)
            self._stop("place", not self._place)
        elif held == 0 and self._place and not self.talk.waiting:
            self._leave_place()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if not self.open:
            return
        self.open = False
        self.door.connections.discard(self)
        self.door.limits.leave(self.peer)
        self._leave_place()
        if self.talk is not None:
            self.talk.ended = True

    def pause_writing(self) -> None:
        self._stop("unread replies", True)

    def resume_writing(self) -> None:
        self._stop("unread replies", False)

    # --- the conversation's side ----------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def quiet(self, on: bool) -> None:
        self._stop("waiting", on)

    def offers_tls(self) -> bool:
        return self.door.certificate is not None

    def start_tls(self) -> None:
        assert self._transport is not None
        self._transport.pause_reading()
        self.door.keep(self._start_tls(self._transport))

    async def _start_tls(self, plain: asyncio.Transport) -> None:
        assert self.door.certificate is not None
        try:
            encrypted = await self.loop.start_tls(
                plain, self, self.door.certificate.context, server_side=True, ssl_handshake_timeout=HANDSHAKE_S
            )
        except (OSError, TimeoutError) as error:
            _log.info("no TLS with %s: %s", self.peer, error)
            plain.abort()
            return
        self._transport = encrypted
        self.encrypted = True
        if self.talk is not None:
            self.talk.encrypted()

    def may_log_in(self) -> bool:
        return self.encrypted or self.door.auth_without_tls or _is_loopback(self.peer)

    def log_in(self, user: str, password: str) -> None:
        self.door.keep(self.door.log_in(self, user, password))

    def full(self) -> bool:
        return self.door.full

    def ours(self, address: str) -> Ours | Reply | None:
        found = self.door.ours(address)
        return replies.NOT_OURS if found is None and self.lmtp else found

    def submit(self, envelope: Envelope) -> Reply | None:
        return self.door.submit(self, envelope)

    def answered(self, reply: Reply) -> None:
        """What became of the submitted mail."""
        if self.talk is not None:
            self.talk.answer(reply)
            if self._place and self.talk.held == 0 and not self.talk.waiting:
                self._leave_place()

    # --- the door's side ------------------------------------------------------------------------------------------

    def has_place(self) -> None:
        self._place = True
        self._stop("place", False)

    def check(self, now: float) -> None:
        """Ends the connection when its time is up."""
        if self.talk is not None and self.clock.late(self.talk, now):
            self.talk.end(replies.TIMED_OUT)

    def stop_if_idle(self, now: float, quiet_s: float) -> None:
        """Ends a connection on which nothing is under way, and nothing was heard for a moment."""
        if self.talk is not None and self.talk.idle and now - self.clock.heard > quiet_s:
            self.talk.end(replies.STOPPING)

    def _leave_place(self) -> None:
        self._stops.discard("place")
        if self._place:
            self._place = False
            self._places.give_back()

    def _stop(self, why: str, on: bool) -> None:
        before = bool(self._stops)
        (self._stops.add if on else self._stops.discard)(why)
        if self._transport is None or self._transport.is_closing() or before == bool(self._stops):
            return
        if self._stops:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()


def _readable(address: str) -> str:
    """An IPv4 client on an IPv6 socket is an IPv4 client."""
    return address.removeprefix("::ffff:") if address.count(".") == 3 else address


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
