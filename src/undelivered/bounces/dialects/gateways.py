"""Mail gateways and scanners with a habit of their own: ActiveHunter, InterScan, IMail, Mail Foundry, X.400 ..."""

from __future__ import annotations

import re

from undelivered.bounces.notice import ADDRESS
from undelivered.bounces.plain import Dialect
from undelivered.bounces.reasons import Cause

_A = ADDRESS.pattern

# >>> ann@example.com <ann@example.com>
_TWICE = re.compile(rf"^\s{{0,8}}>>>\s{{1,4}}\S{{1,200}}@\S{{1,200}} <({_A})>", re.MULTILINE)
ACTIVE_HUNTER = Dialect(
    "Active!hunter",
    lambda n: "x-ahmailid" in n.mail.headers or _TWICE.search(n.own_text) is not None,
    recipient=(_TWICE,),
)

# Trend Micro: says who, seldom why; it refuses before queueing only what the next server does not know.
INTERSCAN = Dialect(
    "InterScan",
    lambda n: "interscan" in n.own_words[:2000] or "interscan" in n.sender or n.sender.startswith("imss@"),
    recipient=(
        re.compile(rf"unable to deliver message to <({_A})>", re.IGNORECASE),
        re.compile(rf"sent <<< rcpt to:\s*<({_A})>", re.IGNORECASE),
    ),
    fallback=Cause.USER_UNKNOWN,
)

# IMail: `undeliverable to ann@example.com` above the words that decide.
_IMAIL_SAYS = (
    r"(?:unknown user|invalid final delivery userid|user mailbox exceeds allowed size|unknown host"
    r"|delivery failed \d+ attempts)"
)
IMAIL = Dialect(
    "IMail",
    lambda n: "<smtp32 v" in n.mail.header("x-mailer").lower(),
    recipient=(
        re.compile(rf"^(?:undeliverable to|{_IMAIL_SAYS}:)\s*<?({_A})>?", re.IGNORECASE),
        re.compile(rf"^[^@:]{{4,60}}:\s*<?({_A})>?\s*$", re.IGNORECASE),
    ),
    reason=(
        re.compile(rf"^({_IMAIL_SAYS}:\s*<?{_A}>?.*)", re.IGNORECASE | re.MULTILINE),
        re.compile(r"generated following response:?\s*\n(.+)", re.IGNORECASE),
    ),
)

# MailMarshal: the reason stands before the list of those affected.
MAILMARSHAL = Dialect(
    "MailMarshal",
    lambda n: "the following recipients were affected" in n.own_words,
    begins=("the following recipients were affected:", "the following recipients were affected"),
    ends=("additional information",),
    reason=(
        re.compile(
            r"could not be delivered because of\s*\n(.+?)\n\s*the following recipients", re.IGNORECASE | re.DOTALL
        ),
    ),
)

# m-FILTER and its like: blocks headed by `-----server message`, `-----SMTP command`.
M_FILTER = Dialect(
    "m-FILTER",
    lambda n: "-------server message" in n.own_words or "-------smtp command" in n.own_words,
    reason=(re.compile(r"-------server message[ ]*\n(.+?)\n\s*-------", re.IGNORECASE | re.DOTALL),),
)

GATEWAYS = (ACTIVE_HUNTER, INTERSCAN, IMAIL, MAILMARSHAL, M_FILTER)
