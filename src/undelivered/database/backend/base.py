"""Whether a connection that was kept still lives is seen from its socket, instead of asked at every request.

A server that ends or restarts closes its connections, so there is something to read where nothing was asked for. Asking
costs a round trip, a fifth of a short API call. What the socket does not tell is noticed by the statement that follows,
as with a question.
"""

from __future__ import annotations

import select

import psycopg
from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        return self._is_silent() or bool(super().is_usable())

    def _is_silent(self) -> bool:
        """False where the server has said something that nobody asked for, or nobody can tell."""
        if self.connection is None or self.connection.closed or self.errors_occurred:
            return False
        try:
            poll = select.poll()
            poll.register(self.connection.fileno(), select.POLLIN)
            return not poll.poll(0)
        except (psycopg.Error, OSError, ValueError):
            return False
