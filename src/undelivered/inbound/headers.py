"""What the door reads of a mail: whom it says it is from, its subject, and how far it has come. Nothing is changed.

Lean, because it happens for every mail; and wary, because the From header decides whether a mail may be submitted:
every address that any reader could take for the sender must be found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.utils import getaddresses

from undelivered.delivery.relayed import HEAD_LIMIT, head_end

#: Of a subject so much is kept; the mail itself has all of it.
LONGEST_SUBJECT = 500
_HEADER = re.compile(rb"^(from|subject|received)[ \t]*:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE)
_FOLD = re.compile(r"\r?\n(?=[ \t])")
#: The two forms that nearly all mails have; what is not exactly so is taken apart with care.
_PLAIN = re.compile(
    r'[ \t]*(?:("?)([^<>"(),:;@\\\[\]\r\n]*)\1[ \t]*<([^\s<>"(),:;@\\\[\]]+@[^\s<>"(),:;@\\\[\]]+)>)[ \t]*'
)
_BARE = re.compile(r'[ \t]*([^\s<>"(),:;@\\\[\]]+@[^\s<>"(),:;@\\\[\]]+)[ \t]*')
_ANY_ADDRESS = re.compile(r'[^\s<>"(),:;@\\\[\]]+@[^\s<>"(),:;@\\\[\]]+')


@dataclass(frozen=True, slots=True)
class Seen:
    """`senders` are all addresses of all From headers, the first one is the sender that is shown."""

    senders: tuple[str, ...]
    name: str
    subject: str
    hops: int


def look(raw: bytes) -> Seen:
    end = head_end(raw)
    head = raw[: end if end >= 0 else HEAD_LIMIT]
    if head.count(b"\r") != head.count(b"\r\n"):
        # When it leaves, each bare CR becomes a line end: what follows one may be a header then.
        head = head.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    subject, name, hops = "", "", 0
    senders: list[str] = []
    for found in _HEADER.finditer(head):
        kind = found[1].lower()
        if kind == b"received":
            hops += 1
        elif kind == b"subject":
            subject = subject or _decoded(_text(found[2]))
        else:
            names, addresses = _senders(_text(found[2]))
            name = name or names
            senders += addresses
    return Seen(tuple(senders), name[:200], subject[:LONGEST_SUBJECT], hops)


def _text(value: bytes) -> str:
    """A header's value on one line. Without SMTPUTF8 it should be ASCII; many programs write UTF-8 all the same."""
    return _FOLD.sub("", value.decode("utf-8", "replace")).strip()


def _senders(value: str) -> tuple[str, list[str]]:
    if found := _PLAIN.fullmatch(value):
        return _decoded(found[2].strip()), [found[3]]
    if found := _BARE.fullmatch(value):
        return "", [found[1]]
    pairs = [(name, address) for name, address in getaddresses([value]) if "@" in address]
    # What another reader might see as an address counts as well, wherever it stands outside of a quoted name.
    others = _ANY_ADDRESS.findall(re.sub(r'"(?:[^"\\]|\\.)*"(?!@)', " ", value))
    known = [address for _, address in pairs]
    return _decoded(pairs[0][0]) if pairs else "", known + [address for address in others if address not in known]


def _decoded(value: str) -> str:
    """With its encoded words decoded (RFC 2047); as it stands where they cannot be."""
    if "=?" not in value:
        return value
    try:
        text = str(make_header(decode_header(value)))
    except (HeaderParseError, UnicodeError, LookupError, ValueError):
        return value
    return " ".join(text.split())
