"""The servers that `door` compares: `python -m benchmarks._door_server door|peer URL FOLDER`. Prints its port.

The peer is aiosmtpd on uvloop, which writes each mail as one row in one transaction, on eight connections. It looks at
nothing and knows no spool: all that it is asked for is that a mail is durable before the answer.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import uvloop
from aiosmtpd.smtp import SMTP
from psycopg_pool import AsyncConnectionPool

INSERT = "INSERT INTO door_peer (sender, recipients, raw) VALUES (%s, %s, %b)"


class Handler:
    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self.pool = pool

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        async with self.pool.connection() as connection:
            await connection.execute(INSERT, [envelope.mail_from, envelope.rcpt_tos, envelope.original_content])
        return "250 2.0.0 Ok"


async def peer(url: str) -> None:
    async with AsyncConnectionPool(url, min_size=8, max_size=8, kwargs={"autocommit": True}, open=False) as pool:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(Handler(pool), enable_SMTPUTF8=True, hostname="door.example", loop=loop), "127.0.0.1", 0
        )
        print(server.sockets[0].getsockname()[1], flush=True)
        stopped = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stopped.set)
        await stopped.wait()


async def door(url: str, folder: Path) -> None:
    import django

    django.setup()
    from undelivered.inbound.door import Plan, serve
    from undelivered.inbound.envelope import Terms

    plan = Plan(url=lambda: url, zone=ZoneInfo("UTC"), spool=folder, terms=Terms("door.example"))
    await serve(plan, "127.0.0.1", 0, signals=(signal.SIGTERM,), ready=lambda port, tls_port: print(port, flush=True))


if __name__ == "__main__":
    which, url, folder = sys.argv[1:4]
    uvloop.run(peer(url) if which == "peer" else door(url, Path(folder)))
