"""Resending and taking back while others do the same, or while a worker claims: each mail goes out once."""

from __future__ import annotations

import threading

import psycopg
import pytest
from django.db import connection

from tests import make
from tests.delivery.worker_at import state_of
from undelivered.delivery import wake
from undelivered.delivery.models import Notification, Suppression
from undelivered.delivery.resend import Resent, cancel, resend
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import AuditEntry

pytestmark = pytest.mark.usefixtures("committed")


def at_once(n: int, work) -> list:
    start, found = threading.Barrier(n), []

    def one():
        start.wait()
        try:
            found.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_two_people_who_resend_at_once_send_once(project):
    rows = [make.notification(project, f"a{n}@x.example", state="failed").id for n in range(5)]
    for address in ("a0@x.example", "a1@x.example"):
        Suppression.objects.create(project=project, address=address, address_key=address, cause="userunknown")
    found: list[Resent] = at_once(3, lambda: resend(project, rows, by=UNDELIVERED))
    assert sorted(len(done.new) for done in found) == [0, 0, 5]
    assert Notification.objects.filter(state="queued").count() == 5
    assert not Suppression.objects.exists()
    assert AuditEntry.objects.filter(action="suppression.lifted").count() == 2


def test_two_people_who_cancel_at_once_cancel_once(project):
    rows = [make.notification(project, f"a{n}@x.example").id for n in range(5)]
    assert sum(at_once(3, lambda: cancel(project, rows, by=UNDELIVERED))) == 5
    assert AuditEntry.objects.filter(action="notification.cancelled").count() == 5


def test_a_mail_that_a_worker_is_just_claiming_is_the_workers(project):
    row = make.notification(project)
    with psycopg.connect(wake.url()) as worker:
        worker.execute("UPDATE delivery_notification SET state = 'sending' WHERE id = %s", [row.id])
        assert cancel(project, [row.id], by=UNDELIVERED) == 0  # and does not wait
        worker.commit()
    assert cancel(project, [row.id], by=UNDELIVERED) == 0
    assert state_of(row.id)[0] == "sending"
