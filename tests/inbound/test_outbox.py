"""The door's connections to PostgreSQL: none stays open behind a door that was closed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg import AsyncConnection

from undelivered.delivery import wake
from undelivered.inbound.outbox import Outbox

pytestmark = pytest.mark.usefixtures("committed")


def test_what_was_under_way_at_the_end_does_not_keep_its_connection() -> None:
    async def run() -> bool:
        outbox, begun = Outbox(wake.url, ZoneInfo("UTC")), asyncio.Event()
        used: list[AsyncConnection[Any]] = []

        async def work(connection: AsyncConnection[Any]) -> None:
            used.append(connection)
            begun.set()
            for _ in range(3):  # as a driver that waits for the server's answer to the cancelling
                with suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()

        task = asyncio.ensure_future(outbox._do(work, 60))
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await outbox.close()
        return used[0].closed

    assert asyncio.run(run())
