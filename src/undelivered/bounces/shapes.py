"""The shapes of lines in which mail servers name a failed recipient; no pattern can consume without bounds."""

from __future__ import annotations

import re

from undelivered.bounces.notice import ADDRESS

# A line made for it; inside a sentence about it; in a summary of what was sent; just an address among words.
SHAPED, PHRASE, SUMMED_UP, MENTIONED = 3, 2, 1, 0

MAX_LINE = 600  # characters of a line that are looked at for an address

_A = ADDRESS.pattern
_AS_SENT = r"(?:mailto:|smtp:)?"


def _any(alternatives: str) -> str:
    """`a; b c; d` as a group of alternatives."""
    return "(?:" + "|".join(" ".join(a.split()) for a in alternatives.split(";")) + ")"


# <ann@example.com>: reason    <ann@example.com> (expanded from ...): reason    Ann <ann@example.com>: reason
ANGLE = re.compile(
    rf"^[\s>*•\-]*(?:\S{{1,200}}@\S{{1,200}}\s+)?<(?:[A-Za-z0-9]+:)?({_A}|[^\s<>@]{{1,64}})>"
    r"(?:\s*\((?:expanded|reason|was)[^)]*\)?)?[\s:.,;]*(.*)$"
)

# ann@example.com    ann@example.com: reason    ann@example.com (reason)    * [ann@example.com]: reason
BARE = re.compile(
    rf"^[\s>*•\-|]*(?:\d{{1,3}}[.)]\s+)?['\"\[(]?({_A})['\"\])]?(?:(?:[\s]*[:;,(\[\-]|\.\.\.|\s+)[\s:]*(.*))?$"
)

# "Ann Example" <ann@example.com>    Ann Example <ann@example.com>: reason
NAMED = re.compile(
    rf"^[\s>*•\-]*(?:\"[^\"]{{1,80}}\"|'[^']{{1,80}}'|[^\W\d_][\w.'-]{{0,30}}(?:,? [^\W\d_(][\w.')-]{{0,30}}){{0,3}})"
    rf"\s+<({_A})>[.;,]?(?:\s*|\s*:\s*(.*))$"
)

# Recipient: <ann@example.com>
_KIND = _any("failed; final; original; intended; invalid; bad; rejected; undeliverable; unknown; destination")
_WHO = _any(
    """recipients?; addressee; addressed; e-?mail; mail; to; user; rcpt to; sent to; sent <<< rcpt to; mailbox; account;
    destination; recipient's"""
)
LABEL = re.compile(
    rf"^[\s>*•\-]*(?:\[?(?:the\s+)?(?:{_KIND} )?{_WHO}(?:\s*\([^)]{{0,20}}\))?(?: e-?mail)?(?: address(?:es)?)?"
    rf"(?: name)?(?: to)?\]?)\s*[:=]\s*(?:rfc822;\s*)?[<'\"\[]?{_AS_SENT}({_A})(.*)$",
    re.IGNORECASE,
)

# ... could not be delivered to ann@example.com ...
_WHAT = _any(
    """it; a message; the message; your message; this message; your mail; the mail; mail; message; the e-?mail;
    your e-?mail; attempt; failed; failure; error; status"""
)
_MAILED = _any("sent; addressed; that you sent; you sent")
_PERSON = _any("recipient; address; user; mailbox; account; local user; destination")
_BEFORE_ADDRESS = "|".join(
    (
        r"unknown (?:local )?(?:user|recipient|mailbox|address)",
        r"no such (?:user|mailbox|recipient)|user unknown|not found",
        r"invalid (?:final delivery userid|recipient|address|user)",
        r"mailbox (?:is )?full|over quota|quota violation for",
        rf"(?:un)?deliver(?:y|ed|able)?(?: {_WHAT}){{0,4}}(?: (?:from|on|dated) [^@]{{1,60}}?)? (?:to|for)"
        rf"(?: (?:the )?(?:following )?{_PERSON}s?(?: address(?:es)?)?)?",
        rf"(?:message|mail|e-?mail|letter)(?: {_MAILED})? (?:to|for)(?: (?:the )?{_PERSON}(?: address)?)?",
        r"(?:recipient|address|user|mailbox|account|addressee)(?: (?:for|of|named|called|address))?",
        r"(?:originally |was )addressed to|sent to|gateway for|rcpt to|reach(?: the (?:following )?recipient)?",
        rf"(?:message|mail|e-?mail)(?: sent)? from <?{_A}>? to|(?:the |mailing )list",
        r"error (?:for|while (?:sending|delivering) to)|problem (?:with|delivering to)|transferring to|replied to",
    )
)
PHRASED = re.compile(
    rf"(?:{_BEFORE_ADDRESS})(?:[\s:.,;'\"(\[]{{1,6}}<?|<){_AS_SENT}({_A})>?(.*)$",
    re.IGNORECASE,
)

# Labels whose address is never the failed recipient.
_OTHERS = _any(
    r"""from; sender; reply-to; return-path; cc; bcc; subject; message-?id; references; in-reply-to; received;
    errors-to; list-\S+; x-\S+; mail from; sent from; envelope-from; envelope sender; date; contact; if you; please;
    postmaster; for (?:further|more|additional); reporting-mta; dkim\S*; author; your (?:address|email); a message from;
    this (?:message|mail|email) (?:was sent )?from; https?:; www\."""
)
NOT_RECIPIENT = re.compile(rf"^[\s>*|]*{_OTHERS}\b[\s:=]", re.IGNORECASE)

# "To: ann@example.com" may only sum up what was sent.
SUMMARY_TO = re.compile(r"^[\s>*|]*(?:to|mail|e-?mail|user)\s*:", re.IGNORECASE)

# 550 <ann@example.com>... User unknown
TRANSCRIPT = re.compile(rf"^\s*(?:<<< )?([45]\d\d[ \-](?:[45]\.\d\.\d\s+)?)<?({_A})>?\.\.\.\s*(.*)$")

# <mx.example.com #5.7.1 smtp;550 5.7.1 <ann@example.com>... reason>: Exchange, below a name without an address
EXCHANGE = re.compile(rf"^\s*<\S{{1,200}} (#[245]\.\d{{1,3}}\.\d{{1,3}} smtp;[^<]{{0,80}})<({_A})>(.*)$")

# any words: ann@example.com
ANY_LABEL = re.compile(rf"^\s*[^@:<>]{{3,80}}:\s*<?({_A})>?\s*[.;,]?\s*(.*)$")

_HELP = _any(
    """contact; assistance; questions; write to; reply to; try; instead; send (?:e-?)?mail to; please (?:e-?)?mail;
    forward"""
)
CONTACT = re.compile(rf"\b{_HELP}\b", re.IGNORECASE)

# (generated from ann@example.com)    (expanded from <ann@example.com>)    generated by ann@example.com
ORIGINALLY = re.compile(
    r"(?:generated (?:from|by)|expanded from|(?:was|originally) addressed to|original (?:address|recipient)):?"
    rf"\s+<?({_A})>?",
    re.IGNORECASE,
)

ALSO = re.compile(
    rf"[>\])'\"]{{0,2}}\s{{0,4}}(?:[,;]|and\b)\s{{0,4}}(?:and\s)?[<\[('\"]{{0,2}}{_AS_SENT}({_A})", re.IGNORECASE
)
MAX_LISTED = 50

# Where an SMTP reply stands in a text.
REPLY = re.compile(r"(?<![\d.])[45]\d\d[ \-#:]|\b[45]\.\d{1,3}\.\d{1,3}\b")


def recipient_in(line: str) -> tuple[str, str, int] | None:
    """(address, what is said beside it, how sure the shape is), in the usual shapes."""
    if NOT_RECIPIENT.match(line):
        return None
    for pattern in (ANGLE, LABEL, BARE, NAMED):
        if (found := pattern.match(line)) and "@" in found[1]:
            if pattern is NAMED and CONTACT.search(line):
                continue
            sure = SUMMED_UP if pattern is LABEL and SUMMARY_TO.match(line) else SHAPED
            return clean(found[1]), (found[2] or "").strip(), sure
    if found := TRANSCRIPT.match(line):
        return clean(found[2]), f"{found[1]}{found[3]}", SHAPED
    if "#" in line and (found := EXCHANGE.match(line)):
        return clean(found[2]), f"{found[1]}{found[3]}", SHAPED
    if (found := ANY_LABEL.match(line)) and not CONTACT.search(line):
        return clean(found[1]), "", PHRASE
    if (found := PHRASED.search(line)) and "@" in found[1] and not CONTACT.search(line[: found.start(1) + 12]):
        return clean(found[1]), "", PHRASE
    if (found := ADDRESS.search(line)) and not CONTACT.search(line):
        return clean(found[0]), "", MENTIONED
    return None


def also_in(line: str, address: str) -> list[str]:
    """The addresses that follow one in a list: `ann@example.com, bob@example.com and ...`."""
    found: list[str] = []
    at = line.find(address) + len(address)
    while len(found) < MAX_LISTED and (more := ALSO.match(line, at)):
        found.append(clean(more[1]))
        at = more.end(1)
    return found


def clean(address: str) -> str:
    """An address without what sticks to it."""
    address = address.strip(".'")
    return address[5:] if address[:5].lower() == "smtp=" else address
