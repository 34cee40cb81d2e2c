"""The life of the embedded server: it starts, serves, survives deaths of both sides, and stops."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.database.scratch import PYTHONPATH, ended, quick, scratch_folder, shared_data_dir, start_owner, until
from undelivered.database import cluster, embedded, processes
from undelivered.database.account import ENVIRONMENT, Account, find_account
from undelivered.database.embedded import EmbeddedError, EmbeddedPostgres, attach, binary
from undelivered.database.folders import Folders


@pytest.fixture
def data_dir() -> Path:
    return shared_data_dir()


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    with quick(data_dir) as running:
        yield running


def ask(url: str, question: str) -> tuple[object, ...]:
    with psycopg.connect(url) as connection:
        answer = connection.execute(question).fetchone()
        assert answer is not None
        return tuple(answer)


def kill_server(server: EmbeddedPostgres) -> None:
    process = psutil.Process(server.pid)
    process.kill()
    until(lambda: server.pid is None)


def test_it_is_configured_as_the_design_demands(server: EmbeddedPostgres, data_dir: Path) -> None:
    wanted = {
        "listen_addresses": "",
        "data_checksums": "on",
        "jit": "off",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
        "password_encryption": "scram-sha-256",
        "wal_level": "replica",
        "max_connections": "200",
        "logging_collector": "on",
    }
    asked = ", ".join(f"current_setting('{name}')" for name in wanted)
    assert ask(attach(data_dir), f"SELECT {asked}") == tuple(wanted.values())
    locale = "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = current_database()"
    assert ask(attach(data_dir), locale) == ("b", "C.UTF-8")


def test_a_real_installation_syncs_to_the_disk(data_dir: Path) -> None:
    folders = Folders(data_dir)
    folders.home.mkdir(parents=True, exist_ok=True)
    command = cluster.server_command(folders, Path("/bin"), folders.socket, True, {"fsync": "off"})
    assert "--fsync=on" in command
    assert "--full_page_writes=on" in command


def test_the_url_is_one_for_psycopg_and_for_settings(server: EmbeddedPostgres, data_dir: Path) -> None:
    url = attach(data_dir)
    parts = conninfo_to_dict(url)
    assert (parts["user"], parts["dbname"]) == ("undelivered", "undelivered")
    assert stat.S_IMODE(Path(str(parts["host"])).stat().st_mode) == 0o700
    assert ask(url, "SELECT current_user, current_database()") == ("undelivered", "undelivered")


def test_where_libpq_would_look_by_itself_does_not_matter(
    server: EmbeddedPostgres, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "5999", "PGHOST": "/nonexistent", "PGUSER": "x", "PGDATABASE": "x"}.items():
        monkeypatch.setenv(name, value)
    assert ask(attach(data_dir), "SELECT 1") == (1,)


def test_the_role_makes_databases_but_is_no_superuser(server: EmbeddedPostgres, data_dir: Path) -> None:
    question = "SELECT rolcreatedb, rolsuper FROM pg_roles WHERE rolname = current_user"
    assert ask(attach(data_dir), question) == (True, False)


def test_data_survive_a_stop(data_dir: Path) -> None:
    with quick(data_dir), psycopg.connect(attach(data_dir)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with quick(data_dir):
        assert ask(attach(data_dir), "SELECT answer FROM kept") == (42,)


def test_stop_is_a_fast_shutdown_even_with_a_client_and_twice_is_the_same_as_once(data_dir: Path) -> None:
    server = quick(data_dir)
    url = server.start()
    client = psycopg.connect(url)
    server.stop()
    server.stop()
    assert server.pid is None
    assert server.check() is False
    with pytest.raises(psycopg.OperationalError):
        client.execute("SELECT 1")
    client.close()
    account = find_account()
    control = account.run([binary("pg_controldata"), Folders(data_dir).cluster]).stdout
    if control:  # the account may not reach the wheel
        assert "shut down" in control


def test_ctrl_c_in_our_terminal_does_not_reach_the_server(server: EmbeddedPostgres) -> None:
    assert server.pid is not None
    assert os.getsid(server.pid) != os.getsid(0)
    assert os.getpgid(server.pid) != os.getpgid(0)


def test_a_killed_server_is_started_again_however_often(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "BACK_OFF", (0.0,))
    said: list[str] = []
    with quick(data_dir, said) as server:
        url = attach(data_dir)
        for _ in range(2):
            kill_server(server)
            until(server.check)
            assert ask(url, "SELECT 1") == (1,)
        assert sum("ended unexpectedly (signal 9)" in line for line in said) == 2


def test_a_server_that_dies_at_once_is_started_less_and_less_often(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("undelivered.database.embedded.time.monotonic", lambda: now)
    launched: list[float] = []

    def fail(*_: object) -> None:
        launched.append(now)
        raise EmbeddedError("no luck")

    kill_server(server)
    monkeypatch.setattr(processes, "end_leftovers", fail)
    for _ in range(300):
        assert server.check() is False
        now += 0.5
    pauses = [later - earlier for earlier, later in pairwise(launched)]
    assert pauses == [0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 30.0, 30.0, 30.0]


def test_recovery_is_waited_for_and_spoken_of(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["", "starting", "starting"])
    real = processes.state
    monkeypatch.setattr(processes, "state", lambda folder, pid: next(answers, "") or real(folder, pid))
    monkeypatch.setattr(embedded, "SAY_EVERY", 0.0)
    said: list[str] = []
    with quick(data_dir, said):
        assert sum("not ready yet" in line for line in said) >= 2


def test_when_the_program_is_killed_its_server_ends_and_the_next_program_starts_cleanly(data_dir: Path) -> None:
    owner, orphan = start_owner(data_dir)
    owner.kill()
    owner.communicate()
    with quick(data_dir) as server:
        assert ended(orphan)
        assert ask(attach(data_dir), "SELECT 1") == (1,)
        assert server.pid != orphan.pid


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_when_the_program_is_killed_its_server_ends_by_itself(data_dir: Path) -> None:
    owner, orphan = start_owner(data_dir)
    owner.kill()
    owner.communicate()
    until(lambda: not processes.running(Folders(data_dir).cluster, find_account()))
    assert ended(orphan)


def test_a_server_that_nobody_owns_any_more_is_ended_before_a_new_one(data_dir: Path) -> None:
    """As on macOS, where the orphan lives on."""
    server = quick(data_dir)
    server.start()
    server.stop()
    folders, account = Folders(data_dir), find_account()
    command = cluster.server_command(folders, server._bin, folders.socket, False, {})
    who: dict[str, Any] = {"user": account.uid, "group": account.gid, "extra_groups": []} if account.separate else {}
    orphan = subprocess.Popen(
        list(map(str, command)), cwd="/", env=ENVIRONMENT, stderr=subprocess.DEVNULL, start_new_session=True, **who
    )
    until(lambda: processes.state(folders.cluster, orphan.pid) == "ready")
    said: list[str] = []
    with quick(data_dir, said):
        assert orphan.wait(5) == 0  # by a fast shutdown
        assert any("left running" in line and str(orphan.pid) in line for line in said)


def test_a_stale_pid_file_with_the_id_of_another_process_harms_nobody(data_dir: Path) -> None:
    quick(data_dir).__enter__().stop()
    folders, account = Folders(data_dir), find_account()
    stranger = account.popen(["/bin/sleep", "60"])
    try:
        pid_file = folders.cluster / "postmaster.pid"
        for left in (pid_file, folders.socket / ".s.PGSQL.5432.lock"):
            left.write_text(
                f"{stranger.pid}\n{folders.cluster}\n1700000000\n5432\n{folders.socket}\n\n  1  1\nready   \n"
            )
            if account.separate:
                os.chown(left, account.uid, account.gid)
        with quick(data_dir):
            assert ask(attach(data_dir), "SELECT 1") == (1,)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_lost_password_is_made_anew(data_dir: Path) -> None:
    quick(data_dir).__enter__().stop()
    folders = Folders(data_dir)
    before = folders.password.read_text()
    folders.password.unlink()
    with quick(data_dir):
        assert ask(attach(data_dir), "SELECT 1") == (1,)
        assert folders.password.read_text() != before
        assert stat.S_IMODE(folders.password.stat().st_mode) == 0o600


def test_an_interrupted_first_start_leaves_nothing_that_the_next_one_trips_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Account.run

    def interrupted(account: Account, command: list[str], text: str = "") -> Any:
        if str(command[0]).endswith("initdb"):
            raise KeyboardInterrupt
        return run(account, command, text)

    with scratch_folder() as folder:
        folders = Folders(folder / "data")
        with monkeypatch.context() as patch:
            patch.setattr(Account, "run", interrupted)
            with pytest.raises(KeyboardInterrupt):
                quick(folder / "data").start()
        assert not folders.cluster.exists()
        assert list(folders.home.glob("new-*"))
        with quick(folder / "data"):
            assert ask(attach(folder / "data"), "SELECT 1") == (1,)
        assert not list(folders.home.glob("new-*"))


def test_settings_of_the_operator_count_but_never_open_a_port(data_dir: Path) -> None:
    quick(data_dir).__enter__().stop()
    local = Folders(data_dir).home / "local.conf"
    local.write_text("work_mem = '7MB'\nlisten_addresses = '127.0.0.1'\n")
    local.chmod(0o644)
    try:
        with quick(data_dir):
            question = "SELECT current_setting('work_mem'), current_setting('listen_addresses')"
            assert ask(attach(data_dir), question) == ("7MB", "")
    finally:
        local.unlink()


def test_a_server_that_cannot_start_says_why_in_its_own_words(data_dir: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"did not start.*shared_buffers"):
        EmbeddedPostgres(data_dir, fsync=False, extra={"shared_buffers": "nonsense"}).start()
    with quick(data_dir):  # and the lock is free again
        assert ask(attach(data_dir), "SELECT 1") == (1,)


def test_a_forked_child_owns_nothing(server: EmbeddedPostgres, data_dir: Path) -> None:
    code = (
        "import os, sys, pathlib; from undelivered.database.embedded import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(pathlib.Path(sys.argv[1]), fsync=False); server.start()\n"
        "child = os.fork()\n"
        "if child == 0: server.stop(); os._exit(0)\n"
        "os.waitpid(child, 0); print(server.check()); server.stop()"
    )
    server.stop()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, data_dir],
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"


def test_the_programs_of_the_wheel_are_found() -> None:
    for name in ("postgres", "pg_dump", "pg_restore", "psql"):
        said = subprocess.run([binary(name), "--version"], capture_output=True, text=True, check=True).stdout
        assert " 18." in said


def test_an_immediate_shutdown_follows_when_the_fast_one_takes_too_long(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "FAST_SHUTDOWN", 0.0)
    monkeypatch.setattr(embedded, "IMMEDIATE_SHUTDOWN", 0.0)
    server = quick(data_dir)
    server.start()
    process = psutil.Process(server.pid)
    process.send_signal(signal.SIGSTOP)
    server.stop()
    assert ended(process)
