"""When mailboxes are looked into, and what is noted of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone

from tests import make
from undelivered.delivery import secrets
from undelivered.inbound.mailbox import Looked, Trouble
from undelivered.inbound.models import Mailbox
from undelivered.inbound.poller import LONGEST_PAUSE, Poller, next_look

NOW = timezone.now()


@pytest.fixture
def box(committed) -> Mailbox:
    url = "imaps://support@imap.example.com?every=60"
    return Mailbox.objects.create(project=make.project(), url=url, secret=secrets.encrypt("s3cret"))


class Script:
    """What looks lead to, one after the other."""

    def __init__(self, *answers: Looked | Exception | None) -> None:
        self.answers = list(answers)
        self.secrets: list[str] = []

    def __call__(self, mailbox, settings, secret):
        self.secrets.append(secret)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def polled(*answers, now=None) -> Script:
    script = Script(*answers)
    asyncio.run(Poller(script).poll_once(now))
    return script


def test_a_new_mailbox_is_due_and_then_rests_for_its_interval(box):
    assert polled(Looked(1)).secrets == ["s3cret"]
    box.refresh_from_db()
    assert box.checked_at is not None
    assert next_look(box) == box.checked_at + timedelta(seconds=60)
    assert polled(now=timezone.now()).secrets == []


def test_one_that_has_more_is_due_at_once(box):
    polled(Looked(1000, more=True))
    assert polled(Looked()).secrets == ["s3cret"]


@pytest.mark.parametrize("error", [Trouble("It refuses."), RuntimeError("a bug"), ValueError("no URL")])
def test_a_look_that_fails_is_noted_and_tried_again(box, error):
    polled(error)
    box.refresh_from_db()
    assert str(error) in box.error
    assert box.failing_since == box.checked_at
    since = box.failing_since
    polled(error, now=timezone.now() + timedelta(hours=1))
    box.refresh_from_db()
    assert box.failing_since == since
    polled(Looked(), now=timezone.now() + timedelta(hours=1))
    box.refresh_from_db()
    assert (box.error, box.failing_since) == ("", None)


def test_the_longer_it_fails_the_seldomer_it_is_asked():
    def pause(failing: timedelta) -> timedelta:
        url = "imaps://a@b.example?every=60"
        box = Mailbox(url=url, checked_at=NOW, failing_since=NOW - failing)
        return next_look(box) - NOW

    assert pause(timedelta(0)) == timedelta(seconds=60)
    assert pause(timedelta(minutes=4)) == timedelta(minutes=4)
    assert pause(timedelta(days=4)) == LONGEST_PAUSE


def test_one_that_fails_does_not_hold_up_the_others(box):
    Mailbox.objects.create(url="imaps://b@imap.example.com", secret=secrets.encrypt("other"))
    assert len(polled(Trouble("no"), Looked()).secrets) == 2
    assert Mailbox.objects.filter(failing_since=None, checked_at__isnull=False).count() == 1


def test_what_another_worker_looks_into_is_left_to_it(box):
    polled(None)
    box.refresh_from_db()
    assert box.checked_at is None


def test_a_mailbox_that_was_changed_meanwhile_keeps_nothing_of_the_old_ones_trouble(box):
    class Changed(Script):
        def __call__(self, mailbox, settings, secret):
            Mailbox.objects.update(changed_at=timezone.now())
            return super().__call__(mailbox, settings, secret)

    asyncio.run(Poller(Changed(Trouble("old"))).poll_once())
    box.refresh_from_db()
    assert (box.error, box.checked_at) == ("", None)


def test_a_password_under_another_key_is_said(box):
    Mailbox.objects.update(secret="gAAAAnonsense")
    assert polled().secrets == []
    box.refresh_from_db()
    assert "Enter it again" in box.error
