"""Amazon SES: notifications that Amazon SNS sends by mail, a line of JSON instead of a report."""

from __future__ import annotations

import json
from typing import Any

from undelivered.bounces.finding import Finding
from undelivered.bounces.notice import Notice
from undelivered.bounces.plain import Dialect
from undelivered.bounces.reasons import Cause

_MAX_JSON = 200_000


def _is_sns(notice: Notice) -> bool:
    return '"notificationType"' in notice.text[:4000] or '"eventType"' in notice.text[:4000]


def _read(notice: Notice) -> list[Finding]:
    text = notice.text[:_MAX_JSON]
    try:
        # SNS wraps long lines; what follows the object is an unsubscribe note
        data, _ = json.JSONDecoder(strict=False).raw_decode(
            text[text.index("{") :].replace("\n ", "").replace("\n", "")
        )
    except (ValueError, RecursionError):
        return []
    if isinstance(data, dict) and isinstance(data.get("Message"), str):
        try:
            data = json.loads(data["Message"], strict=False)
        except (ValueError, RecursionError):
            return []
    return _findings(data) if isinstance(data, dict) else []


def _findings(data: dict[str, Any]) -> list[Finding]:
    kind = str(data.get("notificationType") or data.get("eventType") or "").lower()
    about = data.get(kind)
    if not isinstance(about, dict):
        return []
    if kind == "bounce":
        return [_bounced(r, about) for r in _dicts(about.get("bouncedRecipients"))]
    if kind == "complaint":
        kind_told = str(about.get("complaintFeedbackType") or "abuse")
        return [
            Finding(_text(r, "emailAddress"), cause=Cause.FEEDBACK, rule="Amazon SNS", feedback_type=kind_told)
            for r in _dicts(about.get("complainedRecipients"))
        ]
    if kind == "delivery":
        said = str(about.get("smtpResponse") or "")
        return [
            Finding(str(a), [said], action="delivered", cause=Cause.DELIVERED, rule="Amazon SNS")
            for a in about.get("recipients") or []
            if isinstance(a, str)
        ]
    return []


def _bounced(recipient: dict[str, Any], about: dict[str, Any]) -> Finding:
    said = _text(recipient, "diagnosticCode")
    kind, sub = str(about.get("bounceType") or ""), str(about.get("bounceSubType") or "")
    return Finding(
        _text(recipient, "emailAddress"),
        [said.partition(";")[2].strip() if said[:5].lower() == "smtp;" else said],
        status=_text(recipient, "status"),
        action=_text(recipient, "action") or "failed",
        cause=Cause.SUPPRESSED if sub in ("Suppressed", "OnAccountSuppressionList") else None,
        fallback={"MailboxFull": Cause.MAILBOX_FULL, "MessageTooLarge": Cause.EMAIL_TOO_LARGE}.get(sub),
        rule="Amazon SNS",
        permanent={"Permanent": True, "Transient": False}.get(kind),
    )


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [v for v in value if isinstance(v, dict)][:200] if isinstance(value, list) else []


def _text(value: dict[str, Any], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""


DIALECT = Dialect("Amazon SNS", _is_sns, read=_read)
