"""Whether a connection that was kept still lives is seen from its socket (see `database.liveness`)."""

from __future__ import annotations

from django.db.backends.postgresql import base

from undelivered.database.liveness import is_silent


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        trusted = self.connection is not None and not self.errors_occurred
        return (trusted and is_silent(self.connection)) or bool(super().is_usable())
