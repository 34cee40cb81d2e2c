"""Reads SMTP command lines: the verb, the path of MAIL and RCPT, and their parameters (RFC 5321, section 4.1).

Paths are read generously. An address that is wrong is no error here: the mail is taken, and the log says what is wrong
with the address. What would only be refused here would be lost by most help desks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: RFC 4954, section 4: the longest line is one of AUTH.
LONGEST_LINE = 12_288
#: Longer than any address; shorter than what someone may want to fill a log with.
LONGEST_PATH = 1000
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_VERB = re.compile(r"([A-Za-z]+)(?: +|$)(.*)", re.DOTALL)
_PATH = re.compile(r'[ \t]*<((?:"(?:[^"\\]|\\.)*"|[^"<>])*)>(.*)')
#: A quote without its partner, or no angle brackets at all.
_LOOSE_PATH = re.compile(r"[ \t]*(?:<([^<>]*)>|([^<>\s]+))(.*)")
#: RFC 5321, section 4.1.2: a route before the address is read and ignored.
_ROUTE = re.compile(r"@[^:,@\s]+(?:,@[^:,@\s]+)*:")
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\x00-\x20=\x7f]+))?")


class Bad(Exception):
    """A command line that cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Path:
    """`address` is empty for the null path `<>`. Parameters have upper-case names; those without value have None."""

    address: str
    parameters: dict[str, str | None]


def decode(line: bytes) -> str:
    """A line without its CRLF, as text."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise Bad("the line is not UTF-8") from None
    if _CONTROL.search(text):
        raise Bad("control characters in a command")
    return text


def split(line: str) -> tuple[str, str]:
    """The verb in upper case, and what follows it."""
    found = _VERB.fullmatch(line.rstrip())
    return (found[1].upper(), found[2]) if found else ("", line)


def path(word: str, argument: str) -> Path:
    """What stands after MAIL (`word` is FROM) or RCPT (TO): `FROM:<ann@example.com> SIZE=100`."""
    said, colon, argument = argument.partition(":")
    if not colon or said.strip().upper() != word:
        raise Bad(f"{word}:<address> is missing")
    found = _PATH.fullmatch(argument)
    if found:
        address, rest = found[1], found[2]
    else:
        loose = _LOOSE_PATH.fullmatch(argument)
        if loose is None:
            raise Bad("the address belongs in angle brackets")
        address, rest = loose[1] if loose[1] is not None else loose[2], loose[3]
    if len(address) > LONGEST_PATH:
        raise Bad("the address is too long")
    if rest and not rest.startswith(" "):
        raise Bad("a space belongs after the address")
    route = _ROUTE.match(address)
    return Path(address[route.end() :].strip() if route else address.strip(), _parameters(rest))


def _parameters(text: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for word in text.split():
        one = _PARAMETER.fullmatch(word)
        if one is None:
            raise Bad("a parameter cannot be read")
        if one[1].upper() in found:
            raise Bad("a parameter is given twice")
        found[one[1].upper()] = one[2]
    return found
