"""Customers' links: signed, each for one purpose, and for a time."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core import signing

from undelivered.desk import links
from undelivered.desk.links import Purpose

MAKERS = {
    Purpose.INVITATION: links.invitation,
    Purpose.REQUEST: links.request,
    Purpose.NOTIFICATIONS_OFF: links.notifications_off,
}


def token_of(url: str) -> str:
    return url.rpartition("/")[2]


@pytest.mark.parametrize("purpose", Purpose)
def test_a_link_leads_to_this_site_and_says_what_it_is_for(purpose):
    url = MAKERS[purpose](7, 11)
    assert url.startswith(settings.PUBLIC_URL + "/portal/")
    assert links.read(token_of(url), purpose) == (7, 11)


@pytest.mark.parametrize("purpose", Purpose)
def test_a_link_opens_nothing_else(purpose):
    token = token_of(MAKERS[purpose](7, 11))
    assert [links.read(token, other) for other in Purpose if other is not purpose] == [None, None]


@pytest.mark.parametrize("purpose", Purpose)
def test_a_link_ends(purpose, monkeypatch):
    token = token_of(MAKERS[purpose](7, 11))
    later = signing.time.time() + links.LIFETIME[purpose].total_seconds() + 1
    monkeypatch.setattr(signing.time, "time", lambda: later)
    assert links.read(token, purpose) is None


def test_a_link_that_was_changed_is_none():
    token = token_of(links.request(7, 11))
    assert links.read(token[:-1] + ("A" if token[-1] != "A" else "B"), Purpose.REQUEST) is None


@pytest.mark.parametrize("garbage", ["", ":", "a:b:c", "ä", "x" * 5000, "::::", ".eJw:1:2"])
def test_garbage_is_none(garbage):
    assert links.read(garbage, Purpose.REQUEST) is None


@pytest.mark.parametrize("value", [7, [7], [7, 8, 9], ["a", "b"], {"a": 1}, None])
def test_a_signed_value_of_another_shape_is_none(value):
    token = signing.dumps(value, salt="undelivered.portal.request")
    assert links.read(token, Purpose.REQUEST) is None
