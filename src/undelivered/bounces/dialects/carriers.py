"""Mobile carriers: KDDI (au, ezweb) in Japan, Verizon and its like in America. The reason stands before the address."""

from __future__ import annotations

import re

from undelivered.bounces.finding import Finding
from undelivered.bounces.notice import ADDRESS, Notice
from undelivered.bounces.plain import Dialect
from undelivered.bounces.reasons import Cause

_A = ADDRESS.pattern

# What KDDI's mail system says -> what it means.
_KDDI_SAYS: tuple[tuple[str, Cause], ...] = (
    ("as their mailbox is full", Cause.MAILBOX_FULL),
    ("account is temporarily over quota", Cause.MAILBOX_FULL),
    ("mailbox is full", Cause.MAILBOX_FULL),
    ("as the remote domain doesnt exist", Cause.HOST_UNKNOWN),
    ("as the remote domain doesn't exist", Cause.HOST_UNKNOWN),
    ("account is disabled", Cause.SUSPEND),
    ("account is temporarily limited", Cause.SUSPEND),
    ("your message was not delivered within", Cause.EXPIRED),
    ("remote host is not responding", Cause.NETWORK_ERROR),
    ("user(s) unknown", Cause.USER_UNKNOWN),
    ("due to the following smtp relay error", Cause.ON_HOLD),
)


def _is_kddi(notice: Notice) -> bool:
    words = notice.own_words
    return (
        "your mail sent on:" in words
        or "the user(s) account is" in words
        or "each of the following recipients was rejected by a remote mail server" in words
        or ("mail system error - returned mail" in notice.subject.lower())
        or ("ezweb" in notice.sender and "postmaster" in notice.sender)
    )


def _kddi(notice: Notice, finding: Finding) -> None:
    words = notice.own_words
    for saying, cause in _KDDI_SAYS:
        if saying in words:
            finding.rule = f"KDDI: {saying}"
            if cause is Cause.ON_HOLD:
                finding.fallback = cause
            else:
                finding.cause = cause
            return
    if finding.recipient.lower().endswith(("@ezweb.ne.jp", "@au.com")):
        finding.fallback, finding.rule = Cause.FILTERED, "KDDI: no reason given"


KDDI = Dialect(
    "KDDI",
    _is_kddi,
    recipient=(
        re.compile(rf"could not be delivered to:?\s*<?({_A})>?", re.IGNORECASE),
        re.compile(rf"^\s*recipient:\s*<({_A})>", re.IGNORECASE),
        re.compile(rf"^\s*<({_A})>:?\s*(.*)$"),
    ),
    refine=_kddi,
)

VERIZON = Dialect(
    "Verizon Wireless",
    lambda n: "post_master@" in n.sender or "@vtext." in n.sender or "@vzwpix." in n.sender or "@mms." in n.sender,
    recipient=(
        re.compile(rf"^\s*RCPT TO:\s*<?({_A})>?", re.IGNORECASE),
        re.compile(rf"^\s*To:\s*<?({_A})>?\s*$", re.IGNORECASE),
    ),
    fallback=Cause.USER_UNKNOWN,
)
