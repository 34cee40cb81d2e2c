"""The secret key: given, or made once, for all programs of a data folder."""

from __future__ import annotations

import threading

import pytest

from undelivered import env as environment
from undelivered.database import secret_key


def env(folder, **more):
    return environment.read({"UNDELIVERED_DATA_DIR": str(folder), **more})


def test_a_given_key_is_used_and_nothing_is_written(tmp_path):
    given = env(tmp_path / "data", UNDELIVERED_SECRET_KEY="given by someone")
    assert secret_key.ensure(given) == "given by someone"
    assert not (tmp_path / "data").exists()


def test_reading_alone_makes_none(tmp_path):
    assert secret_key.read(env(tmp_path)) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_made_once_and_kept(tmp_path):
    made = secret_key.ensure(env(tmp_path / "new" / "data"))
    assert len(made) >= 48
    assert secret_key.ensure(env(tmp_path / "new" / "data")) == made
    assert secret_key.read(env(tmp_path / "new" / "data")) == made


def test_only_the_owner_may_read_the_file_and_nothing_else_is_left(tmp_path):
    secret_key.ensure(env(tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == [secret_key.FILE]
    assert (tmp_path / secret_key.FILE).stat().st_mode & 0o777 == 0o600


def test_programs_that_start_at_once_agree_on_one_key(tmp_path):
    start, found = threading.Barrier(8), []

    def one():
        start.wait()
        found.append(secret_key.ensure(env(tmp_path)))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(environment.SettingError, match="secret key"):
        secret_key.ensure(env(tmp_path / "file" / "data"))


def test_a_key_file_that_is_no_text_is_a_clear_error(tmp_path):
    (tmp_path / secret_key.FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(environment.SettingError, match="Cannot read the secret key"):
        secret_key.read(env(tmp_path))
