"""Zoho Mail: a status in brackets, or codes between commas, on the recipient's own line."""

from __future__ import annotations

import re

from undelivered.bounces.notice import ADDRESS
from undelivered.bounces.plain import Dialect

_A = ADDRESS.pattern

DIALECT = Dialect(
    "Zoho",
    lambda n: "zoho" in n.sender or "x-zohomail" in n.mail.headers or "x-zoho" in str(n.mail.headers.keys()),
    recipient=(
        # [Status: Error, Address: <ann@example.com>, ResponseCode 421, , Host not reachable.]
        re.compile(rf"\[Status: \w+, Address: <({_A})>, (?:ResponseCode )?(.*?)\]?\s*$"),
        # ann@example.com Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 <ann@example.com>... User Unknown
        re.compile(rf"^\s*({_A})\s+(.*ERROR_CODE.*)$"),
    ),
)
