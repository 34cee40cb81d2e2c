"""Kills at random, under load: workers, web, the SMTP door and PostgreSQL, by SIGKILL, one every second or two.

Mails come in through the API and through the door, each with a name as its subject, and go out to a sink that notes
the names, and the Message-ID of each. What was answered 2xx or 250 must arrive, a copy of it under the same
Message-ID. `value` is the number of mails lost, `ratio` the duplicates for each kill; `KILLS=200` sets how many.

Kills are not power cuts: what the kernel holds reaches the disk. Nothing here says anything about those.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import random
import re
import smtplib
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import psycopg

from benchmarks._desk import desk
from undelivered.ops.supervisor import Child, Supervisor

_ID = re.compile(rb"^Message-ID:\s*<([^>]+)>", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(rb"^Subject: *([0-9a-f]{32}(?:-\d+)?)\r$", re.MULTILINE)
DRAIN_S = 240.0


class Sink(threading.Thread):
    """An SMTP server that says yes and notes the name and the Message-ID of every mail that it has said 250 to."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: Counter[str] = Counter()
        self.ids: defaultdict[str, set[bytes]] = defaultdict(set)
        self.port, self.ready = 0, threading.Event()

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        await server.serve_forever()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 sink.example ESMTP\r\n")
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    writer.write(b"354 Go on\r\n")
                    mail = await reader.readuntil(b"\r\n.\r\n")
                    if (named := _NAME.search(mail)) and (found := _ID.search(mail)):
                        self.seen[named[1].decode()] += 1
                        self.ids[named[1].decode()].add(found[1])
                writer.write(b"250-sink.example\r\n250 8BITMIME\r\n" if verb == b"EHLO" else b"250 2.0.0 Ok\r\n")
                if verb == b"QUIT":
                    break
            writer.close()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.close()


@dataclass
class Load:
    """What was accepted, by the names in the subjects, and what nobody can tell: the line broke before the answer."""

    web: int
    door: int
    token: str
    login: tuple[str, str]
    accepted: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)
    stopped: threading.Event = field(default_factory=threading.Event)

    def by_api(self) -> None:
        """Batches of fifty; one without an answer is repeated under its key until there is one."""
        while not self.stopped.is_set():
            key = uuid.uuid4().hex
            names = [f"{key}-{n}" for n in range(50)]
            mail = {"kind": "request", "name": "Parcel ready", "recipient": "ann@example.com", "text": "Text. " * 200}
            body = json.dumps({"notifications": [{**mail, "subject": name} for name in names]}).encode()
            while not self.stopped.is_set():
                try:
                    status, answer = self._post(body, key)
                except (OSError, http.client.HTTPException):
                    self.stopped.wait(0.05)
                    continue
                if status == 202:
                    assert len(json.loads(answer)["items"]) == len(names)
                    self.accepted |= set(names)
                    break
                self.refused[f"HTTP {status}"] += 1
                self.stopped.wait(0.2)
            self.stopped.wait(0.02)

    def _post(self, body: bytes, key: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.web, timeout=30)
        try:
            headers = {
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "Idempotency-Key": key,
            }
            connection.request("POST", "/api/v1/projects/IT/notifications", body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def by_door(self) -> None:
        while not self.stopped.is_set():
            self.one_by_door()
            self.stopped.wait(0.01)

    def one_by_door(self) -> None:
        """A mail over a connection of its own, as help desks send."""
        name = uuid.uuid4().hex
        id = f"Message-ID: <{name}@example.com>"
        head = f"From: desk@example.com\r\nTo: bo@example.com\r\n{id}\r\nSubject: {name}\r\n"
        mail = f"{head}\r\n{'Text. ' * 200}\r\n"
        handed = False
        try:
            with smtplib.SMTP("127.0.0.1", self.door, timeout=30) as door:
                door.login(*self.login)
                handed = True
                door.sendmail("desk@example.com", ["bo@example.com"], mail)
                self.accepted.add(name)
        except smtplib.SMTPResponseException as error:
            self.refused[f"SMTP {error.smtp_code}"] += 1
        except (OSError, smtplib.SMTPException):
            if handed:
                self.unsure.add(name)
            else:
                self.refused["no connection"] += 1
            self.stopped.wait(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kill_one(dice: random.Random, supervisor: Supervisor, postgres: Any) -> str:
    """Kills a process that lives; its name."""
    alive: list[Child | None] = [child for child in supervisor.children if child.alive]
    victim = dice.choice([*alive, None])
    if victim is None:
        pid = postgres.pid
        if pid:
            os.kill(pid, 9)
        return "PostgreSQL"
    assert victim.process is not None
    victim.process.kill()
    return victim.name


def turn(supervisor: Supervisor, postgres: Any, seconds: float) -> None:
    """Lets the supervisors work for a while."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        supervisor.check()
        for child in supervisor.children:
            child.deaths = 0  # a kill a second is no reason to wait longer and longer
        postgres.check()
        time.sleep(0.1)


def work_a_while(supervisor: Supervisor, postgres: Any, load: Load, seconds: float) -> None:
    """At least so long, and until mail comes in again: on a slow machine a kill would meet nothing but starts."""
    before, deadline = len(load.accepted), time.monotonic() + 10
    turn(supervisor, postgres, seconds)
    while len(load.accepted) < before + 25 and time.monotonic() < deadline:
        turn(supervisor, postgres, 0.2)


def main() -> None:
    kills, dice = int(os.environ.get("KILLS", "200")), random.Random(int(os.environ.get("SEED", "1")))
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
        for name, what in (("web", "web"), ("worker A", "worker"), ("worker B", "worker"), ("door", "smtp")):
            supervisor.add(name, what)
        turn(supervisor, made.postgres, 6)
        load = Load(web, door, made.token, (login[0], login[1]))
        threads = [threading.Thread(target=work, daemon=True) for work in (load.by_api, load.by_door)]
        for thread in threads:
            thread.start()
        killed: Counter[str] = Counter()
        begun = time.monotonic()
        for _ in range(kills):
            work_a_while(supervisor, made.postgres, load, dice.uniform(0.5, 2.0))
            killed[kill_one(dice, supervisor, made.postgres)] += 1
        turn(supervisor, made.postgres, 3)
        load.stopped.set()
        for thread in threads:
            thread.join(60)
        drained = drain(supervisor, made, load, sink)
        report(load, sink, killed, time.monotonic() - begun, drained, made.url)


def drain(supervisor: Supervisor, made: Any, load: Load, sink: Sink) -> float:
    """Until everything that was accepted has arrived, or the patience ends; how long it took."""
    begun = time.monotonic()
    while time.monotonic() - begun < DRAIN_S:
        turn(supervisor, made.postgres, 0.5)
        if len(sink.seen) >= len(load.accepted) and not missing(load, sink):
            break
    turn(supervisor, made.postgres, 3)
    return time.monotonic() - begun


def missing(load: Load, sink: Sink) -> list[str]:
    """What was accepted and has not arrived."""
    return [name for name in load.accepted if name not in sink.seen]


def report(load: Load, sink: Sink, killed: Counter[str], seconds: float, drained: float, url: str) -> None:
    lost = missing(load, sink)
    twice = {name: n - 1 for name, n in sink.seen.items() if n > 1}
    with psycopg.connect(url) as connection:
        states = connection.execute("SELECT state, count(*) FROM delivery_notification GROUP BY 1").fetchall()
        redone = connection.execute(
            "SELECT count(*) FROM (SELECT notification_id FROM delivery_deliveryevent WHERE type = 'accepted'"
            " GROUP BY 1 HAVING count(*) > 1) t"
        ).fetchone()
    print(f"{sum(killed.values())} kills in {seconds:.0f} s: {dict(killed)}")
    print(f"accepted {len(load.accepted):,}, not answered {len(load.unsure)}, refused {dict(load.refused)}")
    print(f"arrived {len(sink.seen):,}; all of them {drained:.0f} s after the last kill; states {dict(states)}")
    copies, other = sum(twice.values()), sum(len(ids) - 1 for ids in sink.ids.values())
    print(f"lost {len(lost)}, copies {copies}, of these under another Message-ID {other}, accepted twice {redone}")
    ratio = round(sum(twice.values()) / max(1, sum(killed.values())), 2)
    shown = {"name": "crash", "value": len(lost), "unit": "mails lost", "peer": "duplicates"}
    print(json.dumps({**shown, "peer_value": sum(twice.values()), "ratio": ratio}))


if __name__ == "__main__":
    main()
