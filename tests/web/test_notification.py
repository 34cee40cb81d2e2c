"""One notification's page: the next step, the history, the mail, and what can be done."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import make
from undelivered.database import ids
from undelivered.delivery import suppression
from undelivered.delivery.models import DeliveryEvent, EventType, Notification
from undelivered.delivery.personal import Personal, mark
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import AuditEntry

pytestmark = pytest.mark.django_db
UNKNOWN_USER = {
    "state": State.FAILED,
    "reason": Reason.PROVIDER_ERROR,
    "cause": "userunknown",
    "smtp_code": 550,
    "enhanced_code": "5.1.1",
    "attempts": 1,
    "due_at": None,
}


@pytest.fixture
def it():
    return make.project("IT")


@pytest.fixture
def admin(client, it):
    person = make.person(admin_of=it)
    client.force_login(person)
    return person


def page(client, row, **query):
    return client.get(reverse("notification", kwargs={"key": "IT", "id": row.id}), query)


def do(client, what, row, **data):
    address = reverse(f"notification-{what}", kwargs={"key": "IT", "id": row.id})
    return client.post(address, data, follow=True)


def happened(row, type, at=None, attempt=0, **data):
    return DeliveryEvent.objects.create(
        notification_id=row.id, event_key=str(uuid4()), at=at or timezone.now(), type=type, attempt=attempt, data=data
    )


# -- who may see it


def test_an_agent_sees_that_and_why_but_neither_the_mail_nor_the_buttons(client, it):
    client.force_login(make.person(agent_of=it))
    row = make.notification(it, **UNKNOWN_USER)
    shown = page(client, row)
    assert "Mailbox does not exist" in shown.text
    assert "Resend" not in shown.text
    assert "The mail as it was sent" not in shown.text
    assert do(client, "resend", row).status_code == 403
    assert client.get(reverse("notification-mail", kwargs={"key": "IT", "id": row.id})).status_code == 403


def test_another_project_s_notification_is_a_404_under_ones_own_key(client, it, admin):
    theirs = make.notification(make.project("HR"), **UNKNOWN_USER)
    assert page(client, theirs).status_code == 404
    assert do(client, "resend", theirs).status_code == 404
    assert do(client, "cancel", theirs).status_code == 404


def test_one_that_is_no_longer_kept_says_how_long_they_are(client, it, admin):
    gone = ids.uuid7_at(timezone.now() - timedelta(days=40))
    answer = client.get(reverse("notification", kwargs={"key": "IT", "id": gone}))
    assert answer.status_code == 404
    assert "They are kept for 21 days." in answer.text


# -- what it shows


def test_the_next_step_is_on_top_of_the_history(client, it, admin):
    row = make.notification(it, **UNKNOWN_USER)
    shown = page(client, row).text
    assert shown.index("Mailbox does not exist") < shown.index("What happened")
    assert "Correct and resend" in shown
    assert "Resend to the same address" in shown


def test_the_history_is_newest_first_with_the_technical_details(client, it, admin):
    row = make.notification(it, **UNKNOWN_USER)
    happened(row, EventType.QUEUED, timezone.now() - timedelta(minutes=2))
    happened(
        row,
        EventType.REFUSED,
        attempt=1,
        reply="550 5.1.1 <ann@northwind.example>: User unknown",
        code=550,
        enhanced="5.1.1",
        host="mx.northwind.example:25",
        tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
        duration_ms=1412,
        stage="rcpt",
        dialogue=["220 mx.northwind.example ESMTP", "→ EHLO desk.example", "(on an open connection)"],
    )
    shown = page(client, row).text
    assert shown.index("Refused</h3>") < shown.index("Queued</h3>")
    for said in (
        "550 5.1.1 &lt;ann@northwind.example&gt;: User unknown",
        "550, permanent",
        "mx.northwind.example:25",
        "TLSv1.3 TLS_AES_256_GCM_SHA384",
        "1,412 ms",
        "naming the recipient (RCPT TO)",
        "<b>EHLO desk.example</b>",
    ):
        assert said in shown


def test_a_bounce_leads_to_what_came_in(client, it, admin):
    row = make.notification(it, **UNKNOWN_USER)
    arrival = str(ids.uuid7())
    happened(row, EventType.BOUNCED, source="smtp", arrival=arrival, evidence="return_path", reply="550 no such user")
    text = page(client, row).text
    assert "Bounced</span>" in text
    assert f"/p/IT/arrivals/{arrival}" in text
    assert "Signed return path" in text
    client.force_login(make.person(agent_of=it))
    assert "Show what came in" not in page(client, row).text


def test_a_complaint_says_that_it_arrived_and_what_that_means(client, it, admin):
    row = make.notification(it, state=State.DELIVERED, cause="feedback", due_at=None)
    happened(row, EventType.COMPLAINED, source="webhook", evidence="provider")
    text = page(client, row).text
    assert text.count("Reported as spam") >= 3
    assert "Send it once more" in text
    suppression.add(it, row.recipient, by=UNDELIVERED, cause="feedback")
    text = page(client, row).text
    assert "Send it once more" not in text
    assert "Show the block" in text
    assert "The recipient reported the mail as spam." in text


def test_the_mail_is_shown_with_its_names_filled_in_and_no_working_links(client, it, admin):
    html = f'<p>Hello {mark(Personal.RECIPIENT_NAME)}</p><a href="{mark(Personal.REQUEST_URL)}">Open</a>'
    content = make.content(it, subject=f"For {mark(Personal.RECIPIENT_NAME)}", html=html, from_name="IT Help")
    row = make.notification(it, content_id=content.id, recipient_name="Ann <b>Keller</b>", **UNKNOWN_USER)
    shown = page(client, row).text
    assert "For Ann &lt;b&gt;Keller&lt;/b&gt;" in shown
    assert "IT Help &lt;help@desk.example&gt;" in shown
    assert 'sandbox=""' in shown
    mail = client.get(reverse("notification-mail", kwargs={"key": "IT", "id": row.id}))
    assert "<p>Hello Ann &lt;b&gt;Keller&lt;/b&gt;</p>" in mail.text
    assert 'href="#"' in mail.text or "portal" not in mail.text
    policy = mail["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy


def test_the_text_part_is_one_click_away(client, it, admin):
    row = make.notification(it, content_id=make.content(it, text="Plain words").id, **UNKNOWN_USER)
    assert "Plain words" in page(client, row, part="text").text


def test_a_template_that_did_not_render_shows_the_error_and_leads_to_the_template(client, it, admin):
    content = make.content(it, error="line 3: unknown filter", html="", text="", subject="")
    row = make.notification(
        it, content_id=content.id, state=State.FAILED, reason=Reason.INTERNAL_ERROR, cause="template", due_at=None
    )
    shown = page(client, row).text
    assert "line 3: unknown filter" in shown
    assert reverse("settings-rule", kwargs={"key": "IT", "event": "request_created"}) in shown


def test_what_the_mail_said_may_be_gone_already(client, it, admin):
    row = make.notification(it, content_id=ids.uuid7(), **UNKNOWN_USER)
    assert "What the mail said is no longer kept." in page(client, row).text


def test_others_to_the_same_address_are_listed(client, it, admin):
    row = make.notification(it, **UNKNOWN_USER)
    other = make.notification(it, name="Request resolved", state=State.DELIVERED)
    shown = page(client, row).text
    assert reverse("notification", kwargs={"key": "IT", "id": other.id}) in shown
    assert "Delivered" in shown


def test_while_it_moves_the_page_looks_again_by_itself_and_then_stops(client, it, admin):
    assert 'hx-trigger="every' in page(client, make.notification(it)).text
    assert 'hx-trigger="every' not in page(client, make.notification(it, **UNKNOWN_USER)).text
    assert 'hx-trigger="every' not in page(client, make.notification(it, attempts=2)).text


def test_a_blocked_address_is_marked(client, it, admin):
    suppression.add(it, "ann@northwind.example", by=UNDELIVERED, cause="userunknown")
    assert "Blocked since" in page(client, make.notification(it, **UNKNOWN_USER)).text


# -- acting


def test_resending_lifts_the_block_sends_and_leads_to_the_new_one(client, it, admin):
    suppression.add(it, "ann@northwind.example", by=UNDELIVERED, cause="userunknown")
    row = make.notification(it, state=State.FAILED, reason=Reason.SUPPRESSED, due_at=None)
    answer = do(client, "resend", row)
    new = Notification.objects.get(resend_of=row.id)
    assert answer.redirect_chain[-1][0] == reverse("notification", kwargs={"key": "IT", "id": new.id})
    assert "is queued again. ann@northwind.example was taken off the suppression list." in answer.text
    assert suppression.find(it, "ann@northwind.example") is None
    assert AuditEntry.objects.filter(action="notification.resent", person=admin).exists()


def test_a_complaint_is_not_lifted_by_resending(client, it, admin):
    suppression.add(it, "ann@northwind.example", by=UNDELIVERED, cause="feedback")
    row = make.notification(it, state=State.FAILED, reason=Reason.SUPPRESSED, due_at=None)
    answer = do(client, "resend", row)
    assert "reported a mail as spam" in answer.text
    assert suppression.find(it, "ann@northwind.example")


def test_a_corrected_address_is_the_customer_s_from_now_on_and_gets_all_that_failed(client, it, admin):
    ann = make.customer("ann@northwind.example", "Ann", of=it)
    first = make.notification(it, customer_id=ann.pk, **UNKNOWN_USER)
    second = make.notification(it, customer_id=ann.pk, name="Request resolved", **UNKNOWN_USER)
    sent = make.notification(it, state=State.SENT, customer_id=ann.pk)
    assert re.search(r"Correct and resend\s+2", page(client, first).text)
    answer = do(client, "correct", first, address="ann@northwind-group.example")
    assert "2 notifications are queued again." in answer.text
    ann.refresh_from_db()
    assert ann.address == "ann@northwind-group.example"
    new = Notification.objects.filter(resend_of__in=[first.id, second.id])
    assert {row.recipient for row in new} == {"ann@northwind-group.example"}
    assert not Notification.objects.filter(resend_of=sent.id).exists()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "Enter an email address."),
        ("ann@northwind.example", "This is the address that failed."),
        ("ann@northwind,example", "comma"),
        ("ann@192.168.0.217", "private"),
        ("ann@b.example\r\nBcc: x@y.example", ""),
    ],
)
def test_a_correction_that_cannot_be_used_is_named_at_the_field(client, it, admin, address, message):
    row = make.notification(it, customer_id=make.customer("ann@northwind.example", of=it).pk, **UNKNOWN_USER)
    answer = do(client, "correct", row, address=address)
    assert answer.status_code == 422
    assert message in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert not Notification.objects.exclude(resend_of=None).exists()


def test_a_waiting_one_can_be_cancelled_and_a_sent_one_cannot(client, it, admin):
    waiting, sent = make.notification(it), make.notification(it, state=State.SENT)
    assert "Nothing is sent." in do(client, "cancel", waiting).text
    assert "It was too late to cancel" in do(client, "cancel", sent).text
    assert Notification.objects.get(id=waiting.id).state == State.CANCELLED
    assert Notification.objects.get(id=sent.id).state == State.SENT


def test_a_held_one_can_be_sent_now(client, it, admin):
    row = make.notification(it, state=State.HELD, due_at=timezone.now() + timedelta(hours=5))
    assert "The notification is queued." in do(client, "release", row).text
    assert Notification.objects.get(id=row.id).state == State.QUEUED


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_page(client, it, admin, state):
    assert page(client, make.notification(it, state=state)).status_code == 200


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_page_with_a_way_on(client, it, admin, reason):
    row = make.notification(it, state=State.FAILED, reason=reason, due_at=None)
    shown = page(client, row).text
    assert reason.label in shown
    assert "esend" in shown


@pytest.mark.parametrize("type", list(EventType))
def test_every_kind_of_event_can_be_shown(client, it, admin, type):
    row = make.notification(it, state=State.SENT)
    happened(row, type, attempt=1, detail="in other words")
    shown = page(client, row).text
    assert f"{type.label}</h3>" in shown
    assert "{" not in shown[shown.index("What happened") : shown.index("</ol>")]


def test_a_mail_that_another_program_wrote_is_shown_and_leads_to_no_rule(client, it, admin):
    head = b"From: a@b.example\r\nSubject: Hi\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    raw = head + "Grüße aus der Werkstatt\r\n".encode()
    content = make.content(it, event="relayed", text="", html="", raw=raw)
    row = make.notification(
        it,
        event="relayed",
        name="Relayed mail",
        content_id=content.id,
        state=State.FAILED,
        reason=Reason.TEMPLATE_TOO_LARGE,
    )
    page = client.get(reverse("notification", kwargs={"key": "IT", "id": row.id})).content.decode()
    assert "Grüße aus der Werkstatt" in page
    assert "settings/rules/relayed" not in page
