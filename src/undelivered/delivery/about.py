"""Which notification a task is about now: every log line of it says so (`ops.logs` adds it), whoever writes it."""

from __future__ import annotations

from contextvars import ContextVar

#: Set at the start of work on one notification; tasks have a context of their own, so nothing resets it.
NOTIFICATION: ContextVar[str] = ContextVar("notification", default="")
