"""Births of notifications: in the transaction of their cause, one row a recipient, and a wake-up after the commit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from tests import make
from undelivered.delivery import failures, wake, written
from undelivered.delivery.enqueue import Addressee, enqueue, not_sent
from undelivered.delivery.models import Content, DailyCountDelta, DeliveryEvent, Kind, Notification, NotSent
from undelivered.delivery.written import Written

pytestmark = pytest.mark.django_db


def born(project, *to: Addressee, **more) -> list[Notification]:
    values = {"kind": Kind.REQUEST, "event": "request_created", "name": "Request created", **more}
    content = values.pop("content", None) or Content(
        project=project, event="request_created", from_address="a@b.example"
    )
    return enqueue(project=project, content=content, to=to, **values)


def test_each_recipient_has_a_row_and_all_share_the_words():
    project, action = make.project(), uuid4()
    request = make.request(project)
    customer = make.customer("Ann@X.example")
    rows = born(
        project,
        Addressee("Ann@X.example", "Ann", customer.pk, {"request.url": "https://there.example"}),
        Addressee("bob@bücher.example"),
        request=request,
        action=action,
    )
    assert [row.id for row in rows] == sorted(row.id for row in rows)
    ann, bob = Notification.objects.order_by("id")
    assert (ann.state, ann.attempts, ann.reason) == ("queued", 0, "")
    assert (ann.recipient, ann.recipient_key, ann.recipient_domain) == ("Ann@X.example", "ann@x.example", "x.example")
    assert bob.recipient_domain == "xn--bcher-kva.example"
    assert (ann.recipient_name, ann.customer, ann.personal) == (
        "Ann",
        customer,
        {"request.url": "https://there.example"},
    )
    assert (ann.request, ann.issue_key, ann.action) == (request, "IT-1", action)
    assert ann.content_id == bob.content_id == Content.objects.get().id


def test_the_history_begins_and_the_counts_grow():
    project = make.project()
    rows = born(project, Addressee("ann@x.example"), Addressee("bob@x.example"))
    assert [event.type for event in failures.events(rows[0].id)] == ["queued"]
    delta = DailyCountDelta.objects.get()
    assert (delta.project_id, delta.kind, delta.state, delta.n) == (project.pk, "request", "queued", 2)


def test_nobody_to_tell_is_nothing_at_all():
    assert born(make.project()) == []
    assert not Content.objects.exists()
    assert not DailyCountDelta.objects.exists()


def test_words_that_are_stored_already_are_not_stored_again():
    project = make.project()
    content = make.content(project)
    born(project, Addressee("ann@x.example"), content=content)
    born(project, Addressee("bob@x.example"), content=content)
    assert Content.objects.count() == 1


def test_addresses_that_cannot_be_are_kept_as_they_are():
    rows = born(make.project(), Addressee("not an address"), Addressee(""))
    assert [row.recipient for row in rows] == ["not an address", ""]


def test_what_failed_leaves_no_notification():
    project = make.project()

    def act():
        with transaction.atomic():
            born(project, Addressee("ann@x.example"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    assert not Notification.objects.exists()
    assert not DeliveryEvent.objects.exists()
    assert not DailyCountDelta.objects.exists()


def test_workers_are_woken_once_it_is_committed_and_not_before(monkeypatch, django_capture_on_commit_callbacks):
    rung = []
    monkeypatch.setattr(wake, "now", lambda: rung.append(True))
    with django_capture_on_commit_callbacks(execute=True):
        born(make.project(), Addressee("ann@x.example"))
        assert rung == []
    assert rung == [True]


def test_many_recipients_take_few_queries(django_assert_max_num_queries):
    project = make.project()
    with django_assert_max_num_queries(8):
        born(project, *(Addressee(f"a{n}@x.example") for n in range(700)))
    assert Notification.objects.count() == 700


def test_decisions_not_to_send_are_kept():
    project = make.project()
    not_sent([NotSent(project=project, event="x", name="Request created", cause="rule_off", issue_key="IT-1")])
    assert NotSent.objects.get().cause == "rule_off"


@pytest.mark.django_db(transaction=True)
def test_mails_of_several_threads_at_once_are_all_stored_and_a_bad_one_stops_no_other():
    project = make.project()

    def send(number: int) -> list[str]:
        text = "\0" if number % 5 == 0 else "Hello"  # PostgreSQL stores no NUL
        mails = [Written(Kind.REQUEST, "Sent", f"c{number}.{n}@x.example", "Hello", text) for n in range(2)]
        try:
            return [row.recipient for row in written.take(project, mails)]
        except DatabaseError:
            return []
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        told = [one for some in threads.map(send, range(20)) for one in some]
    assert len(told) == 32
    assert set(Notification.objects.values_list("recipient", flat=True)) == set(told)
    assert Content.objects.count() == 32
    assert sum(DailyCountDelta.objects.values_list("n", flat=True)) == 32
