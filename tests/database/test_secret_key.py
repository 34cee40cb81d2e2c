"""The secret key: given, or made once, for all programs of a data folder."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

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


# --- a new key --------------------------------------------------------------------------------------------------------


def test_a_new_key_keeps_the_one_before_with_the_time_of_the_change(tmp_path):
    first = secret_key.ensure(env(tmp_path))
    before = datetime.now(UTC).replace(microsecond=0)
    second = secret_key.rotate(env(tmp_path)).current
    third = secret_key.rotate(env(tmp_path)).current
    found = secret_key.keys(env(tmp_path))
    assert found.current == third == secret_key.read(env(tmp_path))
    assert [one.key for one in found.former] == [second, first]
    assert all(one.until and before <= one.until <= datetime.now(UTC) for one in found.former)
    assert len({first, second, third}) == 3


def test_the_file_stays_private_its_owners_and_alone(tmp_path):
    secret_key.ensure(env(tmp_path))
    (tmp_path / secret_key.FILE).chmod(0o440)
    secret_key.rotate(env(tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == [secret_key.FILE]
    assert (tmp_path / secret_key.FILE).stat().st_mode & 0o777 == 0o440  # as somebody has set it


def test_a_first_key_is_made_where_there_is_none_to_replace(tmp_path):
    found = secret_key.rotate(env(tmp_path / "new"))
    assert len(found.former) == 1


def test_new_keys_made_at_once_lose_none(tmp_path):
    secret_key.ensure(env(tmp_path))
    threads = [threading.Thread(target=secret_key.rotate, args=[env(tmp_path)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(secret_key.keys(env(tmp_path)).former) == 6


def test_keys_before_can_be_forgotten(tmp_path):
    secret_key.ensure(env(tmp_path))
    current = secret_key.rotate(env(tmp_path)).current
    secret_key.forget(env(tmp_path))
    assert secret_key.keys(env(tmp_path)) == (current, ())


@pytest.mark.parametrize("change", [secret_key.rotate, secret_key.forget])
def test_a_key_that_is_a_setting_is_not_ours_to_change(tmp_path, change):
    with pytest.raises(secret_key.Given):
        change(env(tmp_path, UNDELIVERED_SECRET_KEY="given"))


def test_a_key_that_could_not_be_told_from_two_is_not_put_beside_another(tmp_path):
    (tmp_path / secret_key.FILE).write_text("three words long\n")
    with pytest.raises(environment.SettingError, match="blanks"):
        secret_key.rotate(env(tmp_path))
    assert secret_key.read(env(tmp_path)) == "three words long"


def test_keys_before_may_also_be_a_setting(tmp_path):
    secret_key.ensure(env(tmp_path))
    current = secret_key.rotate(env(tmp_path)).current
    [kept] = secret_key.keys(env(tmp_path)).former
    more = env(tmp_path, UNDELIVERED_SECRET_KEY_PREVIOUS=f"old {current} old {kept.key}")
    assert [one.key for one in secret_key.keys(more).former] == [kept.key, "old"]
    given = env(tmp_path, UNDELIVERED_SECRET_KEY="given", UNDELIVERED_SECRET_KEY_PREVIOUS="old 2026-03-01T12:00Z")
    assert secret_key.keys(given) == ("given", (("old", datetime(2026, 3, 1, 12, tzinfo=UTC)),))


def test_its_stamp_tells_when_the_file_was_replaced(tmp_path):
    assert secret_key.stamp(env(tmp_path)) is None
    secret_key.ensure(env(tmp_path))
    first = secret_key.stamp(env(tmp_path))
    assert first == secret_key.stamp(env(tmp_path))
    secret_key.rotate(env(tmp_path))
    assert secret_key.stamp(env(tmp_path)) != first
