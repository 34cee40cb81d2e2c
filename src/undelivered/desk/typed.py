"""What people type, made safe to keep: no control characters, no characters that mean something to us alone."""

from __future__ import annotations

import re

from undelivered.desk.bad_input import BadInput

# C0 and C1 controls but for tab and line feed; surrogates; the private use areas, in which rendering keeps its marks.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff]")
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")


def text(value: str) -> str:
    """Several lines: line ends become LF, control and private-use characters go. PostgreSQL would refuse a NUL."""
    return _UNWANTED.sub("", _LINE_ENDS.sub("\n", value)) if not value.isprintable() else value


def line(value: str) -> str:
    """One line: every run of white space becomes a blank, control and private-use characters go."""
    return " ".join(text(value).split())


def required(field: str, value: str, longest: int, missing: str) -> str:
    """`value`, if there is one and it is not too long. Raises `BadInput`, with `missing` when there is none."""
    if not value.strip():
        raise BadInput(field, missing)
    return short(field, value, longest)


def short(field: str, value: str, longest: int) -> str:
    """`value`, if it is not too long. Raises `BadInput`."""
    if len(value) > longest:
        raise BadInput(field, f"This is too long: {len(value):,} characters of {longest:,} at most.")
    return value
