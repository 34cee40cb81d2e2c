"""Providers' passwords at rest."""

from __future__ import annotations

import pytest
from django.test import override_settings

from undelivered.delivery import secrets


@pytest.mark.parametrize("text", ["hunter2", "pässwörd", "x" * 5000, " blanks "])
def test_what_was_encrypted_can_be_read_and_is_not_to_be_seen(text):
    stored = secrets.encrypt(text)
    assert text.strip() not in stored
    assert secrets.decrypt(stored) == text


def test_no_password_is_nothing():
    assert secrets.encrypt("") == ""
    assert secrets.decrypt("") == ""


def test_the_same_password_is_never_stored_the_same_way():
    assert secrets.encrypt("hunter2") != secrets.encrypt("hunter2")


def test_under_another_secret_key_it_is_unreadable_and_says_what_to_do():
    stored = secrets.encrypt("hunter2")
    with override_settings(SECRET_KEY="another"), pytest.raises(secrets.Unreadable, match="Enter it again"):
        secrets.decrypt(stored)


@pytest.mark.parametrize("stored", ["nonsense", "gAAAAAB", "ä"])
def test_what_was_tampered_with_is_unreadable(stored):
    with pytest.raises(secrets.Unreadable):
        secrets.decrypt(stored)


def test_what_lies_under_an_earlier_key_is_put_under_the_one_in_use():
    stored = secrets.encrypt("hunter2")
    assert secrets.renewed(stored) is None
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["a key for tests alone"]):
        anew = secrets.renewed(stored)
        assert secrets.renewed(anew) is None
    with override_settings(SECRET_KEY="new"):
        assert secrets.decrypt(anew) == "hunter2"
        with pytest.raises(secrets.Unreadable):
            secrets.renewed(stored)
    assert secrets.renewed("") is None
