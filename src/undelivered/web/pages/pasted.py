"""Reads a pasted list of customers: addresses one a line or between commas, `Name <address>`, a column, a CSV file.

A fault in an address is kept as it was written: the verdict names it. So a comma is only a separator where what stands
around it looks like fields of its own; `lena,hoffmann@example.com` is one address with a comma in it.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

LIMIT = 1000  # entries of one paste
LENGTH_LIMIT = 200_000  # characters of one paste

_HEADINGS = {
    **dict.fromkeys(("email", "e-mail", "mail", "address", "email address", "e-mail address"), "address"),
    **dict.fromkeys(("name", "full name", "display name", "customer"), "name"),
    **dict.fromkeys(("language", "locale", "lang"), "language"),
}
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>\s*")


class TooLong(ValueError):
    """More than can be looked at in one go."""


@dataclass(frozen=True, slots=True)
class Pasted:
    """One customer of the list, as written."""

    address: str
    name: str = ""
    language: str = ""


def read(text: str) -> list[Pasted]:
    """The customers of a pasted text, in its order. Raises `TooLong`."""
    if len(text) > LENGTH_LIMIT:
        raise TooLong(f"That is too long. Paste at most {LIMIT:,} addresses at a time.")
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    if not lines:
        return []
    columns = _columns(lines[0])
    found = [entry for line in lines[1:] for entry in _row(line, columns)] if columns else _lines(lines)
    if len(found) > LIMIT:
        raise TooLong(f"There are {len(found):,} addresses. Paste at most {LIMIT:,} at a time.")
    return found


def _lines(lines: list[str]) -> list[Pasted]:
    return [entry for line in lines for entry in _line(line)]


def _separator(line: str) -> str:
    return next((sign for sign in ("\t", ";") if sign in line), ",")


def _columns(line: str) -> list[str]:
    """Which column holds what, if this line is a CSV file's heading; else nothing."""
    names = [_HEADINGS.get(field.strip().strip('"').lower(), "") for field in line.split(_separator(line))]
    return names if "address" in names else []


def _row(line: str, columns: list[str]) -> list[Pasted]:
    """A line below a heading."""
    fields = next(csv.reader([line], delimiter=_separator(line), skipinitialspace=True), [])
    values = {name: value.strip() for name, value in zip(columns, fields, strict=False) if name}
    address = values.get("address", "")
    if not address and not any(values.values()):
        return []
    named = _named(address)
    return [Pasted(named.address, values.get("name", "") or named.name, _language(values.get("language", "")))]


def _line(line: str) -> list[Pasted]:
    """A line without a heading above: one customer, several, or an address with a fault."""
    pieces = _pieces(line)
    with_at = [piece for piece in pieces if "@" in piece]
    if len(with_at) == len(pieces):
        return [_named(piece) for piece in pieces]
    if not with_at:
        return [Pasted(line.strip())]
    if len(with_at) > 1:
        return _joined(pieces)
    return [_fields(line, pieces)]


def _pieces(line: str) -> list[str]:
    """The line, cut at commas, semicolons and tabs that are not inside quotes or angle brackets."""
    pieces, current, quoted, angled = [], "", False, False
    for sign in line:
        if sign == '"':
            quoted = not quoted
        elif sign == "<" and not quoted:
            angled = True
        elif sign == ">" and not quoted:
            angled = False
        if sign in ",;\t" and not quoted and not angled:
            pieces.append(current)
            current = ""
        else:
            current += sign
    return [piece.strip() for piece in (*pieces, current) if piece.strip()]


def _joined(pieces: list[str]) -> list[Pasted]:
    """Several addresses; what has no @ belongs to the one after it: `Sato, Hana <hana@example.com>, ...`."""
    found: list[Pasted] = []
    waiting: list[str] = []
    for piece in pieces:
        waiting.append(piece)
        if "@" in piece:
            found.append(_named(", ".join(waiting)) if "<" in piece else _named(",".join(waiting)))
            waiting = []
    return found + [Pasted(piece) for piece in waiting]


def _fields(line: str, pieces: list[str]) -> Pasted:
    """One piece with an @ and others around it: the fields of a row, or one address with a comma in it."""
    position = next(index for index, piece in enumerate(pieces) if "@" in piece)
    before, address, after = pieces[:position], pieces[position], pieces[position + 1 :]
    if "<" in address:
        named = _named(", ".join([*before, address]))
        return Pasted(named.address, named.name, _language(after[0]) if after else "")
    if _broken_by_a_comma(line, before, address, after):
        return Pasted(line.strip())
    words = [word.strip('"') for word in before + after]
    language = next((word for word in words if _language(word)), "") if len(words) > 1 else ""
    name = " ".join(word for word in words if word != language)
    return Pasted(address.strip('"'), name, language)


def _broken_by_a_comma(line: str, before: list[str], address: str, after: list[str]) -> bool:
    """Names are written with a capital letter or a space; the halves of an address are not."""
    domain = address.rpartition("@")[2]
    if before and re.search(r"[^\s,;\"][,;]" + re.escape(address), line):
        return len(before) == 1 and before[0].islower() and " " not in before[0]
    if after and "." not in domain and address + "," in line:
        return after[0].islower() and " " not in after[0]
    return False


def _named(text: str) -> Pasted:
    """`Name <address>`, or an address alone; brackets that do not match stay where they are."""
    found = _NAMED.fullmatch(text.strip())
    if found is None:
        return Pasted(text.strip())
    return Pasted(found["address"].strip(), found["name"].strip().strip('"').replace('\\"', '"').strip())


def _language(text: str) -> str:
    return text if _LANGUAGE.fullmatch(text) else ""
