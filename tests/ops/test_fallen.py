"""Killed workers of this machine give back at once what they had in hand; living ones keep it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import timedelta

import psutil
import pytest
from django.conf import settings
from django.utils import timezone

from tests import make
from undelivered.delivery.models import Notification, Worker
from undelivered.delivery.states import State
from undelivered.ops import fallen

pytestmark = pytest.mark.django_db(transaction=True)


def in_hand_of(pid: int, *, host: str = "", started_ago_s: float = 0) -> Notification:
    """A mail that a worker with this process id is sending."""
    started = timezone.now() - timedelta(seconds=started_ago_s)
    worker = Worker.objects.create(host=host or socket.gethostname(), pid=pid, started_at=started)
    return make.notification(make.project(f"P{worker.pk}"), state=State.SENDING, worker=worker.pk, attempts=1)


def a_pid_of_nobody() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_mail_of_a_killed_worker_is_due_again_and_the_worker_is_forgotten():
    mail = in_hand_of(a_pid_of_nobody())
    assert fallen.give_back(settings.ENV) == 1
    mail.refresh_from_db()
    assert (mail.state, mail.worker) == (State.QUEUED, None)
    assert not Worker.objects.exists()


def test_a_process_that_ended_and_was_not_asked_for_is_gone():
    ended = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert ended.stdout is not None
    ended.stdout.read()
    while psutil.Process(ended.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    in_hand_of(ended.pid)
    assert fallen.give_back(settings.ENV) == 1
    ended.wait()
    ended.stdout.close()


def test_mail_of_a_living_worker_stays_with_it():
    mail = in_hand_of(os.getpid())
    assert fallen.give_back(settings.ENV) == 0
    mail.refresh_from_db()
    assert mail.state == State.SENDING
    assert Worker.objects.count() == 1


def test_a_number_that_belongs_to_a_younger_process_is_nobodys():
    in_hand_of(os.getpid(), started_ago_s=7 * 24 * 3600)
    assert fallen.give_back(settings.ENV) == 1


def test_what_runs_on_another_machine_is_not_judged():
    in_hand_of(a_pid_of_nobody(), host="elsewhere.example")
    assert fallen.give_back(settings.ENV) == 0
    assert Worker.objects.count() == 1
