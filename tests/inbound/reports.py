"""Mails that come back, as other servers write them, about a mail with these headers."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from undelivered.delivery import return_path, signing
from undelivered.delivery.signing import Purpose
from undelivered.ops.rehearsal import ReceivedMail, SentBack, compose

ANN = "ann@northwind.example"
BOUNCES = "bounces.desk.example"


def path(id: UUID) -> str:
    return return_path.sender(id, BOUNCES)


def header(id: UUID) -> str:
    return f"X-Undelivered-Id: {signing.token(Purpose.HEADER, id)}\r\n"


def message_id(id: UUID) -> str:
    return f"Message-ID: <{signing.token(Purpose.MESSAGE_ID, id)}@desk.example>\r\n"


def sent(headers: str = "", to: str = ANN) -> bytes:
    """A mail as it left."""
    text = f"From: help@desk.example\r\nTo: {to}\r\nSubject: [IT-1] Laptop\r\n{headers}\r\nHello\r\n"
    return text.encode()


def report(kind: SentBack = SentBack.BOUNCE, headers: str = "", to: str = ANN, sender: str = "x@desk.example") -> bytes:
    return compose(kind, ReceivedMail(sender, to, sent(headers, to), datetime.now(UTC)))


def status(
    *recipients: tuple[str, str],
    action: str = "failed",
    code: str = "5.1.1",
    diagnostic: str = "550 5.1.1 User unknown",
    headers: str = "",
) -> bytes:
    """A delivery status notification; each recipient with the original one, or nothing."""
    blocks = [
        "\r\n".join(
            [
                *([f"Original-Recipient: rfc822;{original}"] if original else []),
                f"Final-Recipient: rfc822;{final}",
                f"Action: {action}",
                f"Status: {code}",
                f"Diagnostic-Code: smtp; {diagnostic}",
            ]
        )
        for final, original in recipients
    ]
    fields = "\r\n\r\n".join(["Reporting-MTA: dns; mx.example", *blocks])
    quoted = sent(headers).partition(b"\r\n\r\n")[0].decode()
    return (
        "From: MAILER-DAEMON@mx.example\r\nTo: x@desk.example\r\nSubject: Undelivered Mail\r\n"
        "Message-ID: <report-1@mx.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nYour mail was not delivered.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\n{fields}\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{quoted}\r\n--b--\r\n"
    ).encode()
