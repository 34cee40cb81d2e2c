"""Writing: however large the mails are that were claimed, they are not all in memory at once."""

from __future__ import annotations

import asyncio

import pytest

from tests import make
from tests.delivery.worker_at import OK, state_of, types_of
from undelivered.delivery import room, send
from undelivered.delivery.models import DailyUse, Notification
from undelivered.desk.models import Project

pytestmark = pytest.mark.usefixtures("committed")

KB = 1024


@pytest.fixture
def little(monkeypatch):
    """As if the memory were 512 KB: mails of more than 10 KB are large."""
    monkeypatch.setattr(room, "MOST_BYTES", 512 * KB)
    monkeypatch.setattr(room, "GIANT", 128 * KB)
    monkeypatch.setattr(room, "LARGE", 10 * KB)
    monkeypatch.setattr("undelivered.delivery.writing.LARGE", 10 * KB)


@pytest.fixture
def loaded(monkeypatch):
    """The bytes of bodies that each query brought."""
    found = []
    real = send.load_words

    async def note(*arguments):
        words = await real(*arguments)
        found.append(sum(len(one.text) + len(one.html) + len(one.raw or b"") for one in words.values()))
        return words

    monkeypatch.setattr(send, "load_words", note)
    return found


class Slow:
    """Providers that take mails and answer when told."""

    def __init__(self, worker):
        self.worker, self.answer, self.most = worker, asyncio.Event(), 0
        worker.script.usual = self.hang

    async def hang(self):
        self.most = max(self.most, self.worker.worker.hands.in_hand.bytes)
        await self.answer.wait()
        return OK

    def turn(self):
        self.worker.run(self.worker.worker.turn())
        return self.worker.worker.hands.in_hand

    def finish(self):
        async def story():
            self.answer.set()
            while await self.worker.worker.run_once():
                pass

        self.worker.run(story())


def mails(project: Project, n: int, size: int, **content) -> list[Notification]:
    """Each with a content of its own."""
    values = {"text": "x" * size, "html": "", **content}
    return [make.notification(project, content_id=make.content(project, **values).id) for _ in range(n)]


def relayed(project: Project, n: int, size: int) -> list[Notification]:
    raw = b"Subject: Printer\r\nMessage-ID: <1@desk.example>\r\n\r\n"
    return mails(project, n, 0, raw=raw + b"x" * (size - len(raw)))


@pytest.mark.parametrize("some", [mails, relayed])
def test_large_mails_are_loaded_one_by_one_and_no_more_than_fit(worker, project, little, loaded, some):
    slow = Slow(worker)
    rows = some(project, 40, 30 * KB)
    in_hand = slow.turn()
    assert 0 < in_hand.bytes <= 512 * KB
    assert max(loaded) < 31 * KB
    assert Notification.objects.filter(state="sending").count() == in_hand.total < 12
    assert Notification.objects.filter(state="queued", attempts=0, worker=None).count() == 40 - in_hand.total
    slow.finish()
    assert {state_of(row.id)[0] for row in rows} == {"sent"}
    assert {tuple(types_of(row.id)) for row in rows} == {("accepted",)}
    assert max(loaded) < 31 * KB
    assert slow.most <= 512 * KB
    assert DailyUse.objects.get(project=project).used == 40


def test_many_recipients_of_one_large_mail_do_not_fill_the_memory(worker, project, little, loaded):
    slow = Slow(worker)
    content = make.content(project, text="x" * 60 * KB, html="")
    rows = [make.notification(project, f"a{n}@x.example", content_id=content.id) for n in range(30)]
    assert slow.turn().bytes <= 512 * KB
    assert len(loaded) == 2  # once to see how large it is, and once to have it
    slow.finish()
    assert {state_of(row.id)[0] for row in rows} == {"sent"}
    assert slow.most <= 512 * KB


def test_after_a_batch_of_large_mails_only_as_many_are_claimed_as_fit(worker, project, little):
    slow = Slow(worker)
    mails(project, 40, 30 * KB)
    slow.turn()
    assert worker.run(worker.worker.turn()) == 0
    slow.finish()


def test_small_mails_do_not_wait_for_large_ones(worker, project, little):
    slow = Slow(worker)
    mails(project, 40, 30 * KB)
    slow.turn()
    other = make.project("HR")
    make.copies(mails(other, 1, 100)[0], 20)
    mails(other, 5, 20 * KB)
    before = worker.worker.hands.in_hand.total
    assert slow.turn().total >= before + 21 + 1
    slow.finish()
    assert not Notification.objects.exclude(state="sent").exists()


def test_a_mail_larger_than_the_memory_is_sent_too(worker, project, little):
    slow = Slow(worker)
    rows = mails(project, 3, 900 * KB)
    assert slow.turn().total == 1
    slow.finish()
    assert {state_of(row.id)[0] for row in rows} == {"sent"}


def test_what_is_over_the_limit_of_the_site_fails_and_holds_no_other(worker, project, little):
    Project.objects.update(size_limit=15 * KB)
    big, small = mails(project, 1, 20 * KB)[0], mails(project, 1, 100)[0]
    worker.turn()
    assert state_of(big.id)[:2] == ("failed", "template_too_large")
    assert state_of(small.id)[0] == "sent"
    assert worker.worker.hands.in_hand.bytes == 0
