"""The parts of an address: taking one apart at its @, and the form in which its domain travels."""

from __future__ import annotations

import re
from dataclasses import dataclass

import idna

LOCAL_PART_LIMIT = 64  # octets: RFC 5321, 4.5.3.1.1
ADDRESS_LIMIT = 254  # octets: the path of RFC 5321, 4.5.3.1.3, without its angle brackets
DOMAIN_LIMIT = 253  # octets: 255 on the wire less the length octet and the root (RFC 1035, 2.3.4)
LABEL_LIMIT = 63  # octets: RFC 1035, 2.3.4

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}"
_PLAIN = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?![Xx][Nn]--)[A-Za-z0-9-]+(?:\.(?![Xx][Nn]--)[A-Za-z0-9-]+)*)")
FULL_STOPS = str.maketrans("。．｡", "...")  # UTS 46 takes these for dots


@dataclass(frozen=True, slots=True)
class Parts:
    """An address taken apart at its last @ outside quotes; `local` is everything when there is none."""

    whole: str
    local: str
    at: bool
    domain: str
    unquoted: str
    """The whole with every character inside quotes replaced by `q`: what structure is looked for in."""


def plain_domain(address: str) -> str | None:
    """The domain of an address that is what nearly all are: atoms and labels of ASCII, not too long. None of others."""
    found = _PLAIN.fullmatch(address) if len(address) <= ADDRESS_LIMIT else None
    return found[2] if found and len(found[1]) <= LOCAL_PART_LIMIT else None


def take_apart(address: str) -> Parts:
    unquoted = blank_quotes(address)
    position = unquoted.rfind("@")
    if position < 0:
        return Parts(address, address, False, "", unquoted)
    return Parts(address, address[:position], True, address[position + 1 :], unquoted)


def blank_quotes(text: str) -> str:
    """Replace what is inside double quotes, so that an @ or a comma in there is not mistaken for structure."""
    if '"' not in text:
        return text
    out, inside, escaped = [], False, False
    for character in text:
        if inside and (escaped or character != '"'):
            escaped = character == "\\" and not escaped
            out.append("q")
        else:
            if character == '"':
                inside = not inside
            out.append(character)
    return text if inside else "".join(out)


def ascii_domain(domain: str) -> str:
    """The domain as it travels: IDNA ASCII (RFC 5891), lower case. Without such a form: just lower case."""
    if domain.isascii() or len(domain) > DOMAIN_LIMIT:
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError, ValueError):
        return domain.translate(FULL_STOPS).lower()
