"""Reads complaints: feedback reports (RFC 5965, RFC 6591) and what providers send in their stead."""

from __future__ import annotations

from undelivered.bounces import dsn
from undelivered.bounces.finding import Finding
from undelivered.bounces.notice import ADDRESS, Notice
from undelivered.bounces.reasons import Cause

# Reports about our domain's authentication are not complaints of a person (RFC 6591).
AUTHENTICATION_TYPES = frozenset({"auth-failure", "dmarc", "dkim", "spf"})

_RECIPIENT_FIELDS = ("original-rcpt-to", "removal-recipient", "x-original-rcpt-to", "x-hmxmroriginalrecipient")
_RETURNED_FIELDS = ("x-hmxmroriginalrecipient", "to", "x-original-to", "delivered-to", "envelope-to", "cc", "bcc")

Fields = dict[str, list[str]]


def is_complaint(notice: Notice) -> bool:
    """A feedback report, also one whose parts are not labelled, or what Microsoft and Apple send instead."""
    if notice.feedback_parts or _is_unsubscription(notice):
        return True
    if notice.mail.type_parameters.get("report-type", "").lower() == "feedback-report":
        return True
    words = notice.text[:20000].lower()
    return ("feedback-type:" in words and "user-agent:" in words) or _is_jmrp(notice)


def _is_unsubscription(notice: Notice) -> bool:
    """Apple Mail writes to the List-Unsubscribe address in its user's name."""
    return "x-apple-unsubscribe" in notice.mail.headers


def _is_jmrp(notice: Notice) -> bool:
    """Microsoft's Junk Mail Reporting: the mail complained of, enclosed, and no report."""
    return notice.subject.lower().startswith("complaint about message from") and bool(notice.returned.headers)


def fields_of(text: str) -> Fields:
    fields: Fields = {}
    name = ""
    for line in text.split("\n")[:500]:
        if line[:1] in (" ", "\t") and name:
            fields[name][-1] += " " + line.strip()
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or not name or " " in name:
            name = ""
            continue
        fields.setdefault(name, []).append(value.strip())
    return fields


def read(notice: Notice) -> list[Finding]:
    """The recipients who complained."""
    if _is_unsubscription(notice):
        who = ADDRESS.findall(notice.mail.header("from"))[:1] or [""]
        return [Finding(who[0], cause=Cause.FEEDBACK, feedback_type="opt-out", rule="Apple Mail: unsubscribe")]
    fields: Fields = {}
    texts = [part.text() for part in notice.feedback_parts[:3]] or [notice.text]
    for text in texts:
        for name, values in fields_of(text).items():
            fields.setdefault(name, []).extend(values)
    kind = (fields.get("feedback-type") or ["abuse"])[0].strip().lower() or "abuse"
    host = (fields.get("source-ip") or [""])[0]
    return [
        Finding(
            recipient=address,
            said=[notice.own_words[:1000]],
            remote_host=host,
            cause=Cause.FEEDBACK,
            feedback_type=kind,
            rule=f"rfc5965: {kind}",
        )
        for address in _recipients(notice, fields)
    ]


def _recipients(notice: Notice, fields: Fields) -> list[str]:
    for name in _RECIPIENT_FIELDS:
        found = [a for v in fields.get(name, ())[:100] if "@" in (a := dsn.address_of(v))]
        if found:
            return list(dict.fromkeys(found))
    for name in _RETURNED_FIELDS:
        addresses = ADDRESS.findall(notice.returned.header(name)[:4000])
        if addresses:
            return list(dict.fromkeys(addresses))[:20]
    below = fields_of(notice.text[:20000]).get("to", [])
    return list(dict.fromkeys(a for v in below for a in ADDRESS.findall(v) if a not in notice.own_addresses))[:20] or [
        ""
    ]
