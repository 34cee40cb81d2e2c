"""How long a single mail takes while another project's hundred thousand leave through the same worker and provider.

Milliseconds from its commit until it is recorded as sent, against the same mail on an idle desk. A million wait with
`--full`.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from statistics import median
from uuid import UUID

import psycopg

from benchmarks._desk import Desk, desk
from benchmarks._helper import load
from benchmarks._rounds import FULL, QUICK, result
from benchmarks._sink import sink
from undelivered.database.ids import day_bounds, day_of

WAITING = 1_000_000 if FULL else 30_000 if QUICK else 100_000
SINGLES = 20 if QUICK else 50
PAUSE_S = 0.1
PATIENCE_S = 60.0
IS_SENT = "SELECT state = 'sent' FROM delivery_notification WHERE id = %s AND id >= %s AND id < %s"


def one(it: Desk) -> float:
    """Milliseconds."""
    made = it.caller.ask("single")
    id = UUID(made["id"])
    with psycopg.ClientCursor(it.database) as cursor:
        while cursor.execute(IS_SENT, [id, *day_bounds(day_of(id))]).fetchone() != (True,):
            assert time.perf_counter() < made["stored"] + PATIENCE_S, "the mail does not leave"
            time.sleep(0.002)
    return 1000 * (time.perf_counter() - made["stored"])


def some(it: Desk) -> list[float]:
    found = []
    for _ in range(SINGLES):
        found.append(one(it))
        time.sleep(PAUSE_S)
    return sorted(found)


def main() -> None:
    with ExitStack() as stack:
        where, port = stack.enter_context(sink())
        it = stack.enter_context(desk(port))
        it.start_worker()
        one(it)  # whatever is loaded at the first one
        found = {"idle": some(it)}
        it.rest()
        it.caller.ask("fill", n=WAITING)
        it.tidy()
        it.go_on()
        found[f"{WAITING:,} before it"] = some(it)
        busy = it.database.execute(
            "SELECT EXISTS (SELECT FROM delivery_notification WHERE state = 'queued')"
        ).fetchone()
        assert busy == (True,), "the others had left before"
    for name, times in found.items():
        print(f"{name:>18}: median {median(times):.0f} ms, at most {times[-1]:.0f} ms, to {where}   (load {load()})")
    idle, beside = found.values()
    what = f"ms of a single mail beside {WAITING:,}"
    result("turns", median(beside), what, "on an idle desk", median(idle), median(beside) / median(idle))


if __name__ == "__main__":
    main()
