"""The headers by which a mail program offers to turn mails off (RFC 2369, RFC 8058): on which mails, and how."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any
from uuid import UUID

import pytest

from tests.delivery.test_mime import Row, Words
from undelivered.delivery import mime
from undelivered.delivery.personal import NOT_OPTIONAL, Personal, mark
from undelivered.desk import links
from undelivered.desk.links import Purpose

ID = UUID("01948e00-0000-7000-8000-000000000001")
ABOUT_A_REQUEST: dict[str, Any] = {"customer_id": 7, "request_id": 12}


@pytest.fixture(autouse=True)
def secure(settings: Any) -> None:
    settings.PUBLIC_URL = "https://desk.example"


def headers(row: Row, words: Words | None = None) -> tuple[str | None, str | None]:
    raw = mime.write(words or Words(), row, id=ID, at=datetime(2026, 3, 1, tzinfo=UTC))
    mail = message_from_bytes(raw)
    return mail["List-Unsubscribe"], mail["List-Unsubscribe-Post"]


def opened(header: str | None) -> tuple[int, int] | None:
    assert header
    assert header.startswith("<https://desk.example/portal/off/")
    return links.read(header.strip("<>").rpartition("/")[2], Purpose.NOTIFICATIONS_OFF)


def test_a_mail_about_a_request_offers_to_turn_that_request_off_by_one_click() -> None:
    url, post = headers(Row(**ABOUT_A_REQUEST))
    assert opened(url) == (12, 7)
    assert post == "List-Unsubscribe=One-Click"


def test_it_is_the_same_address_as_the_link_in_the_mail() -> None:
    words = Words(html=f'<a href="{mark(Personal.NOTIFICATIONS_OFF_URL)}">Off</a>')
    raw = mime.write(words, Row(**ABOUT_A_REQUEST), id=ID, at=datetime(2026, 3, 1, tzinfo=UTC))
    url = str(message_from_bytes(raw)["List-Unsubscribe"]).strip("<>")
    assert f'<a href="{url}">' in message_from_bytes(raw).get_payload(1).get_payload(decode=True).decode()  # type: ignore[union-attr]


def test_a_request_that_lives_elsewhere_is_turned_off_here() -> None:
    row = Row(**ABOUT_A_REQUEST, personal={Personal.REQUEST_URL.value: "https://tracker.example/12"})
    assert opened(headers(row)[0]) == (12, 7)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(Row(customer_id=7), id="an invitation"),
        pytest.param(Row(), id="an account's mail, or one that a program wrote"),
        pytest.param(Row(request_id=12), id="to nobody that is known"),
        pytest.param(Row(**ABOUT_A_REQUEST, personal={NOT_OPTIONAL: "yes"}), id="what cannot be turned off"),
    ],
)
def test_a_mail_that_cannot_be_turned_off_does_not_offer_to(row: Row) -> None:
    assert headers(row) == (None, None)


def test_without_https_there_is_the_address_but_no_one_click(settings: Any) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:8025"
    url, post = headers(Row(**ABOUT_A_REQUEST))
    assert url
    assert url.startswith("<http://127.0.0.1:8025/portal/off/")
    assert post is None


def test_the_address_stands_on_one_line_however_long_it_is(settings: Any) -> None:
    settings.PUBLIC_URL = f"https://{'long.' * 40}desk.example"
    raw = mime.write(Words(), Row(**ABOUT_A_REQUEST), id=ID, at=datetime(2026, 3, 1, tzinfo=UTC))
    [line] = [line for line in raw.split(b"\r\n") if line.startswith(b"List-Unsubscribe:")]
    assert line.endswith(b">")
    assert len(line) <= mime.LONGEST_LINE
