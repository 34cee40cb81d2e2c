"""With everything: a comment -> its rule -> who is told -> rendered -> MIME -> sent -> recorded.

Each comment is an action as the API and the pages make it: stored, with its audit entry, the decisions on everyone
involved, and a notification for each of 10 customers (and, for what it shows, for one); in four threads of one process,
as the web server runs it. The default template, text and HTML. django-post_office renders the same words, text and
HTML, from a stored template for each recipient (`send_many`, a call for each comment) and sends them with its best
settings; it stores neither comment nor decision.
"""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks import peers
from benchmarks._desk import Desk, desk
from benchmarks._helper import Helper
from benchmarks._mails import recipient, text
from benchmarks._rounds import Contender, Round, fewer, ratio, result, table, take_turns
from benchmarks._sink import sink

EVENTS = fewer(240)
RECIPIENTS = 10
THREADS = 4
WHAT = "end to end"


def ours(it: Desk, recipients: int, events: int) -> Round:
    def round() -> dict[str, float]:
        took = it.caller.ask("comment", events=events, recipients=recipients, threads=THREADS)
        ended = it.wait()
        assert took["told"] == events * recipients, took
        return {
            "accept": took["told"] / (took["ended"] - took["begun"]),
            WHAT: took["told"] / (ended - took["begun"]),
        }

    return round


def theirs(helper: Helper, n: int) -> Round:
    def round() -> dict[str, float]:
        stored = helper.ask("in_batches", per_call=RECIPIENTS)
        sent = helper.ask("drain")
        assert sent["queued"] == 0
        accept, drain = stored["ended"] - stored["begun"], sent["ended"] - sent["begun"]
        return {"accept": n / accept, WHAT: n / (accept + drain)}

    return round


def values(event: int, to: int) -> dict[str, str]:
    return {
        "request_key": f"IT-{event}",
        "request_summary": "The printer on the second floor",
        "comment_author": "Jonas Weber",
        "comment_body": text(event, 900),
        "recipient_name": f"Customer {to}",
        "recipient_address": recipient(to),
        "request_url": f"http://127.0.0.1:8025/r/{event}.{to}",
        "notifications_off_url": f"http://127.0.0.1:8025/off/{event}.{to}",
    }


def main() -> None:
    with ExitStack() as stack:
        where, port = stack.enter_context(sink())
        it = stack.enter_context(desk(port))
        it.start_worker()
        for told in (RECIPIENTS, 1):
            it.caller.ask("open_requests", n=4 * THREADS, recipients=told)
        it.wait()
        many = Contender(f"Undelivered, {RECIPIENTS} are told", ours(it, RECIPIENTS, EVENTS), EVENTS * RECIPIENTS)
        one = Contender("Undelivered, 1 is told", ours(it, 1, EVENTS), EVENTS)
        contenders = [many, one]
        for own in contenders:
            own.pids, own.tidy = it.pids, it.tidy
            own.round()
        if peers.installed():
            env = {"BENCH_DATABASE_URL": it.url, "BENCH_SINK": str(port)}
            helper = stack.enter_context(Helper("benchmarks.peers.post_office", env, str(peers.PYTHON)))
            helper.ask("prepare")
            helper.ask("template", **it.caller.ask("same_template"))
            n = EVENTS * RECIPIENTS
            mails = [
                {"recipient": recipient(to), "values": values(event, to)}
                for event in range(EVENTS)
                for to in range(1, RECIPIENTS + 1)
            ]
            helper.ask("write_templated", mails=mails)
            pids = lambda: [helper.process.pid, it.postgres.pid]  # noqa: E731
            tidy = lambda: helper.ask("tidy")  # noqa: E731
            contenders.append(Contender("post_office, the same template", theirs(helper, n), n, pids, tidy))
        else:
            print(f"post_office: not measured, {peers.MISSING}")
        take_turns(contenders)
        peer = contenders[-1]
        rows = [
            (f"{many.name}: {WHAT}", many, WHAT, None),
            ("   until all are accepted", many, "accept", None),
            (f"{one.name}: {WHAT}", one, WHAT, None),
        ]
        if peer is not one:
            rows.append((f"{peer.name}: {WHAT}", peer, WHAT, ratio(many, WHAT, peer, WHAT)))
            rows.append(("   until all are accepted", peer, "accept", ratio(many, "accept", peer, "accept")))
        print(f"\nTo {where}.")
        table(rows)
        result("rendered", many.rate(WHAT), "mails/s", peer.name, peer.rate(WHAT), ratio(many, WHAT, peer, WHAT))


if __name__ == "__main__":
    main()
