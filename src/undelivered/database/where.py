"""Where PostgreSQL is: the URL that was given, or the embedded one of the data folder."""

from __future__ import annotations

from undelivered.database import embedded
from undelivered.env import Env

NOT_RUNNING = "postgresql://undelivered@/undelivered?host=/nonexistent"


def running_url(env: Env) -> str:
    """URL of the database. Where the embedded one is not running, a URL that no server answers.

    Commands that need the database ask `require` first, for a sentence instead of a failed connection.
    """
    if env.database_url:
        return env.database_url
    try:
        return embedded.attach(env.data_dir)
    except embedded.EmbeddedError:
        return NOT_RUNNING


def require(env: Env) -> str:
    """URL of the database; raises `EmbeddedError` with what to do where none is running."""
    return env.database_url or embedded.attach(env.data_dir)
