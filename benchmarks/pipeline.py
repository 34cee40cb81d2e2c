"""Mails of 4 KB, written before: accepted durably -> sent to a sink -> recorded, against what one would pick instead.

All use one PostgreSQL with fsync on (Postfix its own queue on the same disk), one sink on loopback, and take turns.
Ours is the API's batch call, 200 mails at a time, through the whole application in one process, while one worker
sends; then the same without HTTP and JSON, and the worker's part alone. From the first call until the last result is
written.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks import peers
from benchmarks._desk import Desk, desk
from benchmarks._helper import ROOT, Helper, cpu_s, end
from benchmarks._rounds import Contender, Round, fewer, ratio, result, table, take_turns
from benchmarks._sink import sink, tool
from benchmarks.peers import postfix, redis

SIZE = 4096
PER_CALL = 200
MAILS = fewer(10_000)  # two seconds, as the others take
END = "end to end"
Pids = Callable[[], list[int | None]]


def ours(it: Desk, way: str) -> Round:
    """Accepted while a worker sends."""

    def round() -> dict[str, float]:
        took = it.caller.ask(way)
        ended = it.wait()
        return {"accept": MAILS / (took["ended"] - took["begun"]), END: MAILS / (ended - took["begun"])}

    return round


def drained(it: Desk) -> Round:
    """Everything is accepted, then the provider is let go."""

    def round() -> dict[str, float]:
        it.rest()
        it.caller.ask("directly")
        begun = it.go_on()
        ended = it.wait()
        return {"drain": MAILS / (ended - begun)}

    return round


def post_office(helper: Helper, n: int) -> Round:
    def round() -> dict[str, float]:
        stored = helper.ask("in_batches", per_call=1000)
        sent = helper.ask("drain")
        assert sent["queued"] == 0
        took, drain = stored["ended"] - stored["begun"], sent["ended"] - sent["begun"]
        return {"accept": n / took, "drain": n / drain, END: n / (took + drain)}

    return round


def post_office_singly(helper: Helper, n: int) -> Round:
    """As most programs call it: `send` for each mail."""

    def round() -> dict[str, float]:
        stored = helper.ask("one_by_one")
        sent = helper.ask("drain")
        assert sent["queued"] == 0
        took = stored["ended"] - stored["begun"] + sent["ended"] - sent["begun"]
        return {"accept": n / (stored["ended"] - stored["begun"]), END: n / took}

    return round


@dataclass
class Celery:
    """A helper that enqueues, and a worker that is started for each round."""

    helper: Helper
    n: int
    env: dict[str, str]
    pool: tuple[str, ...]
    worker: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.stop()
        command = [
            str(peers.PYTHON),
            "-m",
            "celery",
            "-A",
            "benchmarks.peers.outbox",
            "worker",
            *self.pool,
            "-l",
            "ERROR",
        ]
        self.worker = subprocess.Popen(
            [*command, "--without-gossip", "--without-mingle", "--without-heartbeat"],
            cwd=ROOT,
            env={**os.environ, **self.env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.helper.ask("first")  # it is there, and its connections are open

    def stop(self) -> None:
        if self.worker:
            end(self.worker)
            self.worker = None

    def pids(self) -> list[int | None]:
        assert self.worker
        return [self.helper.process.pid, self.worker.pid]

    def round(self) -> dict[str, float]:
        if "BENCH_TUNED" in self.env:
            stored = self.helper.ask("in_batches", per_call=PER_CALL)
        else:
            stored = self.helper.ask("one_by_one")
        sent = self.helper.ask("wait")
        assert sent["queued"] == 0
        return {
            "accept": self.n / (stored["ended"] - stored["begun"]),
            END: self.n / (sent["ended"] - stored["begun"]),
        }

    def tidy(self) -> None:
        self.stop()
        self.helper.ask("tidy")


def relayed(relay: postfix.Relay, n: int) -> Round:
    def round() -> dict[str, float]:
        begun, _ = flood(relay.port, n)
        return {END: n / (relay.wait(n) - begun)}

    return round


def straight(port: int, n: int) -> Round:
    """The limit of C: nothing is kept, nothing is recorded."""

    def round() -> dict[str, float]:
        begun, ended = flood(port, n)
        return {END: n / (ended - begun)}

    return round


def flood(port: int, n: int) -> tuple[float, float]:
    """smtp-source, 10 sessions that are kept."""
    import time

    found = tool("smtp-source")
    assert found is not None
    addresses = ["-f", "desk@example.com", "-t", "ann@customer.example"]
    command = [found.path, "-d", "-s", "10", "-m", str(n), "-l", str(SIZE), *addresses, f"127.0.0.1:{port}"]
    begun = time.perf_counter()
    subprocess.run(command, check=True, env=found.env or None)
    return begun, time.perf_counter()


def rivals(stack: ExitStack, it: Desk, port: int) -> dict[str, Contender]:
    """Those that can be measured on this machine; why not, of the others."""
    found: dict[str, Contender] = {}
    env = {"BENCH_DATABASE_URL": it.url, "BENCH_SINK": str(port)}
    missing = "" if peers.installed() else peers.MISSING
    no_source = "" if tool("smtp-source") else "smtp-source is not to be had here"

    def helper(module: str, env: dict[str, str], n: int) -> Helper:
        one = stack.enter_context(Helper(module, env, str(peers.PYTHON)))
        one.ask("prepare")
        one.ask("write", n=n, size=SIZE)
        return one

    def add(name: str, n: int, round: Round, one: Helper | None = None, more: Pids = list) -> None:
        pids = (lambda: [one.process.pid, it.postgres.pid, *more()]) if one else more
        found[name] = Contender(name, round, n, pids, (lambda: one.ask("tidy")) if one else None)

    if missing:
        print(f"post_office and Celery: not measured, {missing}")
    else:
        for name, way, n in (("post_office", post_office, 3000), ("post_office, send()", post_office_singly, 1000)):
            n = fewer(n)
            one = helper("benchmarks.peers.post_office", env, n)
            add(name, n, way(one, n), one)
    if missing or (missing := redis.why_not()):
        print(f"Celery: not measured, {missing}")
    else:
        with_redis = {**env, "BENCH_REDIS": stack.enter_context(redis.redis())}
        for name, n, pool, more in (
            ("Celery, as usual", 300, ("-c", "2"), {}),
            ("Celery, tuned, 2 processes", 900, ("-c", "2"), {"BENCH_TUNED": "1"}),
            ("Celery, tuned, 16 threads", 900, ("-P", "threads", "-c", "16"), {"BENCH_TUNED": "1"}),
        ):
            n = fewer(n)
            own = {**with_redis, **more}
            one = Celery(helper("benchmarks.peers.outbox", own, n), n, own, pool)
            stack.callback(one.stop)
            found[name] = Contender(name, one.round, n, one.pids, one.tidy, one.start)
    if missing := no_source or postfix.why_not():
        print(f"Postfix: not measured, {missing}")
    else:
        relay = stack.enter_context(postfix.relay(port))
        add("Postfix", fewer(1500), relayed(relay, fewer(1500)), more=lambda: [relay.pid])
    if not no_source:
        add("smtp-source", fewer(20_000), straight(port, fewer(20_000)))
    return found


def processor(it: Desk, measure: Round) -> dict[str, float]:
    """Milliseconds of processor a mail, by who spends them."""
    pids: dict[str, Any] = {
        "application": it.caller.process.pid,
        "worker": it.workers[0].pid,
        "PostgreSQL": it.postgres.pid,
    }
    before = {name: cpu_s(pid) for name, pid in pids.items()}
    measure()
    return {name: 1000 * (cpu_s(pid) - before[name]) / MAILS for name, pid in pids.items()}


def main() -> None:
    with ExitStack() as stack:
        where, port = stack.enter_context(sink())
        it = stack.enter_context(desk(port))
        it.start_worker()
        it.caller.ask("write", n=MAILS, per_call=PER_CALL, size=SIZE)
        of_ours = {"mails": MAILS, "pids": it.pids, "tidy": it.tidy}
        api = Contender("Undelivered, batch API", ours(it, "by_api"), **of_ours)
        direct = Contender("Undelivered, without HTTP and JSON", ours(it, "directly"), **of_ours)
        drain = Contender("Undelivered, draining alone", drained(it), **of_ours)
        others = rivals(stack, it, port)
        api.round()
        take_turns([api, direct, drain, *others.values()])
        spent = processor(it, api.round)
        it.tidy()
        print(f"\nMails of {SIZE} bytes to {where}.")
        rows = [
            (f"{api.name}: {END}", api, END, None),
            ("   accepting, while a worker sends", api, "accept", None),
            (f"{direct.name}: {END}", direct, END, None),
            (drain.name, drain, "drain", None),
        ]
        for name, other in others.items():
            if name == "smtp-source":
                rows.append(("smtp-source -> sink (ours: draining)", other, END, ratio(drain, "drain", other, END)))
            else:
                rows.append((f"{name}: {END}", other, END, ratio(api, END, other, END)))
            if name == "post_office":
                rows.append(("   draining (ours: draining)", other, "drain", ratio(drain, "drain", other, "drain")))
        table(rows)
        shown = ", ".join(f"{name} {ms:.3f}" for name, ms in spent.items())
        print(f"\nMilliseconds of processor a mail, {api.name}: {shown}; the worker holds {it.memory() / 1e6:.0f} MB.")
        peer = max(
            (one for name, one in others.items() if "post_office" in name), key=lambda o: o.rate(END), default=api
        )
        result("pipeline", api.rate(END), "mails/s", peer.name, peer.rate(END), ratio(api, END, peer, END))


if __name__ == "__main__":
    main()
