"""The loop that reads what comes in: woken at once, never stopped by an error, ended in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from undelivered.delivery import wake
from undelivered.inbound import arrivals, reader
from undelivered.inbound.models import Arrival, Door, Made
from undelivered.inbound.reader import Reader
from undelivered.inbound.reading import Away

NOWHERE = "postgresql:///?host=/nonexistent"


@asynccontextmanager
async def running(one: Reader) -> AsyncIterator[None]:
    task = asyncio.create_task(one.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def turns_of(monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[int]:
    """Has an entry for each turn that the reader has begun."""
    turns: asyncio.Queue[int] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read_once() -> int:
        loop.call_soon_threadsafe(turns.put_nowait, 1)
        return 0

    monkeypatch.setattr(reader, "read_once", read_once)
    return turns


def test_a_turn_reads_everything_that_is_due(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    read_once = reader.read_once
    monkeypatch.setattr(reader, "read_once", lambda: read_once(limit=2))
    arrivals.keep([arrivals.mail(Door.PIPE, b"Subject: Hi\r\n\r\n") for _ in range(5)])

    async def turn() -> int:
        one = Reader(wake.url())
        read = await one.turn()
        await asyncio.to_thread(one._end)
        return read

    assert asyncio.run(turn()) == 5
    assert set(Arrival.objects.values_list("state", flat=True)) == {Made.IGNORED}


def test_it_is_woken_by_what_comes_in(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "POLL_S", 3600)

    async def wakes() -> None:
        turns = turns_of(monkeypatch)
        async with running(Reader(wake.url())), asyncio.timeout(20):
            await turns.get()  # at its start
            await turns.get()  # when somebody listens
            with psycopg.connect(wake.url(), autocommit=True) as door:
                door.execute(f"NOTIFY {arrivals.CHANNEL}")
            await turns.get()

    asyncio.run(wakes())


def test_a_poll_finds_what_nobody_rang_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "POLL_S", 0.01)

    async def polls() -> None:
        turns = turns_of(monkeypatch)
        async with running(Reader(NOWHERE)), asyncio.timeout(20):
            for _ in range(3):
                await turns.get()

    asyncio.run(polls())


@pytest.mark.parametrize("error", [Away("gone"), RuntimeError("a mistake of ours")])
def test_errors_do_not_end_it(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    answers: list[Exception | int] = [error, error, 1, 0]

    def read_once() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(reader, "read_once", read_once)

    async def turns() -> list[int]:
        one = Reader(NOWHERE)
        read = [await one.turn() for _ in range(3)]
        assert not one.away
        await asyncio.to_thread(one._end)
        return read

    assert asyncio.run(turns()) == [0, 0, 1]


def test_at_its_end_the_batch_in_hand_is_finished_and_no_other_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stops() -> int:
        one = Reader(NOWHERE)
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()
        read = 0

        def read_once() -> int:
            nonlocal read
            loop.call_soon_threadsafe(begun.set)
            while not one.stopping:
                pass
            read += 1
            return 1

        monkeypatch.setattr(reader, "read_once", read_once)
        async with running(one):
            await begun.wait()
        return read

    assert asyncio.run(stops()) == 1
