"""`read`: a mail that came in -> what it says about which recipients. Never raises, whatever it is given.

The order: complaint, standard report, the mailers' dialects, a report sent on inside another mail, automatic answers,
and at last any failure told in sentences by something that looks like a mail server.
"""

from __future__ import annotations

from undelivered.bounces import arf, autoreply, dialects, dsn, mime, plain, shapes, signs
from undelivered.bounces.finding import Finding
from undelivered.bounces.notice import ADDRESS, Notice
from undelivered.bounces.reasons import Cause
from undelivered.bounces.report import Kind, Original, Report, Result

MAX_NESTING = 3
_NOT_FAILED = ("delivered", "relayed", "expanded")
_OF_ADDRESSES = (Cause.USER_UNKNOWN, Cause.HOST_UNKNOWN, Cause.MAILBOX_FULL, Cause.SUSPEND, Cause.HAS_MOVED)
_ENVELOPE_HEADERS = ("x-original-to", "delivered-to", "envelope-to", "x-envelope-to", "x-rcpt-to", "to")


def read(raw: bytes) -> Report:
    """What a mail that came in is and says about whom."""
    try:
        return _read(Notice(mime.parse(raw)))
    except Exception as error:  # hostile input must not stop a mailbox from being read; the mail is kept elsewhere
        return Report(Kind.OTHER, decided_by=f"unreadable: {type(error).__name__}")


def _read(notice: Notice) -> Report:
    return (
        _told_to_machines(notice)
        or _told_in_a_dialect(notice)
        or _sent_on(notice)
        or _told_in_sentences(notice)
        or _report(notice, Kind.OTHER, [], "")
    )


def _told_to_machines(notice: Notice) -> Report | None:
    """Complaints and standard reports."""
    if notice.feedback_parts or (not notice.status_parts and arf.is_complaint(notice)):
        findings = arf.read(notice)
        technical = all(f.feedback_type in arf.AUTHENTICATION_TYPES for f in findings)
        return _report(notice, Kind.AUTH_REPORT if technical else Kind.COMPLAINT, findings, "rfc5965")
    if notice.status_parts:
        findings, about = dsn.read(notice)
        findings = dialects.complete(notice, findings)
        if findings:
            return _report(notice, None, findings, "rfc3464", about)
    if any(p.type == "message/disposition-notification" for p in notice.mail.parts):
        return _report(notice, Kind.RECEIPT, [], "rfc8098")
    if "final-recipient:" in notice.text.lower():
        findings, about = dsn.read_text(notice.text)
        if findings:
            return _report(notice, None, dialects.complete(notice, findings), "rfc3464 in text", about)
    return None


def _told_in_a_dialect(notice: Notice) -> Report | None:
    for dialect in dialects.recognised(notice):
        findings = plain.read(notice, dialect)
        if findings:
            return _report(notice, None, findings, f"dialect {dialect.name}")
    return None


def _told_in_sentences(notice: Notice) -> Report | None:
    """Automatic answers, receipts and failures that no standard and no dialect explains."""
    if signs.is_automatic_answer(notice):
        if autoreply.is_challenge(notice):
            return _report(notice, Kind.CHALLENGE, [], "challenge")
        return _auto_reply(notice)
    if signs.is_receipt(notice):
        findings = plain.read(notice, dialects.GENERIC)
        for finding in findings:
            finding.action, finding.said = "delivered", finding.said[:1]
        return _report(notice, Kind.RECEIPT, findings, "receipt in sentences")
    if signs.looks_like_failure(notice):
        # somebody else than a server may talk about bounces: then only lines made for it count
        at_least = shapes.MENTIONED if signs.is_server(notice) else shapes.SHAPED
        findings = plain.read(notice, dialects.GENERIC, at_least) or dialects.to_original(notice, [])
        if findings:
            return _report(notice, None, findings, "plain")
    elif signs.is_named_server(notice):
        # in words that are not listed: a server names an address and what it says is a reason not to deliver
        findings = [
            f for f in plain.read(notice, dialects.GENERIC, shapes.SHAPED) if f.as_result().cause in _OF_ADDRESSES
        ]
        if findings:
            return _report(notice, None, findings, "plain: reason")
    return None


def _auto_reply(notice: Notice) -> Report:
    findings = autoreply.read(notice)
    gone = any(f.cause is not Cause.VACATION for f in findings)
    return _report(notice, Kind.FAILURE if gone else Kind.AUTO_REPLY, findings, "rfc3834")


def _sent_on(notice: Notice) -> Report | None:
    """A report that was forwarded: the first enclosed mail that is itself something that came back."""
    if notice.depth >= MAX_NESTING:
        return None
    for part in notice.mail.parts[:10]:
        if part.type in ("message/rfc822", "message/global"):
            body = part.decoded()
            head = body[:65536].lower()
            if (
                b"delivery-status" in head
                or b"feedback-report" in head
                or b"x-failed-recipients" in head
                or b"mailer-daemon" in head
            ):
                report = _read(Notice(mime.parse(body), notice.depth + 1))
                if report.results:
                    return report
    return None


def _report(
    notice: Notice, kind: Kind | None, findings: list[Finding], rule: str, about: dict[str, str] | None = None
) -> Report:
    about = about or {}
    open_ones = [f for f in findings if f.action not in _NOT_FAILED]
    if kind is None and open_ones:
        findings = open_ones
    results: dict[str, Result] = {}
    for finding in findings:
        if finding.action in _NOT_FAILED and finding.cause is None:
            finding.cause, finding.rule = Cause.DELIVERED, f"action: {finding.action}"
        result = finding.as_result()
        results.setdefault(result.recipient.lower(), result)
    listed = tuple(results.values())
    return Report(
        kind or _kind_of(listed),
        listed,
        _original(notice, about),
        _envelope_to(notice),
        about.get("reporting-mta", "").partition(";")[2].strip(),
        rule,
    )


def _kind_of(results: tuple[Result, ...]) -> Kind:
    if results and all(r.cause is Cause.FEEDBACK for r in results):
        return Kind.COMPLAINT
    if all(r.cause is Cause.DELIVERED for r in results):
        return Kind.RECEIPT
    if all(r.action == "delayed" for r in results):
        return Kind.DELAY
    return Kind.FAILURE


def _original(notice: Notice, about: dict[str, str]) -> Original:
    returned = notice.returned
    x_headers = {
        name: values[0]
        for name, values in returned.headers.items()
        if name.startswith("x-") and name.endswith(("-id", "id", "-ref", "-key", "-token")) and values
    }
    return Original(
        message_id=returned.header("message-id").strip() or about.get("x-original-message-id", ""),
        envelope_id=about.get("original-envelope-id", ""),
        sender=dsn.address_of(about.get("x-postfix-sender", "")) or returned.header("return-path").strip("<> "),
        subject=mime.decode_words(returned.header("subject")),
        to=returned.header("to"),
        x_headers=dict(list(x_headers.items())[:20]),
    )


def _envelope_to(notice: Notice) -> tuple[str, ...]:
    found: list[str] = []
    for name in _ENVELOPE_HEADERS:
        for value in notice.mail.headers.get(name, ())[:3]:
            found += ADDRESS.findall(value[:2000])
    return tuple(dict.fromkeys(found))[:20]
