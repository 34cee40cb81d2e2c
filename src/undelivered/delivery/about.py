"""Which notification a task is about: every log line of the task says so (`ops.logs` adds it), whoever writes it."""

from __future__ import annotations

from contextvars import ContextVar

#: Set at the start of a task of one notification; tasks have a context of their own, so nothing resets it.
NOTIFICATION: ContextVar[str] = ContextVar("notification", default="")
