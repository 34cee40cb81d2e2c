"""What a worker has done since it started. Workers serve no HTTP: their heartbeat writes it where web processes read.

Two forms: the worker's own row holds all of it (`figures`), and the throughput of the site is summed over workers in
slots of five minutes that outlive them (`spread`).
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import psutil
from django.conf import settings
from psycopg import AsyncConnection

from undelivered.database.secret_key import fingerprint
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State

#: Upper bounds, in seconds, of the classes that the durations of attempts are counted in; one more is above them all.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0)
SLOT = "5 minutes"

SPREAD = f"""
INSERT INTO delivery_throughput (slot, sent, failed, retried)
VALUES (date_bin('{SLOT}', now(), '2000-01-01 00:00+00'), %s, %s, %s)
ON CONFLICT (slot) DO UPDATE SET sent = delivery_throughput.sent + excluded.sent,
    failed = delivery_throughput.failed + excluded.failed, retried = delivery_throughput.retried + excluded.retried
"""  # noqa: S608
_COLUMNS = (State.SENT, State.FAILED, State.QUEUED)


@dataclass(slots=True)
class Tally:
    """`attempted` and `ended` count; the rest shows what was counted."""

    attempts: Counter[str] = field(default_factory=Counter)  # by kind of outcome
    results: Counter[str] = field(default_factory=Counter)  # by state, with the reason where there is one
    took: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    took_s: float = 0.0
    _unspread: Counter[State] = field(default_factory=Counter)

    def attempted(self, outcome: str, seconds: float) -> None:
        """One try at handing a mail to a provider."""
        self.attempts[outcome] += 1
        self.took[bisect_left(BUCKETS, seconds)] += 1
        self.took_s += seconds

    def ended(self, state: State, reason: Reason | None) -> None:
        """A claimed notification has a verdict that is written."""
        self.results[f"{state.value}/{reason.value}" if reason else state.value] += 1
        if state in _COLUMNS:
            self._unspread[state] += 1

    def figures(self, **more: Any) -> dict[str, Any]:
        """For the worker's row. The clock is this machine's: the row's `seen_at` is the database's."""
        return {
            "attempts": dict(self.attempts),
            "results": dict(self.results),
            "took": self.took,
            "took_s": round(self.took_s, 3),
            "rss": psutil.Process().memory_info().rss,
            "clock": time.time(),
            "key": fingerprint(settings.SECRET_KEY),
            "former_keys": [fingerprint(str(key)) for key in settings.SECRET_KEY_FALLBACKS],
            "version": version("undelivered"),
            **more,
        }

    async def spread(self, connection: AsyncConnection[Any]) -> None:
        """Adds what has ended since the last time to the site's throughput."""
        if told := Counter(self._unspread):
            await connection.execute(SPREAD, [told[state] for state in _COLUMNS])
            self._unspread -= told
