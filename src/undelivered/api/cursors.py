"""Cursors of the lists that page by a numeric id: opaque to callers, and refused where they belong to another list."""

from __future__ import annotations

import base64
import re

from undelivered.api.errors import ApiError

_MAX = 2**63 - 1


def write(listing: str, before: int | None) -> str | None:
    """The cursor of the page that begins below `before`; None (no further page) for None."""
    if before is None:
        return None
    return base64.urlsafe_b64encode(f"{listing}:{before}".encode()).decode().rstrip("=")


def read(listing: str, cursor: str | None) -> int | None:
    if not cursor:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except ValueError:
        raise bad() from None
    found = re.fullmatch(rf"{re.escape(listing)}:([0-9]{{1,19}})", text)
    if not found or int(found[1]) > _MAX:
        raise bad()
    return int(found[1])


def bad() -> ApiError:
    return ApiError.of_field(
        "cursor", "This is not a cursor of this list. Take `next` of an earlier answer, unchanged."
    )
