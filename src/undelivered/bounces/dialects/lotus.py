"""Lotus Notes' SMTP gateway: the reason stands above the address, not below it."""

from __future__ import annotations

from undelivered.bounces.finding import Finding
from undelivered.bounces.notice import ADDRESS, Notice
from undelivered.bounces.plain import Dialect


def _read(notice: Notice) -> list[Finding]:
    text = notice.own_text
    at = text.lower().find("failure reasons")
    findings: list[Finding] = []
    reason: list[str] = []
    for line in text[at:].split("\n")[1:]:
        stripped = line.strip()
        if not stripped.strip("-"):
            continue
        found = ADDRESS.fullmatch(stripped.strip("<>"))
        if found:
            findings.append(Finding(found[0], ["\n".join(reason)], action="failed", rule="Lotus Notes"))
            reason = []
        else:
            reason.append(stripped)
    return findings


DIALECT = Dialect("Lotus Notes", lambda n: "------- failure reasons" in n.own_words, read=_read)
