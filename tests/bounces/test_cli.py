"""`undelivered bounces read` and `classify`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from tests.bounces.test_samples import SAMPLES, sample
from undelivered.bounces.cli import bounces


def run(*args: str, stdin: bytes | None = None) -> str:
    result = CliRunner().invoke(bounces, args, input=stdin)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_file_is_one_line_of_json() -> None:
    (line,) = run("read", str(SAMPLES / "postfix-dsn.eml"), "--json").splitlines()
    told = json.loads(line)
    assert told["file"] == "postfix-dsn.eml"
    assert told["kind"] == "failure"
    (result,) = told["results"]
    assert result["recipient"] == "ann@example.net"
    assert result["reason"] == "userunknown"
    assert result["status"] == "5.1.1"
    assert result["replycode"] == "550"
    assert result["permanent"] is True
    assert result["hardbounce"] is True
    assert result["decided_by"]


def test_standard_input_is_read() -> None:
    assert json.loads(run("read", "-", "--json", stdin=sample("qmail")))["file"] == "-"


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.eml").write_bytes(sample("qmail"))
    (tmp_path / "sub" / "a.eml").write_bytes(sample("exim"))
    (tmp_path / ".hidden").write_bytes(b"x")
    names = [json.loads(line)["file"] for line in run("read", str(tmp_path), "--json").splitlines()]
    assert names == ["b.eml", "sub/a.eml"]


def test_a_maildir_is_read_from_cur_and_new(tmp_path: Path) -> None:
    for sub in ("cur", "new", "tmp"):
        (tmp_path / sub).mkdir()
        (tmp_path / sub / f"1.{sub}").write_bytes(sample("qmail"))
    names = [json.loads(line)["file"] for line in run("read", str(tmp_path), "--json").splitlines()]
    assert names == ["cur/1.cur", "new/1.new"]


def test_the_mails_of_an_mbox_are_numbered(tmp_path: Path) -> None:
    start = b"From MAILER-DAEMON Mon Nov  2 09:00:00 2026\n"
    (tmp_path / "box").write_bytes(start + sample("qmail") + b"\n" + start + sample("exim"))
    lines = [json.loads(line) for line in run("read", str(tmp_path / "box"), "--json").splitlines()]
    assert [line["file"] for line in lines] == ["box#1", "box#2"]
    assert [len(line["results"]) for line in lines] == [2, 3]


def test_people_get_words() -> None:
    told = run("read", str(SAMPLES / "postfix-dsn.eml"))
    assert "ann@example.net: Mailbox does not exist (permanent, 550 5.1.1)" in told


def test_a_reply_is_classified() -> None:
    told = json.loads(run("classify", "550 5.1.1 User unknown", "--json"))
    assert told["reason"] == "userunknown"
    assert told["suppress"] == "at_once"
    assert "Mailbox does not exist" in run("classify", "550 5.1.1 User unknown")


def test_the_library_loads_neither_django_nor_a_database() -> None:
    code = "import sys, undelivered.bounces.cli; print({'django', 'psycopg'} & {m.split('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
