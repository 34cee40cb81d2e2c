"""The door for the events of email services: each service's own signature, the right status codes, nothing lost."""

from __future__ import annotations

import json
import logging
import time
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from tests import make
from tests.inbound import esp_events
from tests.inbound.esp_events import BODIES, SIGN, Signed, signed
from undelivered.database import ids
from undelivered.delivery import hooks, providers, signing
from undelivered.delivery.models import DeliveryEvent, Notification, Provider, Suppression
from undelivered.delivery.signing import Purpose
from undelivered.delivery.transports import esps
from undelivered.desk.actors import UNDELIVERED
from undelivered.inbound import arrivals, reading, sns, webhooks
from undelivered.inbound.models import Arrival, Door, Evidence, Made

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning"),
]
ESPS = sorted(BODIES)
LEFT = {"state": "sent", "attempts": 1}


def provider(esp: str, **options: Any) -> Provider:
    return providers.set_provider(
        options.pop("project", None), esp_events.url(esp), by=UNDELIVERED, password=esp_events.secrets(esp), **options
    )


def notification(**values: Any) -> Notification:
    """One that has left."""
    project = make.project("IT")
    return make.notification(project, esp_events.RECIPIENT, **{**LEFT, **values})


def post(one: Provider, what: Signed, address: str | None = None) -> Any:
    path = (address or hooks.url(one) or "").partition("://")[2]
    path = path[path.index("/") :]
    return Client(enforce_csrf_checks=True).post(
        path, what.body, content_type=what.content_type, headers=dict(what.headers)
    )


def told(esp: str, what: str, row: Notification | None = None, **signing_options: Any) -> tuple[Any, Provider]:
    """A service tells something of a notification: the answer."""
    one = Provider.objects.first() or provider(esp)
    token = signing.token(Purpose.METADATA, row.id if row else UUID(int=7))
    body = BODIES[esp][what](token)
    return post(one, signed(esp, body, hooks.url(one) or "", **signing_options)), one


def read() -> Arrival:
    """The one arrival, once it is read."""
    reading.read_once()
    return Arrival.objects.get()


def test_every_service_whose_events_anymail_reads_is_tried_here() -> None:
    assert {one.name for one in esps.known() if one.events} == set(ESPS)
    for esp, known in BODIES.items():
        assert set(known) >= {"hard", "soft", "opened"}, esp


# --- what follows -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("esp", ESPS)
def test_an_address_that_the_service_calls_dead_fails_the_notification_and_is_suppressed(esp: str) -> None:
    row = notification()
    answer, _ = told(esp, "hard", row)
    assert answer.status_code == 200, answer.content
    arrival = read()
    row.refresh_from_db()
    assert (row.state, row.reason, row.cause) == ("failed", "provider_error", "userunknown")
    assert Suppression.objects.get().address == esp_events.RECIPIENT
    assert (arrival.state, arrival.evidence, arrival.door) == (Made.APPLIED, Evidence.PROVIDER, Door.WEBHOOK)
    assert (arrival.notification_id, arrival.project_id, arrival.recipient) == (row.id, row.project_id, row.recipient)
    event = DeliveryEvent.objects.get(notification_id=row.id, type="bounced")
    assert event.data["arrival"] == str(arrival.id)
    assert event.data["esp"] == esps.find(esp).label
    assert event.at.timestamp() == pytest.approx(esp_events.AT, abs=10)


@pytest.mark.parametrize("esp", ESPS)
def test_an_address_that_may_work_another_time_fails_the_notification_alone(esp: str) -> None:
    row = notification()
    assert told(esp, "soft", row)[0].status_code == 200
    arrival = read()
    row.refresh_from_db()
    assert row.state == "failed", arrival.detail
    assert not Suppression.objects.exists()


STATES = {"delivered": "delivered", "delayed": "sent", "complained": "delivered"}


@pytest.mark.parametrize(("esp", "what"), [(esp, what) for esp in ESPS for what in STATES if what in BODIES[esp]])
def test_what_else_a_service_tells_turns_the_row(esp: str, what: str) -> None:
    row = notification()
    assert told(esp, what, row)[0].status_code == 200
    arrival = read()
    row.refresh_from_db()
    assert (row.state, arrival.state) == (STATES[what], Made.APPLIED), arrival.detail
    assert Suppression.objects.filter(cause="feedback").exists() is (what == "complained")


@pytest.mark.parametrize("esp", [esp for esp in ESPS if "listed" in BODIES[esp]])
def test_a_mail_that_the_service_did_not_even_try_fails_as_suppressed_there(esp: str) -> None:
    row = notification()
    assert told(esp, "listed", row)[0].status_code == 200
    read()
    row.refresh_from_db()
    assert (row.state, row.reason, row.cause) == ("failed", "suppressed", "suppressed")
    assert not Suppression.objects.exists()  # it is on the service's list, not on ours


@pytest.mark.parametrize("esp", ESPS)
def test_opens_and_clicks_are_not_tracked(esp: str) -> None:
    row = notification()
    assert told(esp, "opened", row)[0].status_code == 200
    arrival = read()
    assert (arrival.state, arrival.detail) == (Made.IGNORED, "Opens and clicks are not tracked.")
    assert not DeliveryEvent.objects.filter(notification_id=row.id).exists()


@pytest.mark.parametrize("esp", ESPS)
def test_the_same_event_again_changes_nothing(esp: str) -> None:
    row = notification()
    for _ in range(2):
        assert told(esp, "hard", row)[0].status_code == 200
    reading.read_once()
    assert [one.state for one in Arrival.objects.order_by("id")] == [Made.APPLIED, Made.IGNORED]
    assert Arrival.objects.order_by("id")[1].detail == "The same was said before."
    assert DeliveryEvent.objects.filter(notification_id=row.id, type="bounced").count() == 1


def test_an_event_about_nothing_of_ours_is_kept_and_changes_nothing() -> None:
    one = provider("postmark")
    post(one, signed("postmark", BODIES["postmark"]["hard"]("b" * 45), ""))
    assert read().state == Made.UNMATCHED


def test_an_event_of_a_kind_that_is_not_known_is_kept_with_what_it_is() -> None:
    one = provider("postmark")
    answer = post(one, signed("postmark", {"RecordType": "Moonrise", "MessageID": "1"}, ""))
    assert answer.status_code == 200
    arrival = read()
    assert (arrival.state, arrival.kind) == (Made.IGNORED, "Moonrise")


def test_an_event_about_somebody_else_than_the_notifications_recipient_changes_nothing() -> None:
    row = make.notification(
        make.project("IT"), "bob@northwind.example", state="sent", attempts=1, finished_at=timezone.now()
    )
    told("postmark", "hard", row)
    assert read().state == Made.IGNORED
    row.refresh_from_db()
    assert row.state == "sent"


# --- who may say it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("esp", sorted(SIGN))
def test_a_wrong_signature_is_refused_and_nothing_is_kept(esp: str, caplog: pytest.LogCaptureFixture) -> None:
    answer, one = told(esp, "hard", forged=True)
    assert answer.status_code == 403
    assert not Arrival.objects.exists()
    secret = (hooks.url(one) or "").rstrip("/").rpartition("/")[2]
    assert secret not in caplog.text


@pytest.mark.parametrize("esp", ESPS)
def test_a_wrong_secret_in_the_address_is_refused_whatever_the_signature(esp: str) -> None:
    one = provider(esp)
    right = hooks.url(one) or ""
    for wrong in (
        right[:-2] + "/",
        right.replace(f"/{one.pk}/", "/999999/"),
        right.replace(f"/{one.pk}/", f"/{10**30}/"),
    ):
        answer = post(one, signed(esp, BODIES[esp]["hard"]("x"), right), wrong)
        assert answer.status_code == 403
    assert not Arrival.objects.exists()


def test_a_provider_without_webhooks_has_no_open_address() -> None:
    one = providers.set_provider(None, "smtp://mail.example.com", by=UNDELIVERED)
    assert Client().post(f"/hooks/{one.pk}/x/", b"{}", content_type="application/json").status_code == 403


@pytest.mark.parametrize("esp", ["mailersend", "mandrill", "postal"])
def test_a_service_that_signs_is_not_believed_before_its_key_is_known(esp: str) -> None:
    main = {"mailersend": "api_token"}.get(esp, "api_key")
    one = providers.set_provider(None, esp_events.url(esp), by=UNDELIVERED, password=json.dumps({main: "k"}))
    answer = post(one, signed(esp, BODIES[esp]["hard"]("x"), hooks.url(one) or ""))
    assert answer.status_code == 403
    assert "settings lack" in answer.content.decode()


@pytest.mark.parametrize(
    ("esp", "age"), [("mailgun", 26 * 3600), ("sendgrid", 26 * 3600), ("mailgun", -3600), ("resend", 3600)]
)
def test_an_old_signature_is_refused(esp: str, age: int, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(esp_events.time, "time", lambda: now - age)
        body = signed(esp, BODIES[esp]["hard"]("x"), "")
    assert post(provider(esp), body).status_code == 403
    assert not Arrival.objects.exists()


def test_a_key_that_cannot_be_one_is_refused_when_it_is_entered() -> None:
    for esp, name, key in (
        ("sendgrid", "tracking_webhook_verification_key", "no key"),
        ("resend", "signing_secret", "whsec_\u00fc"),
    ):
        with pytest.raises(ValueError, match="copy it once more"):
            providers.set_provider(
                None, esp_events.url(esp), by=UNDELIVERED, password=json.dumps({"api_key": "k", name: key})
            )


# --- bad input --------------------------------------------------------------------------------------------------------

BAD = [
    b"",
    b"{",
    b"[]" * 2,
    b"null",
    b"7",
    b'"text"',
    b"[7]",
    b'{"a": 1}',
    b"[" * 100_000,
    b"\xff\xfe\x00",
    b'{"RecordType": {"a": []}, "Type": 7, "Email": ["x"], "Metadata": "x", "SuppressSending": 1}',
]


@pytest.mark.parametrize("esp", ESPS)
def test_what_is_no_event_is_refused_and_breaks_nothing(esp: str) -> None:
    one = provider(esp)
    for body in BAD:
        answer = post(one, Signed(body, {"Signature": "x", "X-Postal-Signature": "x", "X-Mandrill-Signature": "x"}))
        assert answer.status_code in (200, 400, 403), body[:50]
    reading.read_once()
    assert not Arrival.objects.filter(state__in=[Made.APPLIED, Made.BROKEN]).exists()


def test_one_event_that_cannot_be_read_does_not_cost_the_others() -> None:
    row = notification()
    good = BODIES["sparkpost"]["hard"](signing.token(Purpose.METADATA, row.id))
    one = provider("sparkpost")
    answer = post(one, signed("sparkpost", [{"msys": {"one": {}, "two": {}}}, *good, 7], ""))
    assert answer.status_code == 200
    reading.read_once()
    assert sorted(a.state for a in Arrival.objects.all()) == [Made.APPLIED, Made.UNMATCHED, Made.UNMATCHED]
    assert "not known of this service" in Arrival.objects.filter(state=Made.UNMATCHED).first().detail


def test_the_same_holds_for_a_form() -> None:
    row = notification()
    good = BODIES["mandrill"]["hard"](signing.token(Purpose.METADATA, row.id))
    one = provider("mandrill")
    answer = post(one, signed("mandrill", [7, *good], hooks.url(one) or ""))
    assert answer.status_code == 200
    reading.read_once()
    assert sorted(a.state for a in Arrival.objects.all()) == [Made.APPLIED, Made.UNMATCHED]


def test_a_body_that_is_too_large_is_refused_before_it_is_read() -> None:
    one = provider("postmark")
    assert post(one, Signed(b'"' + b"x" * webhooks.MOST_BYTES + b'"', {})).status_code == 413


def test_mailguns_older_form_is_read_too() -> None:
    row = notification()
    stamp = str(int(time.time()))
    token = signing.token(Purpose.METADATA, row.id)
    form = {
        "event": "bounced",
        "recipient": row.recipient,
        "code": "550",
        "error": esp_events.UNKNOWN,
        "timestamp": stamp,
        "token": "t" * 50,
        "signature": esp_events._hmac("mg-hush", f"{stamp}{'t' * 50}".encode()),
        "message-headers": json.dumps([["X-Mailgun-Variables", json.dumps({"undelivered_id": token})]]),
    }
    one = provider("mailgun")
    assert Client().post((hooks.url(one) or "").partition("8025")[2], form).status_code == 200
    assert read().state == Made.APPLIED
    row.refresh_from_db()
    assert row.cause == "userunknown"


def test_ten_thousand_events_in_one_request_are_kept_each() -> None:
    one = provider("sendgrid")
    body = [{"event": "open", "email": "a@b.example", "timestamp": 1, "sg_event_id": str(n)} for n in range(10_000)]
    assert post(one, signed("sendgrid", body, "")).status_code == 200
    assert Arrival.objects.count() == 10_000


def test_methods_that_look_whether_anybody_is_there_are_answered_where_the_secret_is_right() -> None:
    path = (hooks.url(provider("mandrill")) or "").partition("8025")[2]
    for method, status in (("head", 200), ("get", 200), ("options", 200), ("put", 405), ("delete", 405)):
        assert getattr(Client(), method)(path).status_code == status
        assert getattr(Client(), method)(path.replace("/hooks/", "/hooks/9")).status_code == 403


# --- when things are away ---------------------------------------------------------------------------------------------


def test_while_the_database_is_away_the_service_is_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("gone")

    one = provider("postmark")
    monkeypatch.setattr(webhooks.connection, "close", lambda: None)
    monkeypatch.setattr(arrivals, "keep", away)
    answer = post(one, signed("postmark", BODIES["postmark"]["hard"]("x"), ""))
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")


def test_so_it_is_where_the_secret_cannot_be_read_any_more(settings: Any) -> None:
    one = provider("postmark")
    address = hooks.url(one)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", []
    assert post(one, signed("postmark", {}, ""), address).status_code == 503


def test_a_projects_events_are_the_projects() -> None:
    project = make.project("HR")
    one = provider("postmark", project=project)
    post(one, signed("postmark", BODIES["postmark"]["opened"]("x"), ""))
    assert Arrival.objects.get().project_id == project.id
    assert ids.created_at(Arrival.objects.get().id) <= timezone.now()


# --- Amazon SNS -------------------------------------------------------------------------------------------------------

CONFIRM = {
    "Type": "SubscriptionConfirmation",
    "MessageId": "1",
    "TopicArn": "arn:aws:sns:eu-west-1:123456789012:events",
    "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=x",
}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    monkeypatch.setattr(sns, "fetch", lambda host, path: found.append((host, path)) or 200)
    return found


def test_a_topics_subscription_is_confirmed(opened: list[tuple[str, str]]) -> None:
    assert post(provider("amazon_ses"), signed("amazon_ses", CONFIRM, "")).status_code == 200
    assert opened == [("sns.eu-west-1.amazonaws.com", "/?Action=ConfirmSubscription&Token=x")]
    assert not Arrival.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"SubscribeURL": "https://evil.example/?Action=ConfirmSubscription"},
        {"SubscribeURL": "https://sns.eu-west-1.amazonaws.com.evil.example/"},
        {"SubscribeURL": "https://sns.eu-west-1.amazonaws.com@evil.example/"},
        {"SubscribeURL": "https://sns.eu-west-1.amazonaws.com:444/"},
        {"SubscribeURL": "http://sns.eu-west-1.amazonaws.com/"},
        {"SubscribeURL": "https://sns.us-east-1.amazonaws.com/"},
        {"SubscribeURL": "http://169.254.169.254/"},
        {"SubscribeURL": 7},
        {"TopicArn": "arn:aws:s3:eu-west-1:123456789012:events"},
    ],
)
def test_no_other_address_is_opened(opened: list[tuple[str, str]], change: dict[str, Any]) -> None:
    assert post(provider("amazon_ses"), signed("amazon_ses", CONFIRM | change, "")).status_code == 400
    assert not opened


def test_where_sns_does_not_answer_it_is_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(host: str, path: str) -> int:
        raise TimeoutError

    monkeypatch.setattr(sns, "fetch", away)
    assert post(provider("amazon_ses"), signed("amazon_ses", CONFIRM, "")).status_code == 503


def test_a_cancelled_subscription_is_noted(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        answer = post(provider("amazon_ses"), signed("amazon_ses", CONFIRM | {"Type": "UnsubscribeConfirmation"}, ""))
    assert answer.status_code == 200
    assert "was cancelled" in caplog.text


def test_the_first_message_after_that_is_no_event() -> None:
    said = {
        "Type": "Notification",
        "MessageId": "2",
        "Message": "Successfully validated SNS topic for Amazon SES event publishing.",
    }
    assert post(provider("amazon_ses"), signed("amazon_ses", said, "")).status_code == 200
    assert not Arrival.objects.exists()
