"""What comes back, applied: 10,000 webhooks at once become states, histories, counts and suppressions.

Undelivered in batches of 200, each in a transaction, as its readers do; the same work by Django's ORM, one by one, as
an application usually does, on the same tables of the same PostgreSQL. A usual day's mix (92 % receipts), and nothing
but bounces of dead mailboxes, each of which is blocked; and the whole mix once more, which may change nothing.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks._desk import environment, server
from benchmarks._helper import Helper
from benchmarks._rounds import Contender, Round, fewer, ratio, result, table, take_turns

EVENTS = fewer(10_000)
ONE_BY_ONE = EVENTS // 10
USUAL, BOUNCES, AGAIN = "a usual day", "bounces only", "the same again"


def round_of(helper: Helper, deed: str, n: int) -> Round:
    def round() -> dict[str, float]:
        found = {}
        for what, bounces in ((USUAL, False), (BOUNCES, True)):
            helper.ask("sent", n=n)
            took = helper.ask(deed, bounces=bounces)
            found[what] = n / (took["ended"] - took["begun"])
            if deed == "ours" and not bounces:
                took = helper.ask("again")
                found[AGAIN] = n / (took["ended"] - took["begun"])
            helper.ask("tidy")
        return found

    return round


def main() -> None:
    with ExitStack() as stack:
        url, _ = stack.enter_context(server())
        folder = Path(tempfile.mkdtemp(prefix="undelivered-benchmark-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        env = {**environment(url, folder), "DJANGO_SETTINGS_MODULE": "undelivered.settings"}
        helper = stack.enter_context(Helper("benchmarks._feedback", env))
        helper.ask("prepare")
        ours = Contender("Undelivered", round_of(helper, "ours", EVENTS))
        theirs = Contender("Django's ORM, one by one", round_of(helper, "theirs", ONE_BY_ONE))
        take_turns([ours, theirs])
        print(f"\nEvents a second; {EVENTS:,} at once, {ONE_BY_ONE:,} by the ORM.")
        rows = [(f"{ours.name}: {what}", ours, what, None) for what in (USUAL, BOUNCES, AGAIN)]
        table(
            rows
            + [(f"{theirs.name}: {what}", theirs, what, ratio(ours, what, theirs, what)) for what in (USUAL, BOUNCES)]
        )
        result(
            "feedback",
            ours.rate(USUAL),
            "events/s",
            theirs.name,
            theirs.rate(USUAL),
            ratio(ours, USUAL, theirs, USUAL),
        )


if __name__ == "__main__":
    main()
