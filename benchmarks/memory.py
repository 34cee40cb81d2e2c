"""What a worker holds at full speed, mail after mail of 4 KB: whether it stays below 150 MB, and flat.

200,000 mails by default, a million with `--full`. Contents are thrown away when all of a tenth are sent, to spare the
disk: the worker does not see that.
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

from benchmarks._desk import Desk, desk
from benchmarks._helper import load
from benchmarks._rounds import FULL, QUICK, result
from benchmarks._sink import sink

MAILS = 1_000_000 if FULL else 30_000 if QUICK else 200_000
TENTHS = 10
AT_ONCE = 3_000
LIMIT_MB = 150


class Watch(threading.Thread):
    """The most that the worker holds, looked at every 50 ms."""

    def __init__(self, it: Desk) -> None:
        super().__init__(daemon=True)
        self.it, self.most, self.over = it, 0, False

    def run(self) -> None:
        while not self.over:
            self.most = max(self.most, self.it.memory())
            time.sleep(0.05)


def main() -> None:
    with ExitStack() as stack:
        where, port = stack.enter_context(sink())
        it = stack.enter_context(desk(port))
        it.start_worker()
        it.caller.ask("write", n=AT_ONCE, per_call=200)
        begins = it.memory() / 1e6
        print(f"{MAILS:,} mails to {where}; load before: {load()}; after its start the worker holds {begins:.0f} MB")
        most = []
        for tenth in range(1, TENTHS + 1):
            watch = Watch(it)
            watch.start()
            begun = time.perf_counter()
            for _ in range(MAILS // TENTHS // AT_ONCE):
                it.caller.ask("directly")
            ended = it.wait()
            watch.over = True
            watch.join()
            sent = MAILS // TENTHS // AT_ONCE * AT_ONCE
            most.append(watch.most / 1e6)
            rate = sent / (ended - begun)
            print(f"  tenth {tenth:2}: {most[-1]:6.1f} MB at most, {rate:,.0f} mails/s   (load {load()})", flush=True)
            it.database.execute("TRUNCATE delivery_content")
            it.tidy()
        print(f"at most {max(most):.1f} MB; the limit is {LIMIT_MB} MB")
        result("memory", most[-1], "MB", "the same worker in the second tenth", most[1], most[-1] / most[1])


if __name__ == "__main__":
    main()
