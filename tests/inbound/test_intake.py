"""Durability: many in one transaction, the disk where PostgreSQL is away, and everything exactly once in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.inbound.test_spool import mail
from undelivered.delivery.relayed import Relayed
from undelivered.inbound.arrivals import NewArrival
from undelivered.inbound.intake import MOST_BYTES, MOST_MAILS, MOST_ROWS, Intake
from undelivered.inbound.outbox import Away, Unfit
from undelivered.inbound.spool import Item, Spool


class FakeStore:
    """A PostgreSQL that does what a test decides; `there` is what it has, by id."""

    def __init__(self) -> None:
        self.there: dict[Any, Relayed] = {}
        self.batches: list[int] = []
        self.away = False
        self.unfit: set[Any] = set()
        self.waits: list[float] = []

    async def store(self, mails: Sequence[Relayed], within: float) -> None:
        self.waits.append(within)
        if self.away:
            raise Away("gone")
        if self.unfit & {one.id for one in mails}:
            raise Unfit("no")
        self.batches.append(len(mails))
        self.there |= {one.id: one for one in mails}


class Scene:
    def __init__(self, folder: Path) -> None:
        self.store = FakeStore()
        self.spool = Spool(folder / "spool", least_free=1)
        self.spool.prepare()
        self.wakes = 0
        self.intake = Intake(self.store, self.store, self.spool, stored=self.wake)

    def wake(self, mails: Sequence[Item]) -> None:
        assert mails
        self.wakes += 1


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(10):
            await work()

    asyncio.run(bounded())


def test_what_waits_goes_into_one_transaction_and_the_workers_are_woken_once(scene: Scene) -> None:
    async def work() -> None:
        answers = [scene.intake.put(mail()) for _ in range(10)]
        await scene.intake.turn()
        assert [answer.result() for answer in answers] == [True] * 10

    run(work)
    assert (scene.store.batches, scene.wakes, scene.spool.waiting()) == ([10], 1, [])


@pytest.mark.parametrize(
    ("mails", "batches"),
    [
        ([mail() for _ in range(MOST_MAILS + 1)], [MOST_MAILS, 1]),
        ([mail(b"x" * (MOST_BYTES // 2)) for _ in range(3)], [2, 1]),
        ([mail(b"x" * (MOST_BYTES + 1)), mail()], [1, 1]),
        ([mail(b"", *(f"c{n}@b.example" for n in range(MOST_ROWS // 2))) for _ in range(3)], [2, 1]),
    ],
)
def test_a_transaction_is_bounded_in_mails_rows_and_bytes(
    scene: Scene, mails: list[Relayed], batches: list[int]
) -> None:
    async def work() -> None:
        for one in mails:
            scene.intake.put(one)
        for _ in batches:
            await scene.intake.turn()

    run(work)
    assert scene.store.batches == batches


def test_what_belongs_together_is_durable_together(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail that goes on to one recipient and came back to another."""
    back = NewArrival("smtp", b"x" * 200)

    async def work() -> None:
        both = scene.intake.put(one := mail(), back)
        await scene.intake.turn()
        assert both.result()
        assert list(scene.store.there) == [one.id, back.id]
        scene.store.away = True
        real = scene.spool.write
        monkeypatch.setattr(scene.spool, "write", lambda mails: real(mails) if back not in mails else no_room())
        half = scene.intake.put(mail(), back)
        await scene.intake.turn()
        assert half.result() is False

    def no_room() -> None:
        raise OSError(28, "No space left on device")

    run(work)


def test_while_postgresql_is_away_mail_is_on_disk_before_it_is_answered(scene: Scene) -> None:
    async def work() -> None:
        scene.store.away = True
        first = scene.intake.put(one := mail())
        await scene.intake.turn()
        assert first.result() is True
        assert [found for _, found in scene.spool.read(scene.spool.waiting())] == [one]
        asked = len(scene.store.waits)
        second = scene.intake.put(mail())
        await scene.intake.turn()
        assert second.result() is True
        assert len(scene.store.waits) == asked, "who is away is not asked again for every mail"

    run(work)
    assert (len(scene.spool.waiting()), scene.wakes) == (2, 0)


def test_when_postgresql_is_back_the_disk_is_drained_and_mail_goes_straight_again(scene: Scene) -> None:
    async def work() -> None:
        scene.store.away = True
        mails = [mail() for _ in range(5)]
        for one in mails:
            scene.intake.put(one)
            await scene.intake.turn()
        assert await scene.intake.drain_once()
        assert scene.intake.away
        scene.store.away = False
        assert not await scene.intake.drain_once()
        assert not scene.intake.away
        assert list(scene.store.there) == [one.id for one in mails]
        scene.intake.put(mail())
        await scene.intake.turn()

    run(work)
    assert (scene.spool.waiting(), scene.store.batches, scene.wakes) == ([], [5, 1], 2)


def test_that_postgresql_is_back_is_found_out_without_anything_on_disk(scene: Scene) -> None:
    async def work() -> None:
        scene.intake.away = True
        await scene.intake.drain_once()
        assert not scene.intake.away

    run(work)


def test_a_crash_after_the_drains_commit_drains_again_and_that_changes_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.spool.write([one := mail()])

    async def work() -> None:
        monkeypatch.setattr(scene.spool, "remove", lambda path: None)
        await scene.intake.drain_once()
        monkeypatch.undo()
        await scene.intake.drain_once()

    run(work)
    assert scene.store.there == {one.id: one}
    assert scene.spool.waiting() == []


def test_what_another_door_left_is_drained_too(scene: Scene) -> None:
    Spool(scene.spool.folder, least_free=1).write([mail(), mail()])
    run(lambda: scene.intake.drain_once())  # type: ignore[arg-type,return-value]
    assert len(scene.store.there) == 2


def test_a_large_spool_is_drained_in_bounded_transactions(scene: Scene) -> None:
    scene.spool.write([mail(b"x" * (MOST_BYTES // 3)) for _ in range(5)])
    run(lambda: scene.intake.drain_once())  # type: ignore[arg-type,return-value]
    assert (sum(scene.store.batches), max(scene.store.batches)) == (5, 2)


def test_a_mail_that_postgresql_refuses_for_itself_stops_no_other_and_is_put_aside(scene: Scene) -> None:
    async def work() -> None:
        mails = [mail() for _ in range(3)]
        scene.store.unfit = {mails[1].id}
        answers = [scene.intake.put(one) for one in mails]
        await scene.intake.turn()
        assert [answer.result() for answer in answers] == [True] * 3
        assert not scene.intake.away
        await scene.intake.drain_once()
        assert list(scene.store.there) == [mails[0].id, mails[2].id]

    run(work)
    assert (scene.spool.waiting(), scene.spool.summary().aside) == ([], 1)


def test_with_neither_postgresql_nor_room_the_client_is_told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(mails: Sequence[Relayed]) -> None:
        raise OSError(28, "No space left on device")

    async def work() -> None:
        scene.store.away = True
        monkeypatch.setattr(scene.spool, "write", no_room)
        answer = scene.intake.put(mail())
        await scene.intake.turn()
        assert answer.result() is False

    run(work)


def test_of_a_batch_that_fits_in_part_the_part_counts(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    real = scene.spool.write

    def little_room(mails: Sequence[Relayed]) -> None:
        if any(len(one.raw) > 100 for one in mails):
            raise OSError(28, "No space left on device")
        real(mails)

    async def work() -> None:
        scene.store.away = True
        monkeypatch.setattr(scene.spool, "write", little_room)
        answers = [scene.intake.put(one) for one in (mail(), mail(b"x" * 200), mail())]
        await scene.intake.turn()
        assert [answer.result() for answer in answers] == [True, False, True]

    run(work)


def test_the_time_that_a_mail_waited_counts(scene: Scene) -> None:
    async def work() -> None:
        scene.intake.patience_s = 1.0
        scene.intake.put(mail())
        await asyncio.sleep(0.3)
        await scene.intake.turn()

    run(work)
    assert 0.25 <= scene.store.waits[0] < 0.75


def test_an_error_that_nobody_thought_of_is_an_answer_too(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(mails: Sequence[Relayed], within: float) -> None:
        raise RuntimeError("nobody thought of this")

    async def work() -> None:
        scene.store.store = broken  # type: ignore[method-assign]
        answer = scene.intake.put(mail())
        await scene.intake.turn()
        assert answer.result() is False

    run(work)
    assert "could not be made durable" in caplog.text
