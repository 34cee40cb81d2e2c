"""From MAIL up to leave to send the mail: in one go where the server offers PIPELINING (RFC 2920)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from undelivered.delivery.outcomes import Stage
from undelivered.delivery.transports.connection import Connection
from undelivered.delivery.transports.envelope import Mail, commands
from undelivered.delivery.transports.replies import NotSmtp, Reply
from undelivered.delivery.transports.wire import Lost

CATCH_UP_S = 5.0
"""For so long the rest of a group's replies is waited for, once the mail's fate is known."""
STEPS = (Stage.MAIL, Stage.RCPT, Stage.DATA)

_BLAMES_PIPELINING = re.compile(r"pipelin|synchroni[sz]", re.IGNORECASE)
_OUT_OF_ORDER = frozenset((500, 502, 503))  # not understood, not known, not in this order: RFC 5321, 4.2.2


class OutOfStep(Exception):
    """The server offers PIPELINING and does not keep to it. Surely nothing was delivered."""


async def ask_leave(connection: Connection, mail: Mail, *, in_one_go: bool, doubt_s: float | None) -> Reply:
    """354, or the refusal that decides. Raises NotSent, Lost, NotSmtp, and in one go OutOfStep.

    `doubt_s`: the server has not shown yet that it keeps to PIPELINING; after so long a silence, it does not.
    """
    named = commands(connection, mail)
    connection.mails += 1
    if not in_one_go:
        return await _step_by_step(connection, (*named, b"DATA"))
    try:
        return await _in_one_go(connection, (*named, b"DATA"), doubt_s)
    except (Lost, TimeoutError) as error:
        if doubt_s is None or connection.garbage_waits:
            raise
        raise OutOfStep from error


async def _step_by_step(connection: Connection, steps: Sequence[bytes]) -> Reply:
    if connection.unfinished:
        _reset(await connection.command(Stage.MAIL, b"RSET"))
    for stage, command in zip(STEPS, steps, strict=True):
        reply = await connection.command(stage, command)
        if stage is Stage.MAIL:
            connection.unfinished = reply.good
        if not reply.good:
            return reply
    return reply


async def _in_one_go(connection: Connection, steps: Sequence[bytes], doubt_s: float | None) -> Reply:
    if connection.unfinished:
        connection.say(Stage.MAIL, b"RSET", *steps)
        _reset(await connection.hear(Stage.MAIL))
    else:
        connection.say(Stage.MAIL, *steps)
    return await _hear(connection, doubt_s)


async def hear_leave(connection: Connection) -> Reply:
    """As `ask_leave`, where it was asked behind the dot of the mail before. Raises Lost, NotSmtp, OutOfStep."""
    connection.mails += 1
    reply = await _hear(connection, None)
    if connection.talk.stage is Stage.MAIL and reply.code in _OUT_OF_ORDER:  # it is not where we are
        raise OutOfStep
    return reply


async def _hear(connection: Connection, doubt_s: float | None) -> Reply:
    """The three replies of a group, as far as they decide."""
    connection.unfinished = True
    for stage in STEPS:
        if doubt_s is None:
            reply = await connection.hear(stage)
        else:
            async with asyncio.timeout(doubt_s):
                reply = await connection.hear(stage)
        if _out_of_step(stage, reply):
            raise OutOfStep
        if not reply.good:
            break
    if reply.code == 421:
        connection.discard()
    elif stage is not Stage.DATA:
        await _catch_up(connection, STEPS[STEPS.index(stage) + 1 :], after=stage)
    elif connection.speaks:
        raise OutOfStep
    return reply


def _out_of_step(stage: Stage, reply: Reply) -> bool:
    if stage is Stage.DATA:
        return reply.good or reply.code == 503 or bool(_BLAMES_PIPELINING.search(reply.text) and reply.code != 354)
    if reply.good:
        return False
    return (
        reply.code == 354
        or (stage is Stage.RCPT and reply.code in _OUT_OF_ORDER)
        or bool(_BLAMES_PIPELINING.search(reply.text))
    )


async def _catch_up(connection: Connection, stages: Sequence[Stage], *, after: Stage) -> None:
    """Hears the rest of the replies, so that the connection is of use again. Whatever they say, the refusal stands."""
    try:
        async with asyncio.timeout(CATCH_UP_S):
            for stage in stages:
                reply = await connection.hear(stage)
                if reply.code == 354 and after is Stage.RCPT:
                    # RFC 2920, 3.1: DATA may be granted although nobody is left to send to; a lone dot ends it.
                    await connection.command(stage, b".")
                elif reply.good or reply.code == 354:
                    connection.discard()
    except (Lost, NotSmtp, TimeoutError):
        connection.discard()
    connection.talk.stage = after


def _reset(reply: Reply) -> None:
    if not reply.good:
        raise Lost("The provider did not reset the connection")
