"""Notifications a second that the API takes over HTTP, durably, one a call and a hundred a call.

Against a bare Django view that stores one row a call, on the same server (granian, two processes), the same database
with fsync on, called by the same program over 16 kept connections. Ours checks the token, the body and every field, and
stores a notification with its words, its first line of history and its count.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks._calls import calls, request
from benchmarks._desk import Desk, desk
from benchmarks._helper import ROOT, end
from benchmarks._mails import mails
from benchmarks._rounds import QUICK, Contender, ratio, result, table, take_turns

PROCESSES = 2
SECONDS = 2.0 if QUICK else 4.0
PER_CALL = 100


@contextmanager
def served(command: list[str], port: int, env: dict[str, str]) -> Iterator[int]:
    process = subprocess.Popen(command, cwd=ROOT, env=env)
    try:
        wait_for(port, process)
        yield port
    finally:
        end(process)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until a server listens there."""
    while True:
        assert process.poll() is None, "the server ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    latencies: dict[str, list[dict[str, float]]] = {}

    def called(name: str, port: int, said: bytes, times: int = 1) -> Contender:
        def round() -> dict[str, float]:
            found = calls(port, said, seconds=SECONDS)
            latencies.setdefault(name, []).append(found)
            return {"notifications": found["rate"] * times}

        return Contender(name, round, tidy=it.tidy)

    with ExitStack() as stack:
        it = stack.enter_context(desk(25))  # nothing is sent here
        port, bare_port = free_port(), free_port()
        stack.enter_context(served_by_us(it, port))
        bare = [sys.executable, "-m", "benchmarks.peers.bare_view", str(bare_port), str(PROCESSES)]
        stack.enter_context(served(bare, bare_port, {**it.env, "BENCH_DATABASE_URL": it.url}))
        path = "/api/v1/projects/IT/notifications"
        made = mails(PER_CALL, 4096)
        one, many = {"notifications": made[:1]}, {"notifications": made}
        single = called("Undelivered, 1 a call", port, request(path, one, it.token))
        batch = called(f"Undelivered, {PER_CALL} a call", port, request(path, many, it.token), PER_CALL)
        view = called("bare Django view, 1 row a call", bare_port, request("/store", one))
        take_turns([single, view, batch])
        what = "notifications"
        to_view = ratio(single, what, view, what)
        to_single = ratio(batch, what, single, what)
        table(
            [
                (single.name, single, what, None),
                (f"{view.name} (ours: 1 a call)", view, what, to_view),
                (f"{batch.name} (to 1 a call)", batch, what, to_single),
            ]
        )
        for name, found in latencies.items():
            print(f"{name}: p50 {found[-1]['p50']:.1f} ms, p99 {found[-1]['p99']:.1f} ms with 16 callers at once")
        result("api", single.rate(what), "notifications/s", view.name, view.rate(what), to_view)


@contextmanager
def served_by_us(it: Desk, port: int) -> Iterator[int]:
    env = {**it.env, "UNDELIVERED_WEB_PORT": str(port), "UNDELIVERED_WEB_PROCESSES": str(PROCESSES)}
    with served([sys.executable, "-m", "undelivered", "web"], port, env) as there:
        yield there


if __name__ == "__main__":
    main()
