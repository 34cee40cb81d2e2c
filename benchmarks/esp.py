"""How many mails a second an email service's API is handed, against Anymail used plainly in a pool of threads.

A loopback API in a process of its own answers each request after 50 ms, as Postmark would. 4 KB mails, text and HTML,
from the words to the outcome; connections are kept by both. With as many requests at once as a provider has by default,
and with twice as many: then the processor, and no longer the latency, is what counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks._helper import Helper, end
from benchmarks._rounds import Contender, Round, fewer, ratio, result, table, take_turns
from undelivered.delivery.transports.esp_url import USUAL_CONNECTIONS

LATENCY_S = 0.05
MAILS = fewer(1500)
USUAL, TWICE = f"{USUAL_CONNECTIONS} at once", f"{2 * USUAL_CONNECTIONS} at once"


@contextmanager
def api() -> Iterator[int]:
    """The port of an API on loopback."""
    command = [sys.executable, "-m", "benchmarks._api", str(LATENCY_S)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield int(process.stdout.readline())
    finally:
        end(process)


def round_of(helper: Helper, deed: str, port: int) -> Round:
    def round() -> dict[str, float]:
        wanted = ((USUAL, USUAL_CONNECTIONS), (TWICE, 2 * USUAL_CONNECTIONS))
        return {what: helper.ask(deed, port=port, n=MAILS, at_once=n)["rate"] for what, n in wanted}

    return round


def main() -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="undelivered-benchmark-")))
        env = {**os.environ, "UNDELIVERED_SECRET_KEY": "benchmark", "UNDELIVERED_DATA_DIR": str(folder)}
        env["UNDELIVERED_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"  # no database is asked for anything
        port = stack.enter_context(api())
        sides = {deed: stack.enter_context(Helper("benchmarks._esp", env)) for deed in ("ours", "theirs")}
        ours, theirs = (
            Contender(name, round_of(sides[deed], deed, port), 2 * MAILS, lambda deed=deed: [sides[deed].process.pid])  # type: ignore[misc]
            for name, deed in (("Undelivered", "ours"), ("Anymail in threads", "theirs"))
        )
        take_turns([ours, theirs])
        print(f"\nMails a second to an API that answers after {1000 * LATENCY_S:g} ms.")
        rows = [(f"{ours.name}: {what}", ours, what, None) for what in (USUAL, TWICE)]
        against = [(f"{theirs.name}: {what}", theirs, what, ratio(ours, what, theirs, what)) for what in (USUAL, TWICE)]
        table([*rows, *against])
        result("esp", ours.rate(TWICE), "mails/s", theirs.name, theirs.rate(TWICE), ratio(ours, TWICE, theirs, TWICE))


if __name__ == "__main__":
    main()
