"""Reads notices that speak in sentences: finds who failed and the words said about them.

Mailers without a machine-readable report still write alike: an opening, then each address with its reason beside or
below it, then the returned mail. This reader knows those shapes; a dialect (see `dialects`) tells it what is special.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from undelivered.bounces.finding import Finding
from undelivered.bounces.notice import ADDRESS, Notice
from undelivered.bounces.reasons import Cause

MAX_RECIPIENTS = 200
MAX_SAID_LINES = 40

_A = ADDRESS.pattern
# <ann@example.com>: reason
_ANGLE = re.compile(
    rf"^[\s>*•\-]*<(?:[A-Za-z0-9]+:)?({_A}|[^\s<>@]{{1,64}})>(?:\s*\((?:expanded|reason|was)[^)]*\)?)?[\s:.,;]*(.*)$"
)
# ann@example.com    ann@example.com: reason    ann@example.com (reason)    ann@example.com [reason]    * ann@example.com
_BARE = re.compile(
    rf"^[\s>*•\-|]*(?:\d{{1,3}}[.)]\s+)?['\"\[(]?({_A})['\"\])]?(?:(?:[\s]*[:;,(\[\-]|\.\.\.|\s+)[\s:]*(.*))?$"
)
# Recipient: <ann@example.com>    Failed to deliver to 'ann@example.com'
_LABEL = re.compile(
    rf"^[\s>*•\-]*(?:\[?(?:the\s+)?(?:failed |final |original |intended |invalid |bad |rejected |undeliverable |unknown |destination )?"
    rf"(?:recipients?|addressee|addressed|e-?mail|mail|to|user|rcpt to|sent to|sent <<< rcpt to|mailbox|account|destination|recipient's)"
    rf"(?:\s*\([^)]{{0,20}}\))?(?: e-?mail)?(?: address(?:es)?)?(?: name)?(?: to)?\]?)\s*[:=]\s*(?:rfc822;\s*)?[<'\"\[]?(?:mailto:|smtp:)?({_A})(.*)$",
    re.I,
)
_PHRASED = re.compile(
    rf"(?:unknown (?:local )?(?:user|recipient|mailbox|address)|no such (?:user|mailbox|recipient)|user unknown|not found|"
    rf"invalid (?:final delivery userid|recipient|address|user)|mailbox (?:is )?full|over quota|quota violation for|"
    rf"(?:un)?deliver(?:y|ed|able)?(?: (?:it|a message|the message|your message|this message|your mail|the mail|mail|message|the e-?mail|your e-?mail|attempt|failed|failure|error|status))*"
    rf"(?: (?:from|on|dated) [^@]{{1,60}}?)? (?:to|for)(?: (?:the )?(?:following )?(?:recipient|address|user|mailbox|account|local user|destination)s?(?: address(?:es)?)?)?|"
    rf"(?:message|mail|e-?mail|letter)(?: (?:sent|addressed|that you sent|you sent))? (?:to|for)(?: (?:the )?(?:recipient|address|user|mailbox)(?: address)?)?|"
    rf"(?:recipient|address|user|mailbox|account|addressee)(?: (?:for|of|named|called|address))?|"
    rf"(?:originally |was )addressed to|sent to|gateway for|rcpt to|reach(?: the (?:following )?recipient)?|"
    rf"error (?:for|while (?:sending|delivering) to)|problem (?:with|delivering to)|transferring to|replied to)"
    rf"(?:[\s:.,;'\"(\[]{{1,6}}<?|<)(?:mailto:|smtp:)?({_A})>?(.*)$",
    re.I,
)
# Labels whose address is never the failed recipient.
_NOT_RECIPIENT = re.compile(
    r"^[\s>*|]*(?:from|sender|reply-to|return-path|cc|bcc|subject|message-?id|references|in-reply-to|received|errors-to|list-\S+|x-\S+|"
    r"mail from|sent from|envelope-from|envelope sender|date|contact|for (?:further|more|additional)|if you|please|postmaster|"
    r"reporting-mta|dkim\S*|author|your (?:address|email)|a message from|this (?:message|mail|email) (?:was sent )?from|https?:|www\.)\b[\s:=]",
    re.I,
)
_SUMMARY_TO = re.compile(
    r"^[\s>*|]*(?:to|mail|e-?mail|user)\s*:", re.I
)  # "To: ann@example.com" may only sum up what was sent
# 550 <ann@example.com>... User unknown
_TRANSCRIPT = re.compile(rf"^\s*(?:<<< )?([45]\d\d[ \-](?:[45]\.\d\.\d\s+)?)<?({_A})>?\.\.\.\s*(.*)$")
# any words: ann@example.com
_ANY_LABEL = re.compile(rf"^\s*[^@:<>]{{3,80}}:\s*<?({_A})>?\s*[.;,]?\s*(.*)$")
_CONTACT = re.compile(
    r"\b(?:contact|assistance|questions|write to|send (?:e-?)?mail to|please (?:e-?)?mail|forward)\b", re.I
)
_REPLY = re.compile(r"(?<![\d.])[45]\d\d[ \-#:]|\b[45]\.\d{1,3}\.\d{1,3}\b")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is special about one mailer's notices; the rest is the plain reader's."""

    name: str
    recognises: Callable[[Notice], bool]
    begins: tuple[str, ...] = ()  # lower-case words after which the recipients stand
    ends: tuple[str, ...] = ()  # lower-case beginnings of lines where the mailer's words end
    recipient: tuple[re.Pattern[str], ...] = ()  # its own lines: group 1 an address, group 2 (if any) what is said
    reason: tuple[re.Pattern[str], ...] = ()  # where the reason stands if not beside the address: group 1
    only_own: bool = False  # its own recipient lines only, not the usual shapes
    fallback: Cause | None = None  # if the words decide nothing
    read: Callable[[Notice], list[Finding]] | None = None  # for a dialect that follows no such shape
    permanent: bool | None = None
    failed_to_original: bool = False  # names nobody: it is who the returned mail was for
    refine: Callable[[Notice, Finding], None] | None = None


_SHAPED, _PHRASE, _SUMMED_UP = 2, 1, 0  # a line made for it; inside a sentence; in a summary of what was sent


@dataclass(slots=True)
class _Seen:
    recipient: str
    sure: int  # how sure it is that this address failed: see below
    said: list[str] = field(default_factory=list)
    blanks: int = 0
    open: bool = True


def read(notice: Notice, dialect: Dialect) -> list[Finding]:
    """The failed recipients of a notice in sentences."""
    if dialect.read is not None:
        return dialect.read(notice)
    text = _body_of(notice, dialect)
    seen = _scan(text, dialect)
    failed_header = failed_recipients_header(notice)
    seen = _reconcile(seen, failed_header, notice)
    reason = _reasons(notice.own_text, dialect)
    findings = []
    for one in seen[:MAX_RECIPIENTS]:
        said = ["\n".join(one.said)] if one.said else []
        said = reason + said if reason else said
        if len(seen) == 1:
            said = _with_reply_first(said, text)
            said.append(text)
        said.append(notice.subject)
        found = Finding(one.recipient, said, fallback=dialect.fallback, rule=f"dialect: {dialect.name}")
        found.action = "delayed" if notice.is_delay else "failed"
        found.permanent = dialect.permanent
        if dialect.refine:
            dialect.refine(notice, found)
        findings.append(found)
    return findings


def failed_recipients_header(notice: Notice) -> list[str]:
    """`X-Failed-Recipients`, which Exim, Google and their children write."""
    found: list[str] = []
    for value in notice.mail.headers.get("x-failed-recipients", ())[:20]:
        found += ADDRESS.findall(value[:8000])
    return list(dict.fromkeys(found))[:MAX_RECIPIENTS]


def _body_of(notice: Notice, dialect: Dialect) -> str:
    text = notice.own_text
    if dialect.ends:
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if line.strip(" -=*\t").lower().startswith(dialect.ends):
                text = "\n".join(lines[:number])
                break
    for words in dialect.begins:
        at = text.lower().find(words)
        if at >= 0:
            return text[at + len(words) :]
    return text


def _scan(text: str, dialect: Dialect) -> list[_Seen]:
    seen: list[_Seen] = []
    for line in text.split("\n"):
        stripped = line.strip()
        if not stripped or not stripped.strip("-=*_#~ "):
            if seen:
                seen[-1].blanks += 1
                if seen[-1].said and any(s.strip() for s in seen[-1].said):
                    seen[-1].open = False
            continue
        hit = _recipient_in(line, dialect) if "@" in line or "<" in line or dialect.recipient else None
        if hit is not None:
            address, rest, sure = hit
            strong = sure == _SHAPED
            last = seen[-1] if seen else None
            if last is not None and last.recipient.lower() == address.lower():
                if last.open or not last.said:
                    last.said.append(stripped)
                continue
            if strong or not (last and last.sure == _SHAPED and last.open):
                seen.append(_Seen(address, sure, [rest] if rest and strong else ([] if strong else [stripped])))
                continue
        if seen and seen[-1].open and len(seen[-1].said) < MAX_SAID_LINES:
            seen[-1].said.append(stripped)
    return seen


def _recipient_in(line: str, dialect: Dialect) -> tuple[str, str, int] | None:
    """(address, what is said beside it, how sure the shape is)."""
    for pattern in dialect.recipient:
        if found := pattern.search(line):
            groups = found.groups()
            return groups[0].strip("<>.'\""), (groups[1] or "").strip() if len(groups) > 1 else "", _SHAPED
    if dialect.only_own or "@" not in line:
        return None
    if _NOT_RECIPIENT.match(line):
        return None
    for pattern in (_ANGLE, _LABEL, _BARE):
        if (found := pattern.match(line)) and "@" in found[1]:
            rest = (found[2] or "").strip()
            sure = _SUMMED_UP if pattern is _LABEL and _SUMMARY_TO.match(line) else _SHAPED
            return _clean(found[1]), rest, sure
    if found := _TRANSCRIPT.match(line):
        return _clean(found[2]), f"{found[1]}{found[3]}", _SHAPED
    if (found := _ANY_LABEL.match(line)) and not _CONTACT.search(line):
        return _clean(found[1]), "", _PHRASE
    if (found := _PHRASED.search(line)) and "@" in found[1] and not _CONTACT.search(line[: found.start(1) + 12]):
        return _clean(found[1]), "", _PHRASE
    return None


def _clean(address: str) -> str:
    address = address.strip(".'")
    return address[5:] if address[:5].lower() == "smtp=" else address


def _reconcile(seen: list[_Seen], failed: list[str], notice: Notice) -> list[_Seen]:
    """One entry an address; the sure ones if there are any; never the notice's own writer or reader."""
    merged: dict[str, _Seen] = {}
    for one in seen:
        key = one.recipient.lower()
        if key in merged:
            merged[key].sure = max(merged[key].sure, one.sure)
            merged[key].said += one.said
        else:
            merged[key] = one
    if failed:
        known = {a.lower() for a in failed}
        rest = [w for k, one in merged.items() if k not in known for w in one.said]
        return [merged.get(a.lower()) or _Seen(a, _SHAPED, list(rest)) for a in failed]
    own = notice.own_addresses
    others = [one for key, one in merged.items() if key not in own and not key.startswith("mailer-daemon@")]
    chosen = others or [one for one in merged.values() if one.sure > _SUMMED_UP]
    most = max((one.sure for one in chosen), default=0)
    best = [one for one in chosen if one.sure == most]
    return best if most == _SHAPED else best[:3]


def _reasons(text: str, dialect: Dialect) -> list[str]:
    return [found[1].strip() for pattern in dialect.reason if (found := pattern.search(text))]


def _with_reply_first(said: list[str], text: str) -> list[str]:
    """With one recipient only, a paragraph that holds an SMTP reply is about it wherever it stands."""
    if said and _REPLY.search(said[0]):
        return said
    for paragraph in text.split("\n\n"):
        if found := _REPLY.search(paragraph):
            return [paragraph[max(0, paragraph.rfind("\n", 0, found.start())) :], *said]
    return said
