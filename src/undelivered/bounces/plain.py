"""Reads notices that speak in sentences: finds who failed and the words said about them.

Mailers without a machine-readable report still write alike: an opening, then each address with its reason beside or
below it, then the returned mail. This reader knows those shapes; a dialect (see `dialects`) tells it what is special.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from undelivered.bounces import shapes
from undelivered.bounces.finding import Finding
from undelivered.bounces.notice import ADDRESS, Notice
from undelivered.bounces.reasons import Cause
from undelivered.bounces.shapes import MENTIONED, PHRASE, SHAPED

MAX_RECIPIENTS = 200
MAX_SAID_LINES = 40
MAX_SHARED = 1000  # characters of what is said of all recipients of a list together

_FOLDED = re.compile(r"\(expanded from\n\s{0,20}")

# What Sendmail adds itself below the reply of the other server.
_ECHO = re.compile(
    r"^Giving up on \S{1,100}\s*$"
    r"|^(?:554 5\.0\.0 |503 5\.0\.0 )?(?:<?\S{1,200}>?\.\.\. )?(?:Service unavailable|Need RCPT \(recipient\))\s*$",
    re.MULTILINE | re.IGNORECASE,
)

_REASON = re.compile(
    r"^[ \t>*|-]{0,8}(?:the )?(?:reasons?|cause|problem|error(?: message)?|diagnostics?|details|result"
    r"|motivo|grund|raison|motif|reden|orsak|årsag|powód|důvod|причина|理由|原因|退信原因|사유)[^:\n\uff1a]{0,24}[:\uff1a]\s{0,20}(\S[^\n]{1,500})",
    re.IGNORECASE | re.MULTILINE,
)

# What to do about it and what is enclosed: words of it ("header", "invalid address") are not why.
_ADVICE = (
    "the usual cause ", "if you ", "if this ", "please ", "for further ", "for more ", "for assistance ", "possible ",
    "this may be ", "this can be ", "this could be ", "check ",
    "make sure ", "headers of ", "header of ", "the headers ",
    "the header ", "attached ", "also attached ", "enclosed ", "contact ", "you may ", "you can ", "you should ",
)  # fmt: skip

# A mailer's name for all its notices, not what happened: it must not decide for "system error".
_SUBJECTS_OF_ANY_FAILURE = ("system error", "mail error", "error mail", "internal error")


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


@dataclass(slots=True)
class _Seen:
    recipient: str
    sure: int  # how sure it is that this address failed: see below
    said: list[str] = field(default_factory=list)
    original: str = ""  # the address it was expanded from
    open: bool = True


def read(notice: Notice, dialect: Dialect, at_least: int = MENTIONED) -> list[Finding]:
    """The failed recipients of a notice in sentences, found in shapes at least that sure."""
    if dialect.read is not None:
        return dialect.read(notice)
    text = _body_of(notice, dialect)
    seen = [one for one in _scan(text, dialect) if one.sure >= at_least]
    failed_header = failed_recipients_header(notice)
    seen = _reconcile(seen, failed_header, notice)
    reason = _reasons(notice.own_text, dialect)
    findings = []
    tells = [_tells(one) for one in seen]
    lists = not any(tells[:-1])  # addresses one below the other: what follows the last may be about all of them
    shared = " ".join(ADDRESS.sub("", text).split())[:MAX_SHARED] if len(seen) > 1 else ""
    for number, one in enumerate(seen[:MAX_RECIPIENTS]):
        said = ["\n".join(one.said)] if one.said else []
        said = reason + said if reason else said
        if len(seen) == 1:
            said = _with_reply_first(said, text) if shapes.REPLY.search(text) else _labelled_reason(text) + said
            said.append(without_advice(text))
        elif lists or not tells[number]:
            said = _said_of_one_in_a_list(number, seen, tells, text, shared) + said
        if len(seen) == 1 and not any(words in notice.subject.lower() for words in _SUBJECTS_OF_ANY_FAILURE):
            said.append(notice.subject)
        found = Finding(one.original or one.recipient, said, fallback=dialect.fallback, rule=f"dialect: {dialect.name}")
        found.action = "delayed" if notice.is_delay else "failed"
        found.permanent = dialect.permanent
        if dialect.refine:
            dialect.refine(notice, found)
        findings.append(found)
    return findings


def _labelled_reason(text: str) -> list[str]:
    """What stands behind "Reason:" in any language: it is not the mailer's advice around it."""
    return [" ".join(found[1].split()) for found in _REASON.finditer(text)][:3]


def without_advice(text: str) -> str:
    """A notice's words without its advice; all of them if nothing else would be left."""
    kept = []
    for line in text.split("\n"):
        sentences = line.strip().split(". ") if ". " in line else [line.strip()]
        kept += [s for s in sentences if not s[:40].lower().startswith(_ADVICE)]
    rest = "\n".join(kept)
    return rest if rest.strip() else text


def _tells(one: _Seen) -> bool:
    """Whether anything but the address itself is said of a recipient."""
    return any(len(ADDRESS.sub("", line).strip(" <>\"'()[]:;,.-*")) > 2 for line in one.said)


def _said_of_one_in_a_list(number: int, seen: list[_Seen], tells: list[bool], text: str, shared: str) -> list[str]:
    """What is said of one of several recipients that are listed: further down of it alone, or of all below them."""
    one = seen[number]
    if text.count(one.recipient) > 1 and (below := _said_below(text, one.recipient)):
        return [below]
    if tells[number]:
        return []
    following = next((o for o, told in zip(seen[number + 1 :], tells[number + 1 :], strict=True) if told), None)
    return ["\n".join(following.said) if following else shared]


def _said_below(text: str, address: str) -> str:
    """The lines about an address further down than where it is listed: a transcript tells it apart from the others."""
    lines = text.split("\n")
    about: list[str] = []
    for number, line in enumerate(lines):
        if address not in line or not ADDRESS.sub("", line).strip(" <>\"'()[]:;,.-*"):
            continue
        about.append(line)
        for after in lines[number + 1 : number + 4]:
            if not after.strip() or ("@" in after and address not in after):
                break
            about.append(after)
    return "\n".join(about[:12])


def failed_recipients_header(notice: Notice) -> list[str]:
    """`X-Failed-Recipients`, which Exim, Google and their children write."""
    found: list[str] = []
    for value in notice.mail.headers.get("x-failed-recipients", ())[:20]:
        found += ADDRESS.findall(value[:8000])
    return list(dict.fromkeys(found))[:MAX_RECIPIENTS]


def _body_of(notice: Notice, dialect: Dialect) -> str:
    text = notice.own_text
    if "(expanded from\n" in text:
        text = _FOLDED.sub("(expanded from ", text)
    if dialect.ends:
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if line.strip(" -=*\t").lower().startswith(dialect.ends):
                text = "\n".join(lines[:number])
                break
    text = _ECHO.sub("", text)
    for words in dialect.begins:
        at = text.lower().find(words)
        if at >= 0:
            return text[at + len(words) :]
    return text


def _scan(text: str, dialect: Dialect) -> list[_Seen]:
    seen: list[_Seen] = []
    for whole in text.split("\n"):
        line = whole[: shapes.MAX_LINE]
        stripped = line.strip()
        last = seen[-1] if seen else None
        if not stripped.strip("-=*_#~ "):  # blank, or a rule: what is said of a recipient ends here, if anything was
            if last is not None and last.said:
                last.open = False
            continue
        taken = _takes_up(line, stripped, seen, dialect)
        if "@" in line and (found := shapes.ORIGINALLY.search(line)):
            if not seen or not seen[-1].open:
                seen.append(_Seen(shapes.clean(found[1]), SHAPED))
            seen[-1].original = shapes.clean(found[1])
        if not taken and seen and seen[-1].open and len(seen[-1].said) < MAX_SAID_LINES:
            seen[-1].said.append(stripped)
    return seen


def _takes_up(line: str, stripped: str, seen: list[_Seen], dialect: Dialect) -> bool:
    """Whether a line names a recipient: a new one, or again the one before."""
    hit = _recipient_in(line, dialect) if "@" in line or "<" in line or dialect.recipient else None
    if hit is None:
        return False
    address, rest, sure = hit
    last = seen[-1] if seen else None
    if last is not None and address.lower() in (last.recipient.lower(), last.original.lower()):
        last.sure = max(last.sure, sure)
        if last.open or not last.said:
            last.said.append(stripped)
        return True
    if sure != SHAPED and last is not None and last.sure == SHAPED and last.open:
        return False
    beside = rest if sure == SHAPED else stripped
    first = _Seen(address, sure, [beside] if beside else [])
    seen.append(first)
    if sure in (SHAPED, PHRASE):  # those named in one line share what is said of them
        seen += [_Seen(also, sure, first.said) for also in shapes.also_in(line, address)]
    return True


def _recipient_in(line: str, dialect: Dialect) -> tuple[str, str, int] | None:
    """(address, what is said beside it, how sure the shape is)."""
    for pattern in dialect.recipient:
        if found := pattern.search(line):
            groups = found.groups()
            return shapes.clean(groups[0].strip("<>")), (groups[1] or "").strip() if len(groups) > 1 else "", SHAPED
    if dialect.only_own or "@" not in line:
        return None
    return shapes.recipient_in(line)


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
        return [merged.get(a.lower()) or _Seen(a, SHAPED, list(rest)) for a in failed]
    own = notice.own_addresses
    others = [one for key, one in merged.items() if key not in own and not key.startswith("mailer-daemon@")]
    chosen = others or [one for one in merged.values() if one.sure >= PHRASE]
    most = max((one.sure for one in chosen), default=0)
    best = [one for one in chosen if one.sure == most]
    if most == MENTIONED and len(best) > 2:  # many addresses in a text are not all failed recipients
        return []
    return best if most == SHAPED else best[:3]


def _reasons(text: str, dialect: Dialect) -> list[str]:
    return [found[1].strip() for pattern in dialect.reason if (found := pattern.search(text))]


def _with_reply_first(said: list[str], text: str) -> list[str]:
    """With one recipient only, a paragraph that holds an SMTP reply is about it wherever it stands."""
    if said and shapes.REPLY.search(said[0]):
        return said
    for paragraph in text.split("\n\n"):
        if found := shapes.REPLY.search(paragraph):
            return [paragraph[max(0, paragraph.rfind("\n", 0, found.start())) :], *said]
    return said
