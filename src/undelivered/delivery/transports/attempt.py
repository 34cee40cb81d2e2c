"""One try at handing one mail to a provider by SMTP: every way that it can end is an outcome."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from undelivered.delivery.outcomes import Accepted, Outcome, Refused, Stage, TryLater, Unknown, Unreachable
from undelivered.delivery.transports import Lane
from undelivered.delivery.transports.ahead import QUICK_S, Ahead
from undelivered.delivery.transports.connection import CannotOpen, Connection
from undelivered.delivery.transports.deadline import Deadline
from undelivered.delivery.transports.envelope import Mail, NotSent
from undelivered.delivery.transports.replies import NotSmtp, Reply
from undelivered.delivery.transports.talk import Talk
from undelivered.delivery.transports.transaction import OutOfStep
from undelivered.delivery.transports.wire import Lost

if TYPE_CHECKING:
    from undelivered.delivery.transports.smtp import SmtpTransport

log = logging.getLogger(__name__)

LOGIN_WANTED = frozenset((530, 534, 535, 538))  # RFC 4954, 6: about our login, not about the mail
SLOWEST_BYTES_A_SECOND = 16 * 1024


class Attempt:
    """One try at handing over one mail. Every exception becomes an outcome in `run`, and nowhere else."""

    def __init__(
        self, transport: SmtpTransport, mail: Mail, lane: Lane | None = None, begun: Ahead | None = None
    ) -> None:
        self.transport = transport
        self.mail = mail
        self.lane = lane
        self.begun = begun
        self.next: Ahead | None = None  # was begun behind this mail
        self.talk = begun.talk if begun else Talk()
        self.connection: Connection | None = begun.connection if begun else None
        self.started = time.monotonic()

    async def run(self) -> Outcome:
        settings = self.transport.settings
        keep = False
        try:
            with self.transport.deadlines.within(settings.timeout_s) as deadline:
                reply = await self._converse(deadline)
            # Whoever refuses a mail at its dot may have more to say about it, which would be taken for the next one's.
            keep = reply.code != 421 and (self.next is None or reply.good)
            return self._judge(reply)
        except NotSent as refusal:
            keep = True
            return Refused(refusal.text, **self._circumstances(enhanced=refusal.enhanced))
        except CannotOpen as trouble:
            return Unreachable(trouble.text, our_fault=trouble.our_fault, **self._circumstances(trouble.reply))
        except NotSmtp as garbage:
            return Unknown(garbage.shown, final=True, **self._circumstances())
        except Lost as lost:
            return self._gone(str(lost))
        except TimeoutError:
            if self.connection is not None and self.connection.garbage_waits:
                return Unknown(self.connection.unread_text(), final=True, **self._circumstances())
            limit = settings.after_dot_s if self.talk.stage is Stage.AFTER_DOT else settings.timeout_s
            self.talk.note("the time is up")
            return self._gone(f"No answer within {limit:g} seconds")
        except Exception:
            log.exception("an attempt failed in a way that nobody thought of")
            return self._gone("The attempt broke off")
        finally:
            self._let_go(keep)

    async def _converse(self, deadline: Deadline) -> Reply:
        """The transaction, up to the first reply that decides."""
        connection, reply = await self._begin()
        if reply.code != 354:
            return reply
        early = await connection.message(self.mail.content, self._extending(deadline))
        if early is not None:
            return early
        now = asyncio.get_running_loop().time
        dot_at = now()
        deadline.at = dot_at + self.transport.settings.after_dot_s
        self.next, behind = self.transport.next(self.lane, connection) or (None, b"")
        if self.lane is not None:
            self.lane.quick = False
        reply = await connection.final_dot(behind)
        connection.unfinished = False
        if self.lane is not None:
            self.lane.quick = reply.good and now() - dot_at < QUICK_S
        return reply

    def _extending(self, deadline: Deadline) -> Callable[[], None]:
        """A large mail may take longer than the deadline as long as it moves on, and not too slowly on the whole."""
        now = asyncio.get_running_loop().time
        usual = self.transport.settings.timeout_s
        last = now() + usual + len(self.mail.content) / SLOWEST_BYTES_A_SECOND

        def extend() -> None:
            deadline.at = min(last, now() + usual)

        return extend

    async def _begin(self) -> tuple[Connection, Reply]:
        """Leave to send the mail, or a refusal: on a connection that was kept if there is one, else on a new one.

        A kept one may have died meanwhile, and a server may not keep to the PIPELINING that it offers: then again, on
        a new one. Nothing was delivered as long as the mail itself was not sent.
        """
        transport = self.transport
        kept = self.connection or transport.pool.take()
        if kept is not None:
            kept.talk = self.talk
            self.connection = kept
            try:
                reply = await self._on(kept)
            except (Lost, OutOfStep):
                pass
            else:
                if reply.code != 421:  # a provider's way of ending an old connection
                    return kept, reply
        try:
            connection = await self._anew()
            return connection, await transport.ask_leave(connection, self.mail, fresh=True)
        except OutOfStep:
            connection = await self._anew()
            return connection, await transport.ask_leave(connection, self.mail, fresh=True)

    async def _on(self, kept: Connection) -> Reply:
        if self.begun is not None:
            return await self.transport.hear_leave(kept)
        self.talk.note("on an open connection")
        return await self.transport.ask_leave(kept, self.mail, fresh=False)

    async def _anew(self) -> Connection:
        if self.connection is not None:
            self.connection.discard()
            self.connection = None
        self.talk.stage = Stage.CONNECT
        self.connection = await self.transport.open(self.talk)
        return self.connection

    def _judge(self, reply: Reply) -> Outcome:
        facts = self._circumstances(reply)
        if reply.good and self.talk.stage is Stage.AFTER_DOT:
            return Accepted(reply.text, **facts)
        if reply.code in LOGIN_WANTED:
            return Unreachable(reply.text, our_fault=True, **facts)
        if reply.code >= 500:
            return Refused(reply.text, **facts)
        return TryLater(reply.text, **facts)

    def _gone(self, text: str) -> Outcome:
        """No reply came. What that means depends on how far we were."""
        stage = self.talk.stage
        if stage is Stage.AFTER_DOT:
            return Unknown(f"{text} after the whole mail was sent.", final=False, **self._circumstances())
        if stage in (Stage.MAIL, Stage.RCPT, Stage.DATA):
            return TryLater(f"{text}, before the whole mail was sent.", **self._circumstances())
        return Unreachable(f"{text} from {self.transport.address}.", **self._circumstances())

    def _circumstances(self, reply: Reply | None = None, *, enhanced: str | None = None) -> dict[str, Any]:
        return {
            "code": reply.code if reply else None,
            "enhanced": reply.enhanced if reply else enhanced,
            "host": self.transport.address,
            "tls": self.connection.tls if self.connection else None,
            "duration_ms": round((time.monotonic() - self.started) * 1000),
            "stage": self.talk.stage,
            "dialogue": self.talk.kept(),
        }

    def _let_go(self, keep: bool) -> None:
        if self.connection is None:
            return
        if not keep:
            self.connection.discard()
        elif self.next is not None and self.lane is not None:
            self.lane.begun = self.next
        else:
            self.transport.pool.put(self.connection)
