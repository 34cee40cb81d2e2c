"""Reads delivery status notifications (RFC 3464, RFC 6533) in the forms met in the wild.

The machine-readable part is read line by line, so that missing blank lines, blank lines too many, fields before or
after the recipient, wrong folding and reports that were forwarded as text all come out right.
"""

from __future__ import annotations

import re

from undelivered.bounces import mime
from undelivered.bounces.finding import Finding
from undelivered.bounces.notice import ADDRESS, Notice
from undelivered.bounces.reasons import Cause

MAX_RECIPIENTS = 200

_STATUS = re.compile(r"([245])[.\s](\d{1,3})[.\s](\d{1,3})")
_X400_ADDRESS = re.compile(r"/RFC-?822=([^/()]{1,128})\(a\)([^/()]{1,253})/", re.IGNORECASE)
_QUOTE = re.compile(r"^(?:>[ ]?){1,4}", re.MULTILINE)
_UTF8_XTEXT = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_FIELDS = frozenset(
    [
        "final-recipient",
        "original-recipient",
        "x-actual-recipient",
        "action",
        "status",
        "remote-mta",
        "diagnostic-code",
        "last-attempt-date",
        "final-log-id",
        "will-retry-until",
        "reporting-mta",
        "original-envelope-id",
        "arrival-date",
        "received-from-mta",
        "dsn-gateway",
        "x-display-name",
        "x-supplementary-info",
        "x-postfix-queue-id",
        "x-postfix-sender",
        "localized-diagnostic",
        "x-original-message-id",
        "x-failed-recipient",
        "recipient",
    ]
)
_RECIPIENT_FIELDS = ("final-recipient", "original-recipient", "x-actual-recipient", "recipient")

# PowerMTA sorts its bounces itself (its user's guide, bounce categories); used when the words decide nothing.
POWERMTA_CATEGORIES: dict[str, Cause] = {
    "bad-configuration": Cause.SYSTEM_ERROR,
    "bad-connection": Cause.NETWORK_ERROR,
    "bad-domain": Cause.HOST_UNKNOWN,
    "bad-mailbox": Cause.USER_UNKNOWN,
    "content-related": Cause.CONTENT_ERROR,
    "inactive-mailbox": Cause.SUSPEND,
    "invalid-sender": Cause.REJECTED,
    "message-expired": Cause.EXPIRED,
    "no-answer-from-host": Cause.NETWORK_ERROR,
    "policy-related": Cause.POLICY_VIOLATION,
    "protocol-errors": Cause.SYNTAX_ERROR,
    "quota-issues": Cause.MAILBOX_FULL,
    "relaying-issues": Cause.NO_RELAYING,
    "routing-errors": Cause.NETWORK_ERROR,
    "spam-related": Cause.SPAM_DETECTED,
    "virus-related": Cause.VIRUS_DETECTED,
}

Fields = dict[str, str]


def read(notice: Notice) -> tuple[list[Finding], Fields]:
    """The recipients of a report and the fields about the whole report."""
    blocks: list[Fields] = []
    for part in notice.status_parts[:5]:
        blocks += fields_of(part.text())
    return findings_of(blocks)


def read_text(text: str) -> tuple[list[Finding], Fields]:
    """The same from a report whose machine-readable part stands in plain text."""
    if "\n>" in text:  # quoted in a mail that was sent on
        text = _QUOTE.sub("", text)
    return findings_of(fields_of(text))


def findings_of(blocks: list[Fields]) -> tuple[list[Finding], Fields]:
    about: Fields = {}
    findings = []
    for block in blocks[: MAX_RECIPIENTS + 20]:
        if any(block.get(name) for name in _RECIPIENT_FIELDS) or ("action" in block and "status" in block):
            findings.append(_finding(block))
        else:
            for name, value in block.items():
                about.setdefault(name, value)
    return findings[:MAX_RECIPIENTS], about


def fields_of(text: str) -> list[Fields]:
    """Blocks of fields: a new one begins where a recipient's fields begin again."""
    blocks: list[Fields] = [{}]
    name = ""
    after_blank = False
    for line in text.split("\n")[:4000]:
        if not line.strip():
            after_blank, name = True, ""
            continue
        if line[0] in " \t":
            if name and len(blocks[-1][name]) < 4000:
                glue = "" if blocks[-1][name][:8].lower().startswith("x-notes") else " "
                blocks[-1][name] += glue + line.strip(" \t" if glue else "\t\r")[0 if glue else 1 :]
                continue
            line = line.strip()
        field, colon, value = line.partition(":")
        field = field.strip().lower()
        if not colon or (field not in _FIELDS and not field.startswith("x-")):
            if name and name == "diagnostic-code" and not after_blank:  # folded without white space
                blocks[-1][name] += " " + line.strip()
            elif " " in field:
                name = ""
            continue
        current = blocks[-1]
        if _begins_recipient(field, current, after_blank):
            current = {}
            blocks.append(current)
        after_blank, name = False, field
        if field in current:
            name = f"{field}#{len(current)}"
        current[name] = value.strip()
    return blocks


_NAMING_FIELDS = ("final-recipient", "original-recipient", "recipient")
_OPENING_FIELDS = frozenset({*_RECIPIENT_FIELDS, "action", "status"})
_PER_RECIPIENT = _OPENING_FIELDS | {"remote-mta", "diagnostic-code", "last-attempt-date", "will-retry-until"}


def _begins_recipient(field: str, current: Fields, after_blank: bool) -> bool:
    """Whether a field begins the next recipient: it is there already, or the fields before it are complete."""
    if field not in _PER_RECIPIENT:
        return False
    if field in current or "reporting-mta" in current or "arrival-date" in current:
        return after_blank or field in _NAMING_FIELDS
    named = any(name in current for name in _NAMING_FIELDS)
    return after_blank and named and "action" in current and field in _OPENING_FIELDS


def _finding(block: Fields) -> Finding:
    final = address_of(block.get("final-recipient") or block.get("recipient") or "")
    original = address_of(block.get("original-recipient", ""))
    actual = address_of(block.get("x-actual-recipient", ""))
    # What was mailed is the original recipient; the final one may be an alias that the sender never heard of.
    recipient = next((a for a in (original, final, actual) if "@" in a), final or original or actual)
    diagnostic = _without_type(block.get("diagnostic-code", ""))
    status_value = block.get("status", "")
    said = [diagnostic] if diagnostic else []
    said += [value for key in ("x-supplementary-info", "localized-diagnostic") if (value := block.get(key, ""))]
    if "(" in status_value:  # Status: 4.4.1 (Persistent transient failure - no answer from host)
        said.append(status_value.partition("(")[2].rstrip(") "))
    found = _STATUS.search(status_value)
    category = block.get("x-powermta-bouncecategory", "").strip().lower()
    return Finding(
        recipient=recipient,
        original_recipient=original,
        said=said,
        status=f"{found[1]}.{int(found[2])}.{int(found[3])}" if found else "",
        action=_action(block.get("action", "")),
        remote_host=_without_type(block.get("remote-mta", "")).strip("[]() ").split(" ")[0][:255],
        rule="rfc3464" if not category else f"PowerMTA category {category}",
        fallback=POWERMTA_CATEGORIES.get(category),
    )


def _action(value: str) -> str:
    word = value.strip().lower().split(" ")[0].strip("(),;.")
    return {"fail": "failed", "failure": "failed", "error": "failed", "expired": "failed", "delay": "delayed"}.get(
        word, word
    )


def _without_type(value: str) -> str:
    """`smtp; 550 ...` without the type; kept where the text before `;` is not one."""
    kind, semicolon, rest = value.partition(";")
    if semicolon and " " not in kind.strip() and len(kind) < 24 and not kind[:1].isdigit():
        return rest.strip()
    return value.strip()


def address_of(value: str) -> str:
    """The address in `rfc822; ann@example.com` and its broken sisters."""
    if not value:
        return ""
    x400 = _X400_ADDRESS.search(value)
    if x400:
        return f"{x400[1]}@{x400[2]}"
    text = _without_type(value)
    if "=?" in text and not _local_encoded(text):
        text = mime.decode_words(text)
    if "\\x{" in text:
        text = _UTF8_XTEXT.sub(lambda m: chr(min(int(m[1], 16), 0x10FFFF)), text)
    found = ADDRESS.search(text)
    if found:
        return found[0].strip("<>.'`")
    return text.strip().strip("<>\"'").strip()[:320]


def _local_encoded(text: str) -> bool:
    """Some mailers leave an encoded word as a local part; it is the address that was mailed."""
    return "?=@" in text
