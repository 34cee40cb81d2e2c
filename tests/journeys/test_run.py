"""`undelivered run` from its first start to its end, whichever way it ends; and what goes wrong around it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from psycopg import sql

from tests.database_server import test_server
from tests.journeys.program import PATIENCE_S, Api, Program, folder, free_port, until
from tests.journeys.visitor import Visitor
from undelivered.ops.rehearsal import ReceivedMail, RehearsalServer

pytestmark = pytest.mark.journey
#: Ctrl-C to the end of the last process. The program itself gives mails in hand up to 25 s.
ENDS_WITHIN_S = 15.0


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with folder() as made:
        yield made


@pytest.fixture(scope="module")
def told(place: Path) -> Iterator[Program]:
    """A program on a data directory with the sample's project, shared by these tests: each starts and ends it."""
    made = Program(place)
    try:
        made.start()
        until(lambda: "sample" not in made.tree())
        assert Api(made).all("/projects/IT/notifications")
        made.stop()
        yield made
    finally:
        made.end()


@pytest.fixture
def program(told: Program) -> Iterator[Program]:
    try:
        told.start()
        told.until_ready()
        yield told
    finally:
        told.end()


@pytest.fixture
def fresh() -> Iterator[Program]:
    """On a data directory of its own, without the sample."""
    with folder() as made:
        program = Program(made, SAMPLE="no")
        yield program
        program.end()


def ask_for_mail(api: Api, address: str) -> str:
    """A request whose reporter is told of it; its issue key."""
    made = api.post("/projects/IT/requests", summary="Is anybody there?", reporter={"email": address})
    return str(made["key"])


def states(api: Api, issue_key: str) -> set[str]:
    return {row["state"] for row in api.all(f"/projects/IT/notifications?issue_key={issue_key}")}


def until_sent(api: Api, issue_key: str) -> None:
    try:
        until(lambda: states(api, issue_key) == {"sent"}, 20)
    except AssertionError:
        rows = api.all(f"/projects/IT/notifications?issue_key={issue_key}")
        raise AssertionError([api.get(f"/notifications/{row['id']}") for row in rows]) from None


def modes(home: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in home.iterdir()}


# --- starting -------------------------------------------------------------------------------------------------------


def test_the_greeting_names_the_address_and_how_to_sign_in(program: Program) -> None:
    assert program.named("Open") == program.url
    assert program.named("Sign in as") == "admin@example.com"
    assert len(program.named("Password")) >= 12
    assert program.get("/sign-in")[0] == 200


def test_what_is_private_is_closed_to_others(program: Program) -> None:
    found = modes(program.data_dir)
    assert found["first-password"] == found["secret-key"] == 0o600


def test_it_says_that_it_lives_and_that_it_can_send(program: Program) -> None:
    assert program.get("/healthz") == (200, '{"status": "ok"}')
    status, body = program.get("/readyz")
    assert status == 200
    assert json.loads(body) == {"status": "ready", "checks": {"database": True, "worker": True}}


def test_a_second_program_beside_the_first_says_so(program: Program) -> None:
    second = program.command("run", WEB_PORT=str(free_port()))
    assert second.returncode == 1
    assert len(second.stderr.strip().splitlines()) == 1
    assert "already running with this data directory" in second.stderr
    assert program.get("/readyz")[0] == 200


def test_commands_work_from_another_shell(program: Program) -> None:
    made = program.command("user", "create", "mara@desk.example", "--project", "IT", "--role", "agent")
    assert made.returncode == 0, made.stderr
    assert len(made.stdout.strip()) >= 12
    assert program.command("migrate").stdout == "The database is up to date.\n"
    unknown = program.command("token", "create", "--project", "NOPE")
    assert (unknown.returncode, unknown.stderr) == (1, "Error: There is no project NOPE.\n")


def test_a_port_in_use_is_named_with_the_setting_that_changes_it(fresh: Program) -> None:
    with socket.create_server(("127.0.0.1", fresh.port)):
        done = fresh.command("run")
    assert done.returncode == 1
    assert f"Port {fresh.port} on 127.0.0.1 cannot be used" in done.stderr
    assert "UNDELIVERED_WEB_PORT" in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEB_PORT", "http"),
        ("KEEP_DAYS", "0"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("PROVIDER_URL", "gopher://x"),
        ("DATABASE_URL", "mysql://x"),
        ("WEBPORT", "8025"),
    ],
)
def test_a_wrong_setting_ends_it_with_the_variables_name(fresh: Program, name: str, value: str) -> None:
    done = fresh.command("run", **{name: value})
    assert done.returncode == 2
    assert f"UNDELIVERED_{name}" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not fresh.data_dir.exists()


def test_a_database_that_is_not_there_is_said_in_a_sentence(fresh: Program) -> None:
    done = fresh.command("run", DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: The database cannot be used: ")
    assert "Traceback" not in done.stderr


# --- ending ---------------------------------------------------------------------------------------------------------


def test_ctrl_c_ends_everything_and_the_next_start_has_everything(program: Program) -> None:
    api = Api(program)
    before = [row["id"] for row in api.all("/projects/IT/notifications")]
    password = program.named("Password")
    took = program.stop()
    print(f"stopped within {took:.1f} s")
    assert took < ENDS_WITHIN_S
    assert program.process is not None
    assert program.process.returncode == 0
    assert program.alive() == []
    assert "Stopped. Everything is kept" in program.said
    assert "Traceback" not in program.said
    print(f"started again within {program.start():.1f} s")
    assert program.named("Password") == password
    assert [row["id"] for row in api.all("/projects/IT/notifications")] == before


def test_a_stop_by_the_system_is_as_orderly(program: Program) -> None:
    program.tree()
    assert program.process is not None
    program.process.send_signal(signal.SIGTERM)
    assert program.process.wait(PATIENCE_S) == 0
    assert program.alive() == []


def test_ctrl_c_while_it_starts_leaves_nothing_behind(told: Program) -> None:
    told.launch()
    until(lambda: "Starting PostgreSQL" in told.said)
    took = told.stop()
    assert took < 30
    assert told.alive() == []
    assert "Traceback" not in told.said


def test_a_killed_program_takes_its_children_along_and_loses_nothing(program: Program) -> None:
    api = Api(program)
    keys = [ask_for_mail(api, f"slow.sam{n}+slow@havn.example") for n in range(3)]  # in hand for three seconds
    until(lambda: states(api, keys[-1]) == {"sending"}, 10)
    tree = program.tree()
    tree["worker"].kill()  # nor does the worker get the time to give back what it has in hand
    tree["run"].kill()
    assert program.process is not None
    program.process.wait()
    began = time.monotonic()
    until(lambda: not program.alive(), 40)
    print(f"the children of a killed program were gone after {time.monotonic() - began:.1f} s")
    program.start()
    program.until_ready()
    for key in keys:
        until_sent(api, key)


@pytest.mark.parametrize("name", ["web", "serving", "worker", "smtp", "rehearsal", "postgres"])
def test_a_killed_child_is_started_again_and_mail_goes_on(program: Program, name: str) -> None:
    api = Api(program)
    old = program.tree()[name]
    old.kill()
    until(lambda: program.tree().get(name, old).pid != old.pid)
    program.until_ready()
    until(lambda: len(_listeners(program)) == 1)
    key = _surely(lambda: ask_for_mail(api, f"after.{name}@havn.example"))
    until_sent(api, key)


def _listeners(program: Program) -> set[int]:
    """Processes of the program that take connections for the web: one, or some visitors would get old code."""
    program.tree()
    found = set()
    for process in program.alive():
        with contextlib.suppress(psutil.Error):  # it ended meanwhile
            listening = [one.laddr.port for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
            if program.port in listening:
                found.add(process.pid)
    return found


def _surely(ask: Any) -> str:
    """What a script does whose call came at the wrong moment: it asks again."""
    found: list[str] = []

    def asked() -> bool:
        try:
            found.append(ask())
        except OSError:
            return False
        return True

    until(asked, 20)
    return found[-1]


# --- living ---------------------------------------------------------------------------------------------------------


def test_an_idle_program_leaves_the_machine_alone(program: Program) -> None:
    tree = program.tree()
    for process in tree.values():
        process.cpu_percent()
    time.sleep(5)
    used = {name: process.cpu_percent() for name, process in tree.items()}
    print("idle: " + ", ".join(f"{name} {percent:.1f} %" for name, percent in used.items()))
    assert used["worker"] < 2
    assert sum(used.values()) < 6


class OwnProvider:
    """Somebody's own SMTP server, in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.server = RehearsalServer()
        self.port = asyncio.run_coroutine_threadsafe(self.server.start(), self.loop).result(10)

    def mails(self) -> list[ReceivedMail]:
        return self.server.inbox()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def own_provider() -> Iterator[OwnProvider]:
    made = OwnProvider()
    yield made
    made.close()


@pytest.fixture
def empty_database() -> Iterator[str]:
    """URL of another database on the session's server."""
    name = f"run_{os.getpid()}"
    with psycopg.connect(test_server(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield test_server().replace("@/undelivered?", f"@/{name}?")
    with psycopg.connect(test_server(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_with_a_database_and_a_provider_of_ones_own(
    fresh: Program, empty_database: str, own_provider: OwnProvider
) -> None:
    fresh.settings |= {
        "DATABASE_URL": empty_database,
        "PROVIDER_URL": f"smtp+plain://127.0.0.1:{own_provider.port}",
        "SAMPLE": "yes",
        "ADMIN_EMAIL": "boss@desk.example",
        "ADMIN_PASSWORD": "correct horse battery",
    }
    fresh.start()
    assert not {"postgres"} & set(fresh.tree())
    assert "boss@desk.example" in fresh.said
    assert "correct horse" not in fresh.said
    until(lambda: "sample" not in fresh.tree())
    boss = Visitor(fresh.url).sign_in("boss@desk.example", "correct horse battery")
    boss.fill_in("/", to="/projects", key="HW", name="Hardware", from_address="hw@desk.example")
    api = Api(fresh, "HW")
    asked = api.post("/projects/HW/requests", summary="Scanner is deaf", reporter={"email": "ann@northwind.example"})
    api.post(f"/requests/{asked['key']}/comments", body="Have you tried <b>shouting</b>?", public=True)
    until(lambda: len(own_provider.mails()) == 2, 30)
    created, commented = (_parsed(mail) for mail in own_provider.mails())
    assert "HW-1" in created["Subject"]
    assert created["To"] == "ann@northwind.example"
    assert created["Auto-Submitted"] == "auto-generated"
    assert created["Message-ID"] != commented["Message-ID"]
    assert set(commented["References"].split()) & set(created["References"].split()), "they thread"
    body = commented.get_body(("plain",))
    assert body is not None
    assert "<b>shouting</b>" in body.get_content()
    html = commented.get_body(("html",))
    assert html is not None
    assert "&lt;b&gt;shouting" in html.get_content()


def _parsed(mail: ReceivedMail) -> EmailMessage:
    parsed = message_from_bytes(mail.content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed
