"""Tokens: they open what they were made for, and nothing else does."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from undelivered.database.ids import uuid7
from undelivered.delivery import signing
from undelivered.delivery.signing import Purpose

ID = UUID("019a0000-1234-7abc-8def-0123456789ab")
ids = st.uuids() | st.integers(0, 2**128 - 1).map(lambda n: UUID(int=n))
purposes = st.sampled_from(Purpose)


@given(purposes, ids)
def test_a_token_opens_to_its_id(purpose, id):
    assert signing.read(purpose, signing.token(purpose, id)) == id


@given(purposes, ids)
def test_it_is_short_and_any_mail_server_carries_it(purpose, id):
    token = signing.token(purpose, id)
    assert len(token) == signing.LENGTH == 45
    assert re.fullmatch(r"[a-z2-7]{28}-[a-z2-7]{16}", token)


@given(purposes, ids, st.lists(st.booleans(), min_size=45, max_size=45))
def test_case_does_not_matter(purpose, id, upper):
    token = signing.token(purpose, id)
    mixed = "".join(c.upper() if up else c for c, up in zip(token, upper, strict=True))
    assert signing.read(purpose, mixed) == id


@given(purposes, ids, st.integers(0, 44), st.characters())
def test_with_any_one_character_changed_it_is_refused(purpose, id, place, other):
    token = signing.token(purpose, id)
    altered = token[:place] + other + token[place + 1 :]
    assert signing.read(purpose, altered) == (id if altered.lower() == token and other.isascii() else None)


def test_each_character_matters_whatever_it_becomes():
    token = signing.token(Purpose.HEADER, ID)
    altered = {
        token[:n] + other + token[n + 1 :] for n in range(45) for other in "abcdefghijklmnopqrstuvwxyz0123456789-=_."
    } - {token}
    assert len(altered) > 1700
    assert not [one for one in altered if signing.read(Purpose.HEADER, one)]


@given(ids, purposes, purposes)
def test_a_token_is_for_its_own_purpose_alone(id, purpose, other):
    assert signing.read(other, signing.token(purpose, id)) == (id if purpose is other else None)


@given(ids, purposes)
def test_what_another_site_signed_is_refused(id, purpose):
    with override_settings(SECRET_KEY="another site's", SECRET_KEY_FALLBACKS=[]):
        token = signing.token(purpose, id)
    assert signing.read(purpose, token) is None


def test_another_key_with_the_same_name_is_refused_by_its_signature():
    """The name is ten bits: some other key has it too."""
    with override_settings(SECRET_KEY="one"):
        token = signing.token(Purpose.RETURN_PATH, ID)
    for n in range(20_000):
        with override_settings(SECRET_KEY=f"other {n}"):
            theirs = signing.token(Purpose.RETURN_PATH, ID)
        if theirs[:2] == token[:2]:
            break
    with override_settings(SECRET_KEY=f"other {n}"):
        assert signing.read(Purpose.RETURN_PATH, token) is None
    with override_settings(SECRET_KEY="one", SECRET_KEY_FALLBACKS=[f"other {n}"]):
        assert signing.read(Purpose.RETURN_PATH, token) == signing.read(Purpose.RETURN_PATH, theirs) == ID


@given(ids, purposes)
def test_what_was_signed_before_the_key_changed_still_opens(id, purpose):
    before = signing.token(purpose, id)
    with override_settings(SECRET_KEY="the new key", SECRET_KEY_FALLBACKS=["a key for tests alone"]):
        assert signing.read(purpose, before) == id
        assert signing.token(purpose, id) != before
    with override_settings(SECRET_KEY="the new key"):
        assert signing.read(purpose, before) is None


@given(st.text() | st.text(alphabet="abcdefghijklmnopqrstuvwxyz234567-", min_size=45, max_size=45))
def test_what_nobody_signed_is_refused(text):
    assert signing.read(Purpose.RETURN_PATH, text) is None


@pytest.mark.parametrize("around", ["{} ", " {}", "{}\n", "<{}>", "{0}{0}"])
def test_a_token_is_the_whole_text(around):
    assert signing.read(Purpose.HEADER, around.format(signing.token(Purpose.HEADER, ID))) is None


def test_characters_that_only_look_like_ours_are_refused():
    token = next(one for n in range(1000) if "k" in (one := signing.token(Purpose.HEADER, UUID(int=n))))
    assert signing.read(Purpose.HEADER, token.replace("k", "K")) is not None
    assert signing.read(Purpose.HEADER, token.replace("k", "\u212a")) is None  # KELVIN SIGN: its lower case is a k


def test_the_same_id_has_the_same_token_each_time():
    id = uuid7()
    assert signing.token(Purpose.MESSAGE_ID, id) == signing.token(Purpose.MESSAGE_ID, id)


def test_no_purpose_signs_like_another():
    assert len({signing.token(purpose, ID) for purpose in Purpose}) == len(Purpose)
