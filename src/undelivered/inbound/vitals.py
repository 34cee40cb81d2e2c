"""How what comes in stands: for metrics and the System page. Bounded queries, on Django's connection."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from undelivered.delivery import claim

#: Not more are counted.
MOST = 100_000
#: The index of the queue has the rows that wait, and no others.
WAITING = """
SELECT count(*) FILTER (WHERE due_at <= now()), count(*) FILTER (WHERE due_at > now()),
    coalesce(extract(epoch FROM now() - min(due_at)), 0)
FROM (SELECT due_at FROM inbound_arrival WHERE state = 'new' AND id >= %s AND id < %s ORDER BY due_at, id LIMIT %s) w
"""


@dataclass(frozen=True, slots=True)
class Unread:
    """Arrivals that wait. `later`: put off, because the notification had not left, or the reading broke."""

    due: int
    later: int
    oldest_due_s: float


def unread() -> Unread:
    bounds = claim.bounds(settings.ENV.keep_days)
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [bounds["low"], bounds["high"], MOST])
        due, later, oldest = cursor.fetchone()
    return Unread(due, later, max(0.0, float(oldest)) if due else 0.0)
