"""A relay's whole work: mail comes in by SMTP, is durable before the answer, goes out to a sink and is recorded.

Against Postfix, which does the same, with its default tuning. smtp-source hands over mails of 4 KB over 10 connections
that are kept; a door takes them and a worker sends them, two processes of ours. From the first connection until the
last result is written: a row for each mail here, a line of the log there. Postfix keeps its queue on the same disk as
PostgreSQL, which has fsync on.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks._desk import Desk, desk
from benchmarks._helper import ROOT, end
from benchmarks._rounds import Contender, Round, fewer, ratio, result, table, take_turns
from benchmarks._sink import sink, tool
from benchmarks.api import free_port, wait_for
from benchmarks.peers import postfix
from benchmarks.pipeline import END, SIZE, flood, relayed

MAILS = fewer(4000)
OF_POSTFIX = fewer(1500)


@contextmanager
def door(it: Desk, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`undelivered smtp`, when it answers."""
    env = {**it.env, "UNDELIVERED_SMTP_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "undelivered", "smtp"], cwd=ROOT, env=env)
    try:
        wait_for(port, process)
        yield process
    finally:
        end(process)


def ours(it: Desk, port: int) -> Round:
    def round() -> dict[str, float]:
        begun, accepted = flood(port, MAILS)
        ended = it.wait()
        return {"accept": MAILS / (accepted - begun), END: MAILS / (ended - begun)}

    return round


def main() -> None:
    if missing := postfix.why_not() or ("" if tool("smtp-source") else "smtp-source is not to be had here"):
        print(f"Postfix: not measured, {missing}")
        result("relay", 0, "mails/s", "Postfix", 0, 0)
        return
    with ExitStack() as stack:
        where, sink_port = stack.enter_context(sink())
        it = stack.enter_context(desk(sink_port))
        it.caller.ask("trust")
        it.start_worker()
        port = free_port()
        process = stack.enter_context(door(it, port))
        relay = stack.enter_context(postfix.relay(sink_port))
        own = Contender("Undelivered, door and worker", ours(it, port), MAILS, lambda: [process.pid, *it.pids()])
        own.tidy = it.tidy
        peer = Contender("Postfix", relayed(relay, OF_POSTFIX), OF_POSTFIX, lambda: [relay.pid])
        own.round()
        take_turns([own, peer])
        print(f"\nMails of {SIZE} bytes to {where}.")
        times = ratio(own, END, peer, END)
        table(
            [
                (f"{own.name}: {END}", own, END, None),
                ("   accepting, while a worker sends", own, "accept", None),
                (f"{peer.name}: {END}", peer, END, times),
            ]
        )
        result("relay", own.rate(END), "mails/s", peer.name, peer.rate(END), times)


if __name__ == "__main__":
    main()
