"""The mails a receiving system sends back: delivery status notifications, spam complaints, absence notes.

Put together byte by byte, so that the returned mail is quoted exactly as it came (RFC 3464, RFC 5965, RFC 3834;
RFC 6533 for addresses outside ASCII).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime

from undelivered.ops.rehearsal.answers import SentBack


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail that the server accepted, for one of its recipients."""

    envelope_from: str
    """Empty for the null sender of bounces."""
    recipient: str
    content: bytes
    received_at: datetime

    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)


@dataclass(frozen=True, slots=True)
class _Failure:
    action: str
    status: str
    diagnostic: str
    subject: str
    text: str


_FAILURES = {
    SentBack.BOUNCE: _Failure(
        "failed",
        "5.1.1",
        "550 5.1.1 <{recipient}>: No mailbox by that name is known here",
        "Your message could not be delivered",
        "Your message to {recipient} was not delivered: there is no mailbox by that name.",
    ),
    SentBack.FULL: _Failure(
        "failed",
        "5.2.2",
        "552 5.2.2 <{recipient}>: Mailbox is full, quota exceeded",
        "Your message could not be delivered",
        "Your message to {recipient} was not delivered: the mailbox is full.",
    ),
    SentBack.DELAY: _Failure(
        "delayed",
        "4.4.1",
        "451 4.4.1 The next mail server does not answer",
        "Your message is delayed",
        "Your message to {recipient} is not delivered yet. There is nothing to do: we keep trying.",
    ),
}


def compose(kind: SentBack, mail: ReceivedMail) -> bytes:
    """The mail of this kind about `mail`, ready to be sent to its envelope sender from the null sender."""
    return _COMPOSERS[kind](kind, mail)


def _status_notification(kind: SentBack, mail: ReceivedMail) -> bytes:
    failure = _FAILURES[kind]
    global_form = not mail.recipient.isascii()  # RFC 6533
    address_type = "utf-8" if global_form else "rfc822"
    fields = [
        f"Reporting-MTA: dns; {_host(mail)}",
        f"Arrival-Date: {format_datetime(mail.received_at)}",
        "",
        f"Original-Recipient: {address_type}; {mail.recipient}",
        f"Final-Recipient: {address_type}; {mail.recipient}",
        f"Action: {failure.action}",
        f"Status: {failure.status}",
        f"Diagnostic-Code: smtp; {failure.diagnostic.format(recipient=mail.recipient)}",
        f"Last-Attempt-Date: {format_datetime(datetime.now(UTC))}",
    ]
    if failure.action == "delayed":
        fields.append(f"Will-Retry-Until: {format_datetime(mail.received_at + timedelta(days=5))}")
    text = failure.text.format(recipient=mail.recipient) + "\n\nThe technical details are attached.\n"
    headers, _, _ = mail.content.partition(b"\r\n\r\n")
    prefix = "global" if global_form else ""
    return _report(
        mail,
        "delivery-status",
        sender=f"Mail Delivery System <MAILER-DAEMON@{_host(mail)}>",
        subject=failure.subject,
        parts=[
            ("text/plain; charset=utf-8", text.encode()),
            ("message/global-delivery-status" if prefix else "message/delivery-status", "\n".join(fields).encode()),
            ("message/global-headers" if prefix else "text/rfc822-headers", headers),
        ],
    )


def _complaint(kind: SentBack, mail: ReceivedMail) -> bytes:
    fields = [
        "Feedback-Type: abuse",
        "User-Agent: Rehearsal/1",
        "Version: 1",
        f"Original-Mail-From: <{mail.envelope_from}>",
        f"Original-Rcpt-To: <{mail.recipient}>",
        f"Arrival-Date: {format_datetime(mail.received_at)}",
        f"Reporting-MTA: dns; {_host(mail)}",
        "Source-IP: 127.0.0.1",
    ]
    text = f"A recipient at {_domain(mail)} marked the attached message as unwanted.\n"
    return _report(
        mail,
        "feedback-report",
        sender=f"Feedback Loop <fbl@{_host(mail)}>",
        subject="Abuse report",
        parts=[
            ("text/plain; charset=utf-8", text.encode()),
            ("message/feedback-report", "\n".join(fields).encode()),
            ("message/rfc822", mail.content),
        ],
    )


def _absence_note(kind: SentBack, mail: ReceivedMail) -> bytes:
    original = mail.message()
    subject = " ".join(str(original.get("Subject", "your message")).split())
    headers = [
        f"From: {mail.recipient}",
        f"To: {mail.envelope_from}",
        f"Subject: {_encoded('Automatic reply: ' + subject)}",
        "Auto-Submitted: auto-replied",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
    ]
    message_id = " ".join(str(original.get("Message-ID", "")).split())
    if message_id:
        headers += [f"In-Reply-To: {message_id}", f"References: {message_id}"]
    text = "Thank you for your message. I am out of the office and will be back on Monday.\n"
    return _assemble(mail, headers, text.encode())


def _report(
    mail: ReceivedMail, report_type: str, *, sender: str, subject: str, parts: list[tuple[str, bytes]]
) -> bytes:
    boundary = f"report-{secrets.token_hex(12)}"
    body = b""
    for content_type, content in parts:
        encoding = b"" if content.isascii() else b"Content-Transfer-Encoding: 8bit\r\n"
        body += f"--{boundary}\r\nContent-Type: {content_type}\r\n".encode() + encoding + b"\r\n"
        body += content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    headers = [
        f"From: {sender}",
        f"To: {mail.envelope_from}",
        f"Subject: {subject}",
        "Auto-Submitted: auto-replied",
        f'Content-Type: multipart/report; report-type={report_type}; boundary="{boundary}"',
    ]
    if not body.isascii():
        headers.append("Content-Transfer-Encoding: 8bit")
    return _assemble(mail, headers, body)


def _assemble(mail: ReceivedMail, headers: list[str], body: bytes) -> bytes:
    first = [
        f"Date: {format_datetime(datetime.now(UTC))}",
        f"Message-ID: <{secrets.token_hex(16)}@{_host(mail)}>",
        "MIME-Version: 1.0",
    ]
    return "\r\n".join([*first, *headers, "", ""]).encode() + body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _encoded(text: str) -> str:
    return text if text.isascii() else Header(text, "utf-8", maxlinelen=998).encode()


def _domain(mail: ReceivedMail) -> str:
    return mail.recipient.rpartition("@")[2].lower()


def _host(mail: ReceivedMail) -> str:
    return f"mx.{_domain(mail)}"


_COMPOSERS: dict[SentBack, Callable[[SentBack, ReceivedMail], bytes]] = {
    SentBack.BOUNCE: _status_notification,
    SentBack.FULL: _status_notification,
    SentBack.DELAY: _status_notification,
    SentBack.COMPLAINT: _complaint,
    SentBack.OUT_OF_OFFICE: _absence_note,
}
