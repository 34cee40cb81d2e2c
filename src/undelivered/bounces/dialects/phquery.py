"""phquery, the mail side of the CSO nameserver that universities ran: names people by their local part only."""

from __future__ import annotations

import re

from undelivered.bounces.finding import Finding
from undelivered.bounces.notice import Notice
from undelivered.bounces.plain import Dialect
from undelivered.bounces.reasons import Cause

_NOT_DELIVERED = "message not delivered to the following:"
_PERSON = re.compile(r"^\s*([\w.+-]{1,64})\s{2,}(\S.*)$")
_OWN_DOMAIN = re.compile(r"\bNAME@([\w-]+(?:\.[\w-]+)+)")  # how the notice writes the addresses it serves


def _read(notice: Notice) -> list[Finding]:
    text = notice.own_text
    domains = list(dict.fromkeys(d.strip(".") for d in _OWN_DOMAIN.findall(text) if not d.startswith("directory.")))[:4]
    if not domains:
        return []
    at = text.lower().find(_NOT_DELIVERED)
    findings: list[Finding] = []
    for line in text[at:].split("\n")[1:50]:
        if line.lstrip().startswith("--"):
            break
        if found := _PERSON.match(line):
            findings += [
                Finding(
                    f"{found[1]}@{domain}", [found[2]], action="failed", fallback=Cause.USER_UNKNOWN, rule="phquery"
                )
                for domain in domains
            ]
    return findings


DIALECT = Dialect("phquery", lambda n: _NOT_DELIVERED in n.own_words and "phquery" in n.own_words, read=_read)
