"""The rehearsal mail server itself: listens on loopback, answers as the recipient's address asks, and writes back.

For demonstration, development and journeys. It never relays: what leaves it are its own reports and the mails that
test a provider, and both go to one configured place.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from undelivered.delivery.outcomes import Accepted
from undelivered.delivery.transports.smtp import Security, SmtpSettings, SmtpTransport
from undelivered.ops.rehearsal.answers import GREYLISTED_TRIES, Answer, SentBack, Twist, answer_for
from undelivered.ops.rehearsal.dsn import ReceivedMail, compose

log = logging.getLogger(__name__)

HOST_NAME = "mx.rehearsal.example"
SIZE_LIMIT = 35 * 1024 * 1024
KEPT_MAILS = 200
KEPT_GREYLIST = 10_000
MAX_CONNECTIONS = 200
SENDING_BACK_TRIES = 5
#: Recipients of the mails that test a provider (`delivery.probe`): who sent them waits for them.
PROBES = "probe-"


@dataclass(frozen=True, slots=True)
class ReturnedMail:
    """A report that the server wrote about a mail it had accepted."""

    kind: SentBack
    to: str
    content: bytes
    delivered: bool
    """Whether it was handed over by SMTP; False when no place for it is set, or nobody took it there."""


class RehearsalServer:
    """`await start()` gives the port; `inbox(address)` and `returned` tell afterwards what happened."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        return_to: tuple[str, int] | None = None,
        delay_s: float = 2.0,
        slow_s: float = 3.0,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self.host = host
        self.port = port
        self.return_to = return_to
        self.delay_s = delay_s
        self.slow_s = slow_s
        self.max_connections = max_connections
        self.returned: deque[ReturnedMail] = deque(maxlen=KEPT_MAILS)
        self.connections: set[_Conversation] = set()
        self._received: deque[ReceivedMail] = deque(maxlen=KEPT_MAILS)
        self._greylisted: OrderedDict[str, int] = OrderedDict()
        self._writing_back: set[asyncio.Task[object]] = set()
        self._listener: asyncio.Server | None = None

    async def start(self) -> int:
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._answer_the_door, self.host, self.port)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self.port

    async def stop(self) -> None:
        if self._listener is not None:
            self._listener.close()
        for conversation in list(self.connections):
            conversation.hang_up()
        for task in list(self._writing_back):
            task.cancel()
        await asyncio.gather(*self._writing_back, return_exceptions=True)
        await asyncio.sleep(0)  # lets the closed transports tell their protocols
        if self._listener is not None:
            await self._listener.wait_closed()
            self._listener = None

    def inbox(self, address: str | None = None) -> list[ReceivedMail]:
        """The last mails that were accepted, for this address or for all, oldest first."""
        wanted = address.lower() if address else None
        return [mail for mail in self._received if wanted is None or mail.recipient.lower() == wanted]

    async def settle(self) -> None:
        """Wait until every report that is due has been written."""
        await asyncio.gather(*self._writing_back)

    def greylisted(self, address: str) -> bool:
        """Count a try by this address, and say whether it still has to wait."""
        tries = self._greylisted.pop(address.lower(), 0)
        self._greylisted[address.lower()] = tries + 1
        while len(self._greylisted) > KEPT_GREYLIST:
            self._greylisted.popitem(last=False)
        return tries < GREYLISTED_TRIES

    def accept(self, mail: ReceivedMail, answer: Answer) -> None:
        self._received.append(mail)
        if answer.sends_back is not None and mail.envelope_from:  # never answer a null sender: RFC 5321, 4.5.5
            self._later(self._write_back(answer.sends_back, mail))
        elif mail.recipient.lower().startswith(PROBES) and self.return_to is not None:
            self._later(self._deliver(mail.recipient, mail.content, mail.envelope_from))

    def _later(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._writing_back.add(task)
        task.add_done_callback(self._writing_back.discard)

    async def _write_back(self, kind: SentBack, mail: ReceivedMail) -> None:
        await asyncio.sleep(self.delay_s)
        content = compose(kind, mail)
        delivered = self.return_to is not None and await self._deliver(mail.envelope_from, content)
        self.returned.append(ReturnedMail(kind, mail.envelope_from, content, delivered))

    async def _deliver(self, recipient: str, content: bytes, sender: str = "") -> bool:
        assert self.return_to is not None
        host, port = self.return_to
        settings = SmtpSettings(host, port, Security.NONE, timeout_s=30, helo_name=HOST_NAME)
        smtputf8 = not content.partition(b"\r\n\r\n")[0].isascii()
        for attempt in range(SENDING_BACK_TRIES):
            transport = SmtpTransport(settings)
            outcome = await transport.send(sender, recipient, content, smtputf8=smtputf8)
            await transport.close()
            if isinstance(outcome, Accepted):
                return True
            log.warning("a report could not be sent back (try %d): %s", attempt + 1, type(outcome).__name__)
            await asyncio.sleep(self.delay_s * 2**attempt)
        return False

    def _answer_the_door(self) -> asyncio.Protocol:
        if len(self.connections) >= self.max_connections:
            return _TurnedAway()
        return _Conversation(self)


class _TurnedAway(asyncio.Protocol):
    """One connection too many: told so, and closed. aiosmtpd itself knows no limit."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(f"421 4.7.0 {HOST_NAME} Too many connections, try again later\r\n".encode())
        transport.close()


class _Conversation(SMTP):
    """One connection. aiosmtpd speaks the protocol and finds the `handle_...` hooks here, by their names."""

    def __init__(self, server: RehearsalServer) -> None:
        self.rehearsal = server
        super().__init__(
            self,
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            hostname=HOST_NAME,
            ident="ESMTP Rehearsal",
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.rehearsal.connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.rehearsal.connections.discard(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        if self.transport is not None:
            self.transport.close()

    async def push(self, status: Any) -> None:
        await super().push(status)
        if str(status).startswith("421"):  # a server that says 421 closes the connection: RFC 5321, 3.8
            self.hang_up()

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", responses[-1]]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = answer_for(address)
        refused = answer.at_rcpt is not None
        if answer.twist is Twist.GREYLIST:
            refused = self.rehearsal.greylisted(address)
        if refused and answer.at_rcpt is not None:
            return _said_to(address, answer.at_rcpt)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answers = {address: answer_for(address) for address in envelope.rcpt_tos}
        for address, answer in answers.items():
            if answer.after_dot is not None:
                return _said_to(address, answer.after_dot)
            if answer.twist is Twist.DROP:
                self.hang_up()
                await asyncio.Event().wait()  # ended by the loss of the connection
            if answer.twist is Twist.SLOW:
                await asyncio.sleep(self.rehearsal.slow_s)
        content = envelope.original_content or b""
        sender = "" if envelope.mail_from in (None, "<>") else str(envelope.mail_from)
        for address, answer in answers.items():
            self.rehearsal.accept(ReceivedMail(sender, address, content, datetime.now(UTC)), answer)
        return f"250 2.0.0 Ok: queued as {id(envelope):X}"

    async def handle_exception(self, error: Exception) -> str:
        # aiosmtpd's own answer would be 500, after which a sender gives the mail up.
        log.error("the conversation failed", exc_info=error)
        return "451 4.3.0 Local error in processing, try again later"


def _said_to(address: str, reply: str) -> str:
    return reply.format(address=address, domain=address.rpartition("@")[2].lower())


def run(
    port: int,
    host: str = "127.0.0.1",
    *,
    return_to: tuple[str, int] | None = None,
    delay_s: float = 2.0,
    ready: Callable[[int], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM. `ready` is called with the port once mail is taken."""

    async def serve() -> None:
        server = RehearsalServer(host, port, return_to=return_to, delay_s=delay_s)
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        bound = await server.start()
        if ready is not None:
            ready(bound)
        await stopped.wait()
        await server.stop()

    asyncio.run(serve())
