"""A new secret key: what the one before signed and encrypted still opens, in programs old and new."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.core import signing as django_signing
from django.test import override_settings

from undelivered import env as environment
from undelivered.database import secret_key
from undelivered.database.ids import uuid7, uuid7_at
from undelivered.delivery import keys, mime, return_path, secrets, signing
from undelivered.delivery.signing import Purpose
from undelivered.desk import links

CHANGED = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID = uuid7()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A site whose key is in its data folder; the settings of this program are put back afterwards."""
    env = environment.read({"UNDELIVERED_DATA_DIR": str(tmp_path)})
    secret_key.ensure(env)
    for name in ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "SECRET_KEY_ENDS"):
        monkeypatch.setattr(settings, name, getattr(settings, name))
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, data_dir=tmp_path, secret_key=None))
    monkeypatch.setattr(keys, "_looked_at", None)
    keys.take(secret_key.keys(env))
    return env


def start_again(env):
    keys.take(secret_key.keys(env))


@pytest.fixture
def changed():
    """A site that has had three keys."""
    with override_settings(
        SECRET_KEY="third",
        SECRET_KEY_FALLBACKS=["second", "first", "who knows when"],
        SECRET_KEY_ENDS={"second": CHANGED + timedelta(days=30), "first": CHANGED},
    ):
        yield


def signed_by(key: str, id) -> str:
    with override_settings(SECRET_KEY=key, SECRET_KEY_FALLBACKS=[], SECRET_KEY_ENDS={}):
        return mime.message_id(id, "help@desk.example")


# --- after the change -------------------------------------------------------------------------------------------------


def test_what_left_before_still_opens(folder):
    address, header = return_path.sender(ID, "b.example"), signing.token(Purpose.HEADER, ID)
    stored, link = secrets.encrypt("hunter2"), links.request(1, 2).rpartition("/")[2]
    session = django_signing.dumps({"a": 1})
    secret_key.rotate(folder)
    start_again(folder)
    assert return_path.opened(address) == signing.read(Purpose.HEADER, header) == ID
    assert secrets.decrypt(stored) == "hunter2"
    assert links.read(link, links.Purpose.REQUEST) == (1, 2)
    assert django_signing.loads(session) == {"a": 1}


def test_what_leaves_now_is_signed_by_the_new_key_alone(folder):
    old = settings.SECRET_KEY
    secret_key.rotate(folder)
    start_again(folder)
    address, stored = return_path.sender(ID, "b.example"), secrets.encrypt("hunter2")
    with override_settings(
        SECRET_KEY=old, SECRET_KEY_FALLBACKS=[], ENV=environment.read({"UNDELIVERED_SECRET_KEY": old})
    ):
        assert return_path.opened(address) is None
        with pytest.raises(secrets.Unreadable):
            secrets.decrypt(stored)


def test_once_forgotten_it_opens_nothing_more(folder):
    address, stored = return_path.sender(ID, "b.example"), secrets.encrypt("hunter2")
    secret_key.rotate(folder)
    secret_key.forget(folder)
    start_again(folder)
    assert return_path.opened(address) is None
    with pytest.raises(secrets.Unreadable):
        secrets.decrypt(stored)


# --- programs that were not started again -----------------------------------------------------------------------------


def test_a_program_that_still_has_the_old_key_opens_what_the_new_one_signed(folder):
    old = secret_key.keys(folder)
    secret_key.rotate(folder)
    start_again(folder)
    address, stored, link = return_path.sender(ID, "b.example"), secrets.encrypt("x"), links.request(1, 2)
    keys.take(old)
    assert return_path.opened(address) == ID
    assert secrets.decrypt(stored) == "x"
    assert links.read(link.rpartition("/")[2], links.Purpose.REQUEST) == (1, 2)
    assert old.current == settings.SECRET_KEY


def test_a_password_alone_makes_it_look_again(folder):
    old = secret_key.keys(folder)
    secret_key.rotate(folder)
    start_again(folder)
    stored = secrets.encrypt("x")
    keys.take(old)
    assert secrets.decrypt(stored) == "x"


def test_the_file_is_read_again_only_when_it_changed(folder, monkeypatch):
    read = []
    monkeypatch.setattr(secret_key, "keys", lambda env: read.append(1) or secret_key.Keys(settings.SECRET_KEY))
    forged = f"b-{signing.token(Purpose.HEADER, ID)}@b.example"
    for _ in range(3):
        assert return_path.opened(forged) is None
    assert read == [1]


def test_a_file_that_became_unreadable_opens_nothing_and_is_no_error(folder):
    forged = f"b-{signing.token(Purpose.HEADER, ID)}@b.example"
    (folder.data_dir / secret_key.FILE).write_bytes(b"\xff")
    assert return_path.opened(forged) is None


def test_a_key_that_is_a_setting_is_not_looked_for_in_the_folder(folder, monkeypatch):
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, secret_key=settings.SECRET_KEY))
    secret_key.rotate(folder)
    assert keys.look_again() is False


# --- one mail, one Message-ID -----------------------------------------------------------------------------------------


def test_a_second_copy_after_the_change_has_the_message_id_of_the_first(folder):
    id = uuid7()
    first, path = mime.message_id(id, "help@desk.example"), return_path.sender(id, "b.example")
    secret_key.rotate(folder)
    start_again(folder)
    assert mime.message_id(id, "help@desk.example") == first
    assert return_path.sender(id, "b.example") != path


@pytest.mark.parametrize(
    ("made", "key"),
    [
        (CHANGED - timedelta(days=3), "first"),
        (CHANGED + timedelta(hours=23), "first"),  # by a program that was not started again yet
        (CHANGED + timedelta(hours=25), "second"),
        (CHANGED + timedelta(days=30, hours=23), "second"),
        (CHANGED + timedelta(days=31, hours=1), "third"),
    ],
)
def test_it_is_signed_by_the_key_of_the_time_when_its_notification_was_made(changed, made, key):
    id = uuid7_at(made)
    assert mime.message_id(id, "help@desk.example") == signed_by(key, id)


def test_it_opens_whatever_key_signed_it(changed):
    for key in ("third", "second", "first", "who knows when"):
        id = uuid7()
        assert signing.read(Purpose.MESSAGE_ID, signed_by(key, id)[1:46]) == id


def test_two_changes_on_one_day_do_not_matter():
    ends = {"first": CHANGED, "second": CHANGED + timedelta(hours=1)}
    id = uuid7_at(CHANGED + timedelta(minutes=30))
    with override_settings(SECRET_KEY="second", SECRET_KEY_FALLBACKS=["first"], SECRET_KEY_ENDS={"first": CHANGED}):
        between = mime.message_id(id, "help@desk.example")
    with override_settings(SECRET_KEY="third", SECRET_KEY_FALLBACKS=["second", "first"], SECRET_KEY_ENDS=ends):
        assert mime.message_id(id, "help@desk.example") == between == signed_by("first", id)
