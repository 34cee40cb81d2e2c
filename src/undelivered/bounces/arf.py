"""Reads complaints: feedback reports (RFC 5965, RFC 6590, RFC 6591) and what providers send in their stead."""

from __future__ import annotations

from undelivered.bounces import dsn
from undelivered.bounces.finding import Finding
from undelivered.bounces.notice import ADDRESS, Notice
from undelivered.bounces.reasons import Cause

# Reports about our domain's authentication are not complaints of a person (RFC 6591, RFC 7489).
AUTHENTICATION_TYPES = frozenset({"auth-failure", "dmarc", "dkim", "spf"})


def fields_of(text: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    name = ""
    for line in text.split("\n")[:500]:
        if line[:1] in (" ", "\t") and name:
            fields[name][-1] += " " + line.strip()
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or " " in name:
            name = ""
            continue
        fields.setdefault(name, []).append(value.strip())
    return fields


def read(notice: Notice) -> list[Finding]:
    """The recipients who complained."""
    fields: dict[str, list[str]] = {}
    for part in notice.feedback_parts[:3]:
        for name, values in fields_of(part.text()).items():
            fields.setdefault(name, []).extend(values)
    kind = (fields.get("feedback-type") or ["abuse"])[0].strip().lower()
    recipients = _recipients(notice, fields)
    host = (fields.get("source-ip") or [""])[0]
    said = [line for line in (notice.own_words[:1000],) if line]
    return [
        Finding(
            recipient=address,
            said=list(said),
            remote_host=host,
            cause=Cause.AUTH_FAILURE if kind in AUTHENTICATION_TYPES else Cause.FEEDBACK,
            feedback_type=kind,
            rule=f"rfc5965: {kind}",
        )
        for address in recipients
    ]


def _recipients(notice: Notice, fields: dict[str, list[str]]) -> list[str]:
    for name in ("original-rcpt-to", "removal-recipient", "x-original-rcpt-to", "x-removal-recipient"):
        found = [dsn.address_of(v) for v in fields.get(name, ())]
        found = [a for a in found if "@" in a]
        if found:
            return list(dict.fromkeys(found))[:20]
    for name in ("x-original-to", "to", "delivered-to", "cc"):
        addresses = ADDRESS.findall(notice.returned.header(name)[:4000])
        if addresses:
            return list(dict.fromkeys(addresses))[:20]
    return [""]
