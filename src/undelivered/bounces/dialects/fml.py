"""fml, a Japanese mailing list server: refusals and loop alerts."""

from __future__ import annotations

import re

from undelivered.bounces.finding import Finding
from undelivered.bounces.notice import ADDRESS, Notice
from undelivered.bounces.plain import Dialect
from undelivered.bounces.reasons import Cause

# What fml says -> what it means; the list's own address follows in <>.
_SAYINGS: tuple[tuple[str, Cause], ...] = (
    ("duplicated message-id", Cause.SYSTEM_ERROR),
    ("loop alert", Cause.SYSTEM_ERROR),
    ("loop back", Cause.SYSTEM_ERROR),
    ("not a member of this mailing list", Cause.REJECTED),
    ("are not member", Cause.REJECTED),
    ("some user unknown", Cause.USER_UNKNOWN),
    ("mail from a system", Cause.SECURITY_ERROR),
    ("invalid html", Cause.CONTENT_ERROR),
    ("reject", Cause.REJECTED),
)
_IN_BRACKETS = re.compile(rf"<({ADDRESS.pattern})>")


def _is_fml(notice: Notice) -> bool:
    return "x-mlserver" in notice.mail.headers and "fml" in notice.mail.header("x-mlserver").lower()


def _read(notice: Notice) -> list[Finding]:
    words = f"{notice.subject.lower()} {notice.own_words}"
    cause = next((cause for saying, cause in _SAYINGS if saying in words), None)
    named = _IN_BRACKETS.search(notice.own_text)
    if cause is None or named is None:
        return []
    return [Finding(named[1], [notice.own_text], action="failed", cause=cause, rule="fml")]


DIALECT = Dialect("fml", _is_fml, read=_read)
