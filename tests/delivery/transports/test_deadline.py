"""Deadlines: one timer for all attempts of a provider."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from undelivered.delivery.transports.deadline import LATEST_S, Deadlines


@pytest.fixture
def deadlines() -> Deadlines:
    return Deadlines(0.2)


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(5):
            await work()

    asyncio.run(bounded())


def test_what_is_ready_in_time_is_not_disturbed(deadlines):
    async def work() -> None:
        with deadlines.within(0.02):
            await asyncio.sleep(0)
        await asyncio.sleep(0.06)

    run(work)


def test_what_is_late_ends_with_a_timeout(deadlines):
    async def work() -> None:
        with pytest.raises(TimeoutError), deadlines.within(0.02):
            await asyncio.Event().wait()

    run(work)


def test_each_of_many_has_its_own(deadlines):
    async def late(seconds: float) -> float:
        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError), deadlines.within(seconds):
            await asyncio.Event().wait()
        return asyncio.get_running_loop().time() - began

    async def work() -> None:
        wanted = [0.02, 0.2, 0.05]
        took = await asyncio.gather(*map(late, wanted))
        assert all(real >= seconds for seconds, real in zip(wanted, took, strict=True))
        assert took[1] > took[2] > took[0]

    run(work)


def test_it_may_be_moved(deadlines):
    async def work() -> None:
        with deadlines.within(0.02) as deadline:
            deadline.at += 3600
            await asyncio.sleep(0.06)

    run(work)


def test_who_is_cancelled_from_outside_is_cancelled(deadlines):
    async def work() -> None:
        async def waiting() -> None:
            with deadlines.within(3600):
                await asyncio.Event().wait()

        task = asyncio.create_task(waiting())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work)


def test_who_is_cancelled_from_outside_and_late_is_cancelled(deadlines):
    async def work() -> None:
        async def waiting() -> None:
            with deadlines.within(3600) as deadline:
                open_now.append(deadline)
                await asyncio.Event().wait()

        open_now: list = []
        task = asyncio.create_task(waiting())
        await asyncio.sleep(0)
        open_now[0].pass_by()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work)


def test_a_long_time_is_looked_at_once_a_second():
    assert Deadlines(300).look_every_s == LATEST_S


def test_when_nothing_is_under_way_there_is_no_timer(deadlines):
    async def work() -> None:
        with deadlines.within(0.01):
            pass
        await asyncio.sleep(0.03)
        assert deadlines._timer is None

    run(work)
