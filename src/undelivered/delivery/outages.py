"""What says that the database is away, or busy with itself: the same again later will do."""

from __future__ import annotations

import psycopg

OUTAGES = (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError, OSError)


def short(error: BaseException) -> str:
    """What is logged of it."""
    return " ".join(str(error).split())[:200] or type(error).__name__
