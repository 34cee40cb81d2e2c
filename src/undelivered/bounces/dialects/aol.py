"""AOL's older notices: people are named by their screen name, without a domain."""

from __future__ import annotations

import re

from undelivered.bounces.finding import Finding
from undelivered.bounces.notice import ADDRESS, Notice
from undelivered.bounces.plain import Dialect
from undelivered.bounces.reasons import Cause

_OPENING = "could not be delivered because they are not accepting mail"
_SCREEN_NAME = re.compile(r"[\w.-]{2,64}")


def _read(notice: Notice) -> list[Finding]:
    sender = ADDRESS.search(notice.sender)
    if sender is None:
        return []
    domain = sender[0].rpartition("@")[2]
    lines = iter(notice.own_text.split("\n"))
    for line in lines:  # the opening may be folded
        if "not accepting mail" in line.lower() or line.rstrip().endswith(":"):
            break
    findings: list[Finding] = []
    for line in lines:
        name = line.strip()
        if not name:
            if findings:
                break
            continue
        if not _SCREEN_NAME.fullmatch(name):
            continue
        findings.append(
            Finding(
                f"{name}@{domain}", [notice.own_text], action="failed", cause=Cause.REJECTED, rule=f"AOL: {_OPENING}"
            )
        )
    return findings


DIALECT = Dialect("AOL", lambda n: _OPENING in n.own_words, read=_read)
