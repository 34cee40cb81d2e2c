"""Texts that PostgreSQL can hold, whatever was in them."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from undelivered.database.texts import writable, writable_json

#: Half a character, too, as what cannot be decoded becomes.
TEXTS = st.text(st.characters(codec=None, exclude_categories=[]), max_size=50)
VALUES = st.recursive(
    TEXTS | st.integers(-1000, 1000), lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=5
)


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES)
def test_whatever_it_was_it_is_stored_and_comes_back(value):
    found = writable_json({"value": value})
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::jsonb, %s::text", [json.dumps(found), writable(str(value))])
        stored, text = cursor.fetchone()
    assert json.loads(stored) == found
    assert text == writable(str(value))


@pytest.mark.parametrize("text", ["", "a", "ä\n\u2028", "\U0001f600"])
def test_what_can_be_held_is_left_alone(text):
    assert writable(text) == text
