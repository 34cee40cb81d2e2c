"""What PostgreSQL can hold of a text: neither NUL nor half a character, which other people's mail may have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")


def writable(text: str) -> str:
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def writable_json(value: Any) -> Any:
    """The same all the way down."""
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, Mapping):
        return {writable_json(key): writable_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [writable_json(one) for one in value]
    return value
