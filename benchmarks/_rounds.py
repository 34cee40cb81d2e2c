"""Rounds: contenders take turns, so that the machine's own ups and downs meet all of them; medians are compared."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median

from benchmarks._helper import cpu_s, load

QUICK = bool(os.environ.get("BENCH_QUICK"))
FULL = bool(os.environ.get("BENCH_FULL"))
ROUNDS = 2 if QUICK else 5

#: One round of a contender: its rates by what was measured.
Round = Callable[[], dict[str, float]]


def fewer(n: int) -> int:
    """So many, or a third of it where there is little time."""
    return n // 3 if QUICK else n


@dataclass
class Contender:
    """`mails` a round; `pids`: the processes whose time is its own; `ready` and `tidy` come before and after
    a round, and are not measured."""

    name: str
    round: Round
    mails: int = 0
    pids: Callable[[], list[int | None]] | None = None
    tidy: Callable[[], object] | None = None
    ready: Callable[[], object] | None = None
    found: list[dict[str, float]] = field(default_factory=list)
    spent: list[float] = field(default_factory=list)

    def rates(self, what: str) -> list[float]:
        return [one[what] for one in self.found if what in one]

    def take_turn(self) -> None:
        if self.ready:
            self.ready()
        pids = self.pids() if self.pids else []
        before = cpu_s(*pids)
        self.found.append(self.round())
        if pids and self.mails:
            self.spent.append(1000 * (cpu_s(*pids) - before) / self.mails)
        if self.tidy:
            self.tidy()

    def rate(self, what: str) -> float:
        return median(self.rates(what))


def take_turns(contenders: Iterable[Contender], rounds: int = ROUNDS) -> None:
    contenders = list(contenders)
    print(f"load before: {load()}", flush=True)
    for number in range(1, rounds + 1):
        for one in contenders:
            one.take_turn()
            shown = ", ".join(f"{what} {rate:,.0f}/s" for what, rate in one.found[-1].items())
            if one.spent:
                shown += f", {one.spent[-1]:.2f} ms"
            print(f"  round {number}: {one.name:42} {shown}   (load {load()})", flush=True)


def ratio(ours: Contender, what: str, theirs: Contender, of: str) -> float:
    """The median of the rounds' ratios: each compares what was measured one after the other."""
    return median(a / b for a, b in zip(ours.rates(what), theirs.rates(of), strict=True))


def table(rows: Iterable[tuple[str, Contender, str, float | None]]) -> None:
    """`rows`: what it is, who, which rate, and our ratio to it. Milliseconds of processor a mail are those of the whole
    round, of all its processes and PostgreSQL, without the sink."""
    print(f"\n{'':52} {'median/s':>10} {'min':>8} {'max':>8} {'ms/mail':>8}   ours is")
    told: set[str] = set()
    for label, who, what, times in rows:
        rates = who.rates(what)
        spent = f"{median(who.spent):8.2f}" if who.spent and who.name not in told else f"{'':8}"
        told.add(who.name)
        against = "" if times is None else f"{times:.2f} x"
        print(f"{label:52} {median(rates):10,.0f} {min(rates):8,.0f} {max(rates):8,.0f} {spent}   {against}")


def result(name: str, value: float, unit: str, peer: str, peer_value: float, times: float) -> None:
    """The last line, for programs."""
    found = {"name": name, "value": _rounded(value), "unit": unit, "peer": peer, "peer_value": _rounded(peer_value)}
    print(json.dumps({**found, "ratio": round(times, 2)}))


def _rounded(value: float) -> float:
    return round(value, 1) if value >= 10 else round(value, 3)
