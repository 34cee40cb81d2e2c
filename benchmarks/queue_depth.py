"""What one notification costs, milliseconds of processor of the worker and of PostgreSQL, however many are waiting.

10,000 wait on one desk and 200,000 on another (a million with `--full`); both are let go for two seconds in turn, and
filled up again. All say the same words, so that only the queue differs.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from statistics import median

from benchmarks._desk import Desk, desk
from benchmarks._helper import cpu_s, load
from benchmarks._rounds import FULL, QUICK, ROUNDS, result
from benchmarks._sink import sink

SHALLOW = 10_000
DEEP = 1_000_000 if FULL else 60_000 if QUICK else 200_000
SECONDS = 1.5
DONE = "SELECT count(*) FROM delivery_notification WHERE state = 'sent'"
IN_HAND = "SELECT EXISTS (SELECT FROM delivery_notification WHERE state = 'sending')"


def count(it: Desk) -> int:
    row = it.database.execute(DONE).fetchone()
    assert row is not None
    return int(row[0])


def round(it: Desk) -> tuple[float, float, int]:
    """(milliseconds of processor a notification, notifications a second, how many)."""
    pids = [it.postgres.pid, *(process.pid for process in it.workers)]
    done, before = count(it), cpu_s(*pids)
    begun = it.go_on()
    time.sleep(SECONDS)
    it.rest()
    while it.database.execute(IN_HAND).fetchone() == (True,):
        time.sleep(0.02)
    took, spent = time.perf_counter() - begun, cpu_s(*pids) - before
    sent = count(it) - done
    it.caller.ask("fill", n=sent)
    return 1000 * spent / sent, sent / took, sent


def main() -> None:
    with ExitStack() as stack:
        where, port = stack.enter_context(sink())
        desks = {depth: stack.enter_context(desk(port)) for depth in (SHALLOW, DEEP)}
        for depth, it in desks.items():
            it.rest()
            it.start_worker()
            took = it.caller.ask("fill", n=depth)
            it.tidy()
            print(f"{depth:,} wait; stored at {depth / (took['ended'] - took['begun']):,.0f}/s   (load {load()})")
        found: dict[int, list[tuple[float, float, int]]] = {depth: [] for depth in desks}
        for number in range(ROUNDS + 1):
            for depth, it in desks.items():
                one = round(it)
                if number:  # the first one warms up
                    found[depth].append(one)
                    cost, rate, sent = one
                    print(
                        f"  round {number}: {depth:>9,} wait: {cost:.3f} ms, {rate:,.0f}/s, {sent:,}   (load {load()})"
                    )
        costs = {depth: median(cost for cost, _, _ in rounds) for depth, rounds in found.items()}
        ratio = median(deep[0] / shallow[0] for shallow, deep in zip(found[SHALLOW], found[DEEP], strict=True))
        for depth, cost in costs.items():
            print(f"{depth:>9,} wait: {cost:.3f} ms of processor a notification, to {where}")
        result(
            "queue_depth", costs[DEEP], f"ms/mail with {DEEP:,} queued", f"{SHALLOW:,} queued", costs[SHALLOW], ratio
        )


if __name__ == "__main__":
    main()
