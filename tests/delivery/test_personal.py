"""What is personal: marks in common words, filled in for each recipient."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undelivered.delivery import personal
from undelivered.delivery.personal import Personal, fill, hidden, mark, values
from undelivered.desk import links


@dataclass
class Row:
    recipient: str = "ann.jones@x.example"
    recipient_name: str = ""
    project_id: int = 1
    request_id: int | None = None
    customer_id: int | None = None
    personal: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize("name", Personal)
def test_a_mark_is_replaced_by_its_value(name):
    assert fill(f"a {mark(name)} b", {name.value: "X"}) == "a X b"


@pytest.mark.parametrize("name", Personal)
def test_a_mark_without_a_value_disappears(name):
    assert fill(f"a{mark(name)}b", {}) == "ab"


@given(st.text(st.characters(blacklist_characters=personal.OPEN + personal.CLOSE)))
def test_nothing_that_can_be_typed_is_a_mark(text):
    assert fill(text, dict.fromkeys(Personal, "X")) == text


def test_a_value_is_never_taken_for_a_mark():
    found = {"recipient.name": mark(Personal.RECIPIENT_ADDRESS), "recipient.address": "secret"}
    assert "secret" not in fill(mark(Personal.RECIPIENT_NAME), found)


def test_values_are_escaped_where_that_is_asked_for():
    assert fill(mark(Personal.RECIPIENT_NAME), {"recipient.name": "<i>"}, escape) == "&lt;i&gt;"


def test_somebody_without_a_name_is_called_by_the_address():
    assert values(Row())["recipient.name"] == "ann.jones"
    assert values(Row(recipient_name="Ann"))["recipient.name"] == "Ann"
    assert values(Row(recipient=""))["recipient.name"] == ""


def test_links_about_a_request_are_minted_for_its_customer():
    found = values(Row(customer_id=7, request_id=9))
    assert links.read(found["request.url"].rpartition("/")[2], links.Purpose.REQUEST) == (9, 7)
    off = found["notifications_off.url"].rpartition("/")[2]
    assert links.read(off, links.Purpose.NOTIFICATIONS_OFF) == (9, 7)
    assert "invitation.url" not in found


def test_a_link_of_an_invitation_is_minted_for_the_invitee():
    found = values(Row(customer_id=7, project_id=3))
    assert links.read(found["invitation.url"].rpartition("/")[2], links.Purpose.INVITATION) == (3, 7)
    assert "request.url" not in found


def test_somebody_who_is_no_customer_gets_no_links():
    assert set(values(Row(request_id=9))) == {"recipient.name", "recipient.address"}


def test_what_the_row_says_goes_first_and_is_text():
    found = values(Row(customer_id=7, request_id=9, personal={"request.url": "https://desk.example/1", "n": 5}))
    assert found["request.url"] == "https://desk.example/1"
    assert found["n"] == "5"


def test_people_who_look_at_it_see_no_working_links():
    found = hidden(Row(customer_id=7, request_id=9, recipient_name="Ann"))
    assert found["recipient.name"] == "Ann"
    assert {value for name, value in found.items() if name.endswith(".url")} == {"#"}
