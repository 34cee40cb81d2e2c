"""PostgreSQL is stopped for a minute while mail comes in through the SMTP door, as help desks send it.

`value` is the number of mails lost, `peer_value` that of mails refused, `ratio` the longest that a client waited, in
seconds. `AWAY=60` sets for how many seconds it is away. Everything else runs as ever: workers try, and send what waited
afterwards.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import psycopg

from benchmarks._desk import desk
from benchmarks.crash import Load, Sink, drain, free_port, turn
from undelivered.ops.supervisor import Supervisor

SENDERS = 4


class Timed(Load):
    """Sends as `Load`, and knows how long each mail took."""

    def by_door(self) -> None:
        while not self.stopped.is_set():
            begun = time.monotonic()
            self.one_by_door()
            self.slowest = max(self.slowest, time.monotonic() - begun)
            self.stopped.wait(0.01)

    slowest = 0.0


def main() -> None:
    seconds = float(os.environ.get("AWAY", "60"))
    sink = Sink()
    sink.start()
    sink.ready.wait(10)
    web, door = free_port(), free_port()
    ports = {"UNDELIVERED_WEB_PORT": str(web), "UNDELIVERED_SMTP_PORT": str(door)}
    quiet = {"UNDELIVERED_LOG_LEVEL": "ERROR", "UNDELIVERED_SMTP_AUTH_WITHOUT_TLS": "yes"}
    with ExitStack() as stack:
        made = stack.enter_context(desk(sink.port, **ports, **quiet))
        command = [sys.executable, "-m", "undelivered", "smtp-credential", "create", "--project", "IT"]
        login = subprocess.run(command, env=made.env, capture_output=True, text=True, check=True).stdout.split()
        supervisor = Supervisor(made.env, lambda text: None)
        stack.callback(supervisor.stop)
        for name, what in (("worker", "worker"), ("door", "smtp")):
            supervisor.add(name, what)
        turn(supervisor, made.postgres, 6)
        load = Timed(web, door, made.token, (login[0], login[1]))
        threads = [threading.Thread(target=load.by_door, daemon=True) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        turn(supervisor, made.postgres, 5)
        made.database.close()
        before = len(load.accepted)
        made.postgres.stop()
        away = time.monotonic()
        while time.monotonic() - away < seconds:
            supervisor.check()
            time.sleep(0.1)
        during = len(load.accepted) - before
        made.postgres.start()
        away = time.monotonic() - away
        turn(supervisor, made.postgres, 5)
        load.stopped.set()
        for thread in threads:
            thread.join(60)
        drained = drain(supervisor, made, load, sink)
        report(load, sink, away, during, drained, made.url)


def report(load: Timed, sink: Sink, away: float, during: int, drained: float, url: str) -> None:
    lost = [name for name in load.accepted if name not in sink.seen]
    refused = sum(load.refused.values()) + len(load.unsure)
    with psycopg.connect(url) as connection:
        states = connection.execute("SELECT state, count(*) FROM delivery_notification GROUP BY 1").fetchall()
    print(f"PostgreSQL away for {away:.0f} s; accepted {len(load.accepted):,}, of these meanwhile {during:,}")
    print(
        f"refused {dict(load.refused)}, not answered {len(load.unsure)}; a client waited {load.slowest:.1f} s at most"
    )
    print(f"lost {len(lost)}, sent twice {sum(sink.seen.values()) - len(sink.seen)}; states {dict(states)}")
    print(f"everything had arrived {drained:.0f} s after the last mail came in")
    shown = {"name": "outage", "value": len(lost), "unit": "mails lost", "peer": "refused", "peer_value": refused}
    print(json.dumps({**shown, "ratio": round(load.slowest, 2)}))


if __name__ == "__main__":
    main()
