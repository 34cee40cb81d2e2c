"""From a mail that came back to its notification: the row, its history, and the suppression list."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from tests import make
from tests.inbound import reports
from tests.inbound.reports import ANN
from undelivered.delivery.models import DeliveryEvent, Notification, Suppression
from undelivered.delivery.relayed import EVENT
from undelivered.delivery.states import State
from undelivered.inbound import arrivals
from undelivered.inbound.models import Arrival, Door, Made, TrustedNetwork
from undelivered.inbound.reading import read_once
from undelivered.ops.rehearsal import SentBack

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent() -> Notification:
    return make.notification(make.project(), ANN, state=State.SENT, attempts=1, due_at=None, finished_at=timezone.now())


def came(raw: bytes, to: str = "") -> Arrival:
    one = arrivals.mail(Door.SMTP, raw, to=to)
    arrivals.keep([one])
    read_once()
    return Arrival.objects.get(id=one.id)


def blocked() -> list[str]:
    return list(Suppression.objects.values_list("address_key", flat=True))


def test_a_bounce_fails_the_notification_and_blocks_the_address(sent: Notification) -> None:
    arrival = came(reports.report(), reports.path(sent.id))
    assert (arrival.state, arrival.project_id, arrival.notification_id) == (Made.APPLIED, sent.project_id, sent.id)
    sent.refresh_from_db()
    assert (sent.state, sent.cause, sent.smtp_code, sent.enhanced_code) == (State.FAILED, "userunknown", 550, "5.1.1")
    assert "No mailbox by that name" in sent.detail
    line = DeliveryEvent.objects.get(notification_id=sent.id, type="bounced")
    assert line.data["arrival"] == str(arrival.id)
    assert blocked() == [ANN]
    assert arrival.detail.endswith("The address is on the suppression list now.")


def test_the_same_bounce_again_does_nothing(sent: Notification) -> None:
    raw = reports.report()
    came(raw, reports.path(sent.id))
    again = came(b"Received: again\r\n" + raw, reports.path(sent.id))
    assert (again.state, again.detail) == (Made.IGNORED, "The same was said before.")
    assert DeliveryEvent.objects.filter(notification_id=sent.id, type="bounced").count() == 1


def test_a_bounce_from_where_the_recipient_forwards_to_fails_it_and_blocks_nobody(sent: Notification) -> None:
    arrival = came(reports.status(("ann@home.example", "")), reports.path(sent.id))
    assert arrival.state == Made.APPLIED
    sent.refresh_from_db()
    assert (sent.state, sent.cause) == (State.FAILED, "systemerror")
    assert "passes mail on to ann@home.example" in sent.detail
    assert blocked() == []


def test_a_bounce_about_others_changes_nothing(sent: Notification) -> None:
    arrival = came(reports.status(("bob@b.example", ""), ("cy@c.example", "")), reports.path(sent.id))
    assert (arrival.state, arrival.project_id) == (Made.IGNORED, sent.project_id)
    sent.refresh_from_db()
    assert sent.state == State.SENT
    assert blocked() == []


def test_a_delay_and_a_receipt(sent: Notification) -> None:
    delayed = came(reports.report(SentBack.DELAY), reports.path(sent.id))
    assert (delayed.state, "still trying" in delayed.detail) == (Made.APPLIED, True)
    receipt = came(reports.status((ANN, ""), action="delivered", code="2.0.0"), reports.path(sent.id))
    assert receipt.detail == "The notification was delivered."
    sent.refresh_from_db()
    assert sent.state == State.DELIVERED


def test_a_complaint_proves_that_it_arrived_and_blocks_the_address(sent: Notification) -> None:
    arrival = came(reports.report(SentBack.COMPLAINT, headers=reports.header(sent.id)))
    assert "reported the notification as unwanted" in arrival.detail
    sent.refresh_from_db()
    assert (sent.state, sent.cause) == (State.DELIVERED, "feedback")
    assert blocked() == [ANN]


def test_an_unverified_bounce_marks_the_row_and_blocks_nobody(sent: Notification) -> None:
    TrustedNetwork.objects.create(project=sent.project, network="10.0.0.0/8")
    Notification.objects.filter(id=sent.id).update(event=EVENT, message_id="<ticket-1@rt.example>")
    came(reports.report(headers="Message-ID: <ticket-1@rt.example>\r\n"))
    sent.refresh_from_db()
    assert sent.state == State.FAILED
    assert blocked() == []


def test_a_bounce_that_outruns_the_record_is_asked_again(sent: Notification) -> None:
    Notification.objects.filter(id=sent.id).update(state=State.SENDING)
    arrival = came(reports.report(), reports.path(sent.id))
    assert (arrival.state, arrival.tries) == (Made.NEW, 1)
    Notification.objects.filter(id=sent.id).update(state=State.SENT)
    Arrival.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert read_once() == 1
    sent.refresh_from_db()
    assert sent.state == State.FAILED


def test_what_is_no_longer_kept_is_said_to_be_gone(sent: Notification) -> None:
    Notification.objects.filter(id=sent.id).delete()
    arrival = came(reports.report(), reports.path(sent.id))
    assert (arrival.state, arrival.detail) == (Made.IGNORED, "The notification is no longer kept.")
    assert arrival.notification_id == UUID(str(sent.id))
