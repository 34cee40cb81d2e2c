"""What a mail that came back says, about which notification, and what tells so."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from tests.inbound import reports
from tests.inbound.reports import ANN, BOUNCES
from undelivered.bounces import Kind
from undelivered.delivery import return_path
from undelivered.delivery.feedback import Feedback, Said
from undelivered.delivery.relayed import EVENT
from undelivered.desk.models import Project
from undelivered.inbound import returned
from undelivered.inbound.findings import Finding, Reading
from undelivered.inbound.models import Arrival, Door, Evidence, TrustedNetwork
from undelivered.ops.rehearsal import SentBack

SAMPLES = sorted((Path(__file__).parents[1] / "bounces" / "samples").glob("*.eml"))
ID = uuid4()


def read(raw: bytes, to: str = "", project_id: int | None = None) -> Reading:
    return returned.read_mail(Arrival(door=Door.SMTP, raw=raw, about={"to": to} if to else {}, project_id=project_id))


def only(reading: Reading) -> Finding:
    [finding] = reading.findings
    return finding


def said(reading: Reading) -> Feedback:
    feedback = only(reading).feedback
    assert feedback is not None
    return feedback


# --- what names the notification --------------------------------------------------------------------------------------


def test_the_return_path_that_it_came_to() -> None:
    found = read(reports.report(), reports.path(ID))
    feedback = said(found)
    assert (feedback.notification_id, only(found).evidence, feedback.verified) == (ID, Evidence.RETURN_PATH, True)
    assert (feedback.said, feedback.cause, feedback.recipient) == (Said.BOUNCED, "userunknown", ANN)
    assert (feedback.code, feedback.enhanced) == (550, "5.1.1")
    assert "No mailbox by that name" in feedback.detail
    assert feedback.data["source"] == "smtp"
    assert feedback.data["reporting_mta"] == "mx.northwind.example"
    assert (found.kind, found.recipient, found.cause) == (Kind.FAILURE, ANN, "userunknown")


def test_the_return_path_in_the_headers_where_the_door_does_not_know_the_envelope() -> None:
    found = read(reports.report(sender=reports.path(ID)))
    assert (said(found).notification_id, only(found).evidence) == (ID, Evidence.RETURN_PATH)


def test_the_signed_header_of_the_mail_that_is_quoted() -> None:
    found = read(reports.report(headers=reports.header(ID)))
    assert (said(found).notification_id, only(found).evidence, said(found).verified) == (ID, Evidence.HEADER, True)


def test_the_signed_message_id_of_the_mail_that_is_quoted() -> None:
    found = read(reports.report(headers=reports.message_id(ID)))
    assert (said(found).notification_id, only(found).evidence, said(found).verified) == (ID, Evidence.MESSAGE_ID, True)


def test_the_best_evidence_counts_where_they_differ() -> None:
    other, third = uuid4(), uuid4()
    headers = reports.header(other) + reports.message_id(third)
    assert said(read(reports.report(headers=headers), reports.path(ID))).notification_id == ID
    assert said(read(reports.report(headers=headers))).notification_id == other


def test_a_mark_that_stands_anywhere_counts_if_there_is_one_only() -> None:
    head = b"From: MAILER-DAEMON@mx.example\r\nSubject: Undeliverable: Laptop\r\n\r\n"
    text = head + b"<ann@northwind.example>: 550 5.1.1 no such user\r\n\r\n   your mail:\r\n%s"
    one = text % reports.header(ID).encode()
    assert said(read(one)).notification_id == ID
    assert only(read(one + reports.header(uuid4()).encode())).unmatched
    paths = text % f"MAIL FROM:<{reports.path(ID)}>\r\n".encode()
    assert only(read(paths)).evidence == Evidence.RETURN_PATH


@pytest.mark.django_db
@pytest.mark.parametrize(
    "headers",
    [
        "",
        "X-Undelivered-Id: nonsense\r\n",
        reports.header(ID).replace("-Id: ", "-Id: x"),
        reports.message_id(ID).replace("<", "<a"),
        reports.header(ID).replace("X-Undelivered-Id: ", "Message-ID: <").replace("\r\n", "@desk.example>\r\n"),
    ],
)
def test_what_is_forged_or_altered_names_nothing(headers: str) -> None:
    found = only(read(reports.report(headers=headers), "b-aaaa@" + BOUNCES))
    assert (found.unmatched, found.feedback, found.why) == (True, None, returned.NAMES_NOTHING)


def test_a_mark_of_another_purpose_does_not_count() -> None:
    swapped = f"X-Undelivered-Id: {reports.path(ID).partition('@')[0].removeprefix('b-')}\r\n"
    assert returned.signed(returned.bounces.read(raw := reports.report(headers=swapped)), raw) is None


# --- the plain Message-ID ---------------------------------------------------------------------------------------------


@pytest.fixture
def relaying(db: None) -> Project:
    project = make.project()
    TrustedNetwork.objects.create(project=project, network="10.0.0.0/8")
    return project


PLAIN = "Message-ID: <ticket-1@rt.example>\r\n"


def test_a_plain_message_id_of_a_relayed_mail_to_that_recipient_is_unverified(relaying: Project) -> None:
    row = make.notification(relaying, ANN, event=EVENT, message_id="<ticket-1@rt.example>")
    make.notification(relaying, "bob@northwind.example", event=EVENT, message_id="<ticket-1@rt.example>")
    found = read(reports.report(headers=PLAIN, to="Ann@Northwind.example"))
    assert (said(found).notification_id, said(found).verified) == (row.id, False)
    assert only(found).evidence == Evidence.PLAIN_MESSAGE_ID
    assert said(found).recipient == "Ann@Northwind.example"
    assert only(found).otherwise is None


def test_a_plain_message_id_alone_is_nothing_without_the_recipient(relaying: Project) -> None:
    make.notification(relaying, "bob@northwind.example", event=EVENT, message_id="<ticket-1@rt.example>")
    assert only(read(reports.report(headers=PLAIN))).unmatched


def test_a_plain_message_id_is_looked_for_in_the_project_of_the_mailbox_alone(relaying: Project) -> None:
    row = make.notification(relaying, ANN, event=EVENT, message_id="<ticket-1@rt.example>")
    raw = reports.report(headers=PLAIN)
    assert said(read(raw, project_id=relaying.pk)).notification_id == row.id
    assert only(read(raw, project_id=make.project("HR").pk)).unmatched


def test_who_knows_the_secret_address_of_the_feedback_loop_needs_no_other_proof(relaying: Project) -> None:
    make.notification(relaying, ANN, event=EVENT, message_id="<ticket-1@rt.example>")
    raw = reports.report(SentBack.COMPLAINT, headers=PLAIN)
    assert not said(read(raw, project_id=relaying.pk)).verified
    assert said(read(raw, return_path.feedback_loop(relaying.pk, BOUNCES), relaying.pk)).verified


# --- what is said -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "expected", "cause"),
    [
        (reports.report(SentBack.BOUNCE), Said.BOUNCED, "userunknown"),
        (reports.report(SentBack.FULL), Said.BOUNCED, "mailboxfull"),
        (reports.report(SentBack.DELAY), Said.DELAYED, "expired"),
        (reports.report(SentBack.COMPLAINT), Said.COMPLAINED, ""),
        (reports.status((ANN, ""), action="delivered", code="2.1.5", diagnostic="250 Ok"), Said.DELIVERED, ""),
        (reports.status((ANN, ""), action="relayed", code="2.0.0", diagnostic="250 Ok"), Said.DELIVERED, ""),
        (reports.status((ANN, ""), action="expanded", code="2.0.0", diagnostic="250 Ok"), Said.DELIVERED, ""),
        (reports.status((ANN, ""), code="4.4.7", diagnostic="451 4.4.1 timed out"), Said.BOUNCED, "expired"),
    ],
)
def test_each_kind_of_report(raw: bytes, expected: Said, cause: str) -> None:
    feedback = said(read(raw, reports.path(ID)))
    assert (feedback.said, feedback.cause) == (expected, cause)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("vacation.eml", Kind.AUTO_REPLY),
        ("challenge.eml", Kind.CHALLENGE),
        ("arf-auth-failure.eml", Kind.AUTH_REPORT),
        ("ticket-about-a-bounce.eml", Kind.OTHER),
    ],
)
def test_what_is_no_report_on_a_mail_leads_to_nothing_and_says_why(name: str, kind: Kind) -> None:
    [raw] = [path.read_bytes() for path in SAMPLES if path.name == name]
    found = only(read(raw, reports.path(ID)))
    assert (found.feedback, found.unmatched, found.why) == (None, False, returned.NOTHING_FOLLOWS[kind])
    assert found.about == ID


def test_that_a_mail_is_no_spam_is_no_complaint() -> None:
    raw = reports.report(SentBack.COMPLAINT).replace(b"Feedback-Type: abuse", b"Feedback-Type: not-spam")
    found = only(read(raw, reports.path(ID)))
    assert found.feedback is None
    assert "not-spam" in found.why


def test_a_complaint_names_nobody_where_what_is_signed_does() -> None:
    raw = reports.report(SentBack.COMPLAINT, to="redacted@northwind.example")
    assert said(read(raw, reports.path(ID))).recipient == ""


def test_a_receipt_for_having_been_read_says_that_it_arrived() -> None:
    raw = (
        b"From: ann@northwind.example\r\nSubject: Read: Laptop\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nIt was read.\r\n"
        b"--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
        b"Final-Recipient: rfc822;ann@northwind.example\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n"
        b"--b--\r\n"
    )
    assert said(read(raw, reports.path(ID))).said is Said.DELIVERED


def test_our_own_mail_that_finds_its_way_back_is_no_report() -> None:
    raw = reports.sent(reports.header(ID))
    found = only(read(raw.replace(b"Hello", b"550 5.1.1 <ann@northwind.example>: User unknown"), reports.path(ID)))
    assert (found.feedback, found.why) == (None, returned.OWN_MAIL)


# --- whom it is about -------------------------------------------------------------------------------------------------


def test_the_recipient_as_the_sender_wrote_it_counts() -> None:
    feedback = said(read(reports.status(("ann.keller@internal.example", ANN)), reports.path(ID)))
    assert feedback.recipient == ANN


def test_a_report_about_one_other_address_means_that_the_recipient_forwards() -> None:
    found = only(read(reports.status(("ann@home.example", "")), reports.path(ID)))
    assert found.feedback
    assert found.otherwise
    assert found.feedback.recipient == "ann@home.example"
    assert (found.otherwise.recipient, found.otherwise.said) == ("", Said.BOUNCED)
    assert found.otherwise.cause == "systemerror", "it says nothing about the recipient's own mailbox"
    assert "passes mail on to ann@home.example" in found.otherwise.detail
    assert found.otherwise.data["forwarded_to"] == "ann@home.example"
    assert found.otherwise.key != found.feedback.key


def test_a_cause_that_is_not_the_mailbox_s_stays_when_it_was_forwarded() -> None:
    raw = reports.status(("ann@home.example", ""), code="5.7.1", diagnostic="554 5.7.1 Message rejected as spam")
    otherwise = only(read(raw, reports.path(ID))).otherwise
    assert otherwise
    assert otherwise.cause == "spamdetected"


def test_a_report_about_several_others_is_about_others() -> None:
    found = read(reports.status(("bob@home.example", ""), ("cy@home.example", "")), reports.path(ID))
    assert [one.feedback and one.feedback.recipient for one in found.findings] == [
        "bob@home.example",
        "cy@home.example",
    ]
    assert not any(one.otherwise for one in found.findings)


def test_other_evidence_than_the_return_path_shows_no_forward() -> None:
    found = only(read(reports.status(("ann@home.example", ""), headers=reports.header(ID))))
    assert found.otherwise is None


# --- the same twice ---------------------------------------------------------------------------------------------------


def test_the_same_report_has_the_same_key_whichever_way_it_came() -> None:
    raw = reports.status((ANN, ""))
    again = b"Received: from relay.example; Mon, 1 Jan 2024 10:00:00 +0000\r\n" + raw
    assert said(read(raw, reports.path(ID))).key == said(read(again, reports.path(ID))).key
    without = raw.replace(b"Message-ID: <report-1@mx.example>\r\n", b"")
    assert said(read(without, reports.path(ID))).key == said(read(b"X-A: b\r\n" + without, reports.path(ID))).key


def test_different_things_said_have_different_keys() -> None:
    keys = {
        said(read(raw, reports.path(ID))).key
        for raw in (
            reports.status((ANN, "")),
            reports.status((ANN, ""), action="delayed"),
            reports.status(("bob@northwind.example", "")),
            reports.status((ANN, "")).replace(b"report-1", b"report-2"),
        )
    }
    assert len(keys) == 4


# --- whatever comes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_every_known_form_is_read_and_names_its_notification(sample: Path) -> None:
    found = read(sample.read_bytes(), reports.path(ID))
    for finding in found.findings:
        assert finding.feedback is None or finding.feedback.notification_id == ID
        assert finding.feedback is not None or finding.why
        assert (finding.feedback.notification_id if finding.feedback else finding.about) == ID
    assert 1 <= len(found.findings) <= returned.MOST_RESULTS


@given(st.binary(max_size=3000))
def test_nothing_that_comes_breaks_the_reader(raw: bytes) -> None:
    found = read(raw, reports.path(ID))
    assert found.findings


@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_damaged_report_is_read_as_far_as_it_goes(at: int, byte: int) -> None:
    raw = bytearray(reports.status((ANN, ""), headers=reports.header(ID)))
    raw[at % len(raw)] = byte
    for damaged in (bytes(raw), bytes(raw[: at % len(raw)])):
        found = read(damaged, reports.path(ID))
        assert all(UUID(int=ID.int) in {f.about, f.feedback and f.feedback.notification_id} for f in found.findings)
