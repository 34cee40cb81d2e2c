"""Codes: enhanced status codes (RFC 3463, the IANA registry, Microsoft's additions) and three-digit SMTP replies.

Finds them in free text without mistaking IP addresses, sizes and times for codes, and says which cause a code stands
for. A code that says little (x.0.0, x.7.1) is weak: words beside it are better evidence.
"""

from __future__ import annotations

import re

from undelivered.bounces.reasons import Cause as C

_STATUS = re.compile(r"(?<![\w.])(?<![A-Za-z_]-)([245])\.(\d{1,3})\.(\d{1,3})(?![\d\w])(?!\.\d)")
_REPLY = re.compile(
    r"(?<![\w./@#=&?+-])(?<!\d:)([45][0-7]\d|2[0-5]\d)(?!-\d{3}-)(?=[\s\-#:;,)\]'\"]|$)"
    r"(?![ \t]+(?:bytes|days?|hours?|minutes?|seconds?|KB|MB)\b)"
)
_REPLY_BY_STATUS = re.compile(
    r"(?<![\w.])([45][0-7]\d|2[0-5]\d)[\s\-#:;,]{1,3}[(<\[]?#?[245]\.\d{1,3}\.\d{1,3}(?![\d.])"
)
_PERSISTENT = "4"
NO_MORE_THAN_CLASS = 2  # see `vagueness`

# subject.detail -> cause; the class (2, 4, 5) only tells permanence. Weak codes are in WEAK below.
BY_STATUS: dict[str, C] = {
    "1.1": C.USER_UNKNOWN,
    "1.2": C.HOST_UNKNOWN,
    "1.3": C.USER_UNKNOWN,
    "1.4": C.USER_UNKNOWN,
    "1.6": C.HAS_MOVED,
    "1.7": C.REJECTED,
    "1.8": C.REJECTED,
    "1.9": C.SYSTEM_ERROR,
    "1.10": C.NOT_ACCEPT,  # RFC 7505: null MX
    "1.20": C.NOT_COMPLIANT_RFC,  # Microsoft: several From addresses without a Sender
    "1.90": C.RATE_LIMITED,  # Microsoft: the sender's daily limit
    "1.351": C.USER_UNKNOWN,  # Microsoft: "remote server returned unknown recipient or mailbox unavailable"
    "2.1": C.SUSPEND,
    "2.2": C.MAILBOX_FULL,
    "2.3": C.EMAIL_TOO_LARGE,
    "2.4": C.SYSTEM_ERROR,
    "2.121": C.RATE_LIMITED,  # Microsoft: the recipient's hourly limit for one sender
    "2.122": C.RATE_LIMITED,
    "3.1": C.SYSTEM_FULL,
    "3.2": C.NOT_ACCEPT,
    "3.3": C.SYSTEM_ERROR,
    "3.4": C.EMAIL_TOO_LARGE,
    "3.5": C.SYSTEM_ERROR,
    "4.1": C.EXPIRED,  # no answer from the host: it ends by time running out
    "4.2": C.NETWORK_ERROR,
    "4.3": C.NETWORK_ERROR,
    "4.4": C.HOST_UNKNOWN,
    "4.5": C.RATE_LIMITED,
    "4.6": C.NETWORK_ERROR,
    "4.7": C.EXPIRED,
    "4.14": C.NETWORK_ERROR,  # Microsoft: hop count exceeded
    "4.300": C.EXPIRED,
    "4.310": C.HOST_UNKNOWN,  # Microsoft: the DNS domain does not exist
    "4.311": C.HOST_UNKNOWN,
    "4.312": C.NETWORK_ERROR,
    "4.315": C.EXPIRED,
    "4.316": C.EXPIRED,
    "4.317": C.FAILED_STARTTLS,
    "5.3": C.RATE_LIMITED,  # too many recipients
    "5.1": C.SYNTAX_ERROR,
    "5.2": C.SYNTAX_ERROR,
    "5.4": C.SYNTAX_ERROR,
    "5.6": C.SYNTAX_ERROR,
    "6.0": C.CONTENT_ERROR,
    "6.1": C.CONTENT_ERROR,
    "6.2": C.CONTENT_ERROR,
    "6.3": C.CONTENT_ERROR,
    "6.4": C.CONTENT_ERROR,
    "6.5": C.CONTENT_ERROR,
    "6.6": C.CONTENT_ERROR,
    "6.7": C.CONTENT_ERROR,
    "6.9": C.CONTENT_ERROR,
    "6.11": C.NOT_COMPLIANT_RFC,  # Microsoft: bare line feeds
    "6.211": C.NOT_COMPLIANT_RFC,
    "7.3": C.SECURITY_ERROR,
    "7.4": C.SECURITY_ERROR,
    "7.5": C.SECURITY_ERROR,
    "7.6": C.SECURITY_ERROR,
    "7.7": C.AUTH_FAILURE,  # message integrity
    "7.8": C.SECURITY_ERROR,
    "7.9": C.POLICY_VIOLATION,
    "7.10": C.FAILED_STARTTLS,
    "7.11": C.FAILED_STARTTLS,
    "7.12": C.SECURITY_ERROR,
    "7.13": C.SUSPEND,
    "7.14": C.SECURITY_ERROR,
    "7.17": C.HAS_MOVED,  # RFC 7293: the mailbox has another owner now
    "7.18": C.HAS_MOVED,
    "7.20": C.AUTH_FAILURE,
    "7.21": C.AUTH_FAILURE,
    "7.22": C.AUTH_FAILURE,
    "7.23": C.AUTH_FAILURE,
    "7.24": C.AUTH_FAILURE,
    "7.25": C.REQUIRE_PTR,
    "7.26": C.AUTH_FAILURE,
    "7.27": C.REJECTED,  # the sender's domain has a null MX
    "7.28": C.RATE_LIMITED,
    "7.29": C.AUTH_FAILURE,
    "7.30": C.FAILED_STARTTLS,
    "7.40": C.AUTH_FAILURE,
    "7.57": C.SECURITY_ERROR,  # Microsoft: client was not authenticated
    "7.64": C.NO_RELAYING,  # Microsoft: tenant attribution, relay denied
    "7.124": C.REJECTED,  # Microsoft: sender is not on the group's list of allowed senders
    "7.129": C.REJECTED,
    "7.133": C.REJECTED,
    "7.134": C.REJECTED,
    "7.135": C.REJECTED,
    "7.136": C.REJECTED,
    "7.193": C.REJECTED,
    "7.501": C.SPAM_DETECTED,
    "7.502": C.SPAM_DETECTED,
    "7.503": C.SPAM_DETECTED,
    "7.504": C.BLOCKED,
    "7.505": C.BLOCKED,
    "7.506": C.BLOCKED,
    "7.507": C.BLOCKED,
    "7.508": C.RATE_LIMITED,
    "7.509": C.AUTH_FAILURE,
    "7.510": C.BLOCKED,
    "7.511": C.BLOCKED,
    "7.512": C.NOT_COMPLIANT_RFC,
    "7.513": C.BLOCKED,
    "7.515": C.AUTH_FAILURE,
    "7.700": C.RATE_LIMITED,
    "7.703": C.POLICY_VIOLATION,
    "7.705": C.RATE_LIMITED,
    "7.708": C.BLOCKED,
    "7.713": C.SECURITY_ERROR,
    "7.750": C.REJECTED,
}

WEAK: dict[str, C] = {
    "1.0": C.USER_UNKNOWN,
    "2.0": C.FILTERED,
    "3.0": C.SYSTEM_ERROR,
    "4.0": C.NETWORK_ERROR,
    "5.0": C.SYNTAX_ERROR,
    "7.0": C.SECURITY_ERROR,
    "7.1": C.SECURITY_ERROR,
    "7.2": C.SECURITY_ERROR,
}

# Told for refusals of all sorts.
MISUSED = frozenset(
    {
        "2.1",
        "2.3",
        "5.1",
        "5.2",
        "5.3",
        "5.4",
        "5.6",
        "6.1",
        "6.2",
        "6.3",
        "6.4",
        "6.5",
        "6.6",
        "3.1",
        "3.2",
        "3.3",
        "3.5",
        "7.3",
        "7.5",
    }
)

# A transient class changes what a few codes stand for.
BY_STATUS_TRANSIENT: dict[str, C] = {
    "4.4": C.NETWORK_ERROR,
    "2.1": C.SYSTEM_ERROR,
    "7.0": C.BLOCKED,
    "7.1": C.BLOCKED,
    "3.2": C.SYSTEM_ERROR,
    "2.0": C.SYSTEM_ERROR,
}

BY_REPLY: dict[str, C] = {
    "421": C.EXPIRED,
    "452": C.SYSTEM_FULL,
    "500": C.SYNTAX_ERROR,
    "501": C.SYNTAX_ERROR,
    "502": C.SYNTAX_ERROR,
    "503": C.SYNTAX_ERROR,
    "504": C.SYNTAX_ERROR,
    "521": C.NOT_ACCEPT,
    "523": C.EMAIL_TOO_LARGE,
    "525": C.SUSPEND,
    "530": C.SECURITY_ERROR,
    "534": C.SECURITY_ERROR,
    "535": C.SECURITY_ERROR,
    "538": C.SECURITY_ERROR,
    "551": C.HAS_MOVED,
    "552": C.MAILBOX_FULL,
    "556": C.NOT_ACCEPT,
}


def cause_of_status(status: str) -> C | None:
    """The cause a telling enhanced status code stands for; None when it is weak, unknown or of success."""
    detail = status[2:]
    if status[:1] == _PERSISTENT and detail in BY_STATUS_TRANSIENT:
        return None
    if detail not in BY_STATUS and 600 <= _microsoft_ip_ban(detail) <= 649:
        return C.BLOCKED
    return BY_STATUS.get(detail)


def is_often_misused(status: str) -> bool:
    """Whether words are better evidence: codes that tell little, and those that servers put beside other words.

    X.5.z (protocol) and X.6.z (content) of RFC 3463 are met beside any refusal.
    """
    detail = status[2:]
    if status == "5.4.1":  # no answer from the host, told at once: no
        return True
    return is_vague(status) or detail in MISUSED or (status[:1] == _PERSISTENT and detail in BY_STATUS_TRANSIENT)


def weak_cause_of_status(status: str) -> C | None:
    """The cause a vague code stands for, once words have decided nothing."""
    detail = status[2:]
    if status[:1] == _PERSISTENT and detail in BY_STATUS_TRANSIENT:
        return BY_STATUS_TRANSIENT[detail]
    return WEAK.get(detail)


def _microsoft_ip_ban(detail: str) -> int:
    """Microsoft 5.7.606 to 5.7.649: banned sending IP."""
    subject, _, rest = detail.partition(".")
    return int(rest) if subject == "7" and rest.isdigit() and len(rest) < 4 else 0


def is_vague(status: str) -> bool:
    """Whether a code tells no more than its class, so that a more exact one in the text should be preferred."""
    return vagueness(status) > 0


def vagueness(status: str) -> int:
    """0: tells a cause, 1: tells a subject at most (x.7.1, x.1.0), 2: tells no more than its class (x.0.0)."""
    return NO_MORE_THAN_CLASS if not status or status.endswith(".0.0") else int(status[2:] in WEAK)


def find_statuses(text: str) -> list[str]:
    """All enhanced status codes in a text, in order, IP addresses left out."""
    return [f"{m[0]}.{int(m[1])}.{int(m[2])}" for m in _STATUS.findall(text)] if "." in text else []


def find_status(text: str) -> str:
    """The most telling enhanced status code of a failure: the first that is not vague, else the first."""
    found = [s for s in find_statuses(text) if s[0] != "2"]
    if not found:
        return ""
    first = found[0]
    if not is_vague(first):
        return first
    return min((s for s in found if s[0] == first[0]), key=vagueness)


def find_status_of_reply(text: str) -> str:
    """The enhanced code right behind a three-digit reply of the same class: the server's own word."""
    for match in _REPLY_BY_STATUS.finditer(text):
        found = _STATUS.search(text, match.end(1))
        if found and found[1] == match[1][0] and found[1] != "2":
            return f"{found[1]}.{int(found[2])}.{int(found[3])}"
    return ""


def find_reply_code(text: str) -> str:
    """The three-digit reply of a failure: one right before an enhanced code, else the first like a reply."""
    for match in _REPLY_BY_STATUS.finditer(text):
        if match[1][0] != "2":
            return match[1]
    for match in _REPLY.finditer(text):
        if match[1][0] != "2":
            return match[1]
    return ""


def permanence(status: str, reply_code: str) -> bool | None:
    """True: permanent, False: transient, None: neither code says."""
    for code in (status, reply_code):
        if code[:1] in ("4", "5"):
            return code[0] == "5"
    return None
