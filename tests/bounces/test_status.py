"""Codes in free text, and what they stand for."""

from __future__ import annotations

import pytest

from undelivered.bounces import Cause, status


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("550 5.1.1 no", "5.1.1"),
        ("550-5.7.26 no", "5.7.26"),
        ("(#5.1.1)", "5.1.1"),
        ("550 #5.1.0 Address rejected", "5.1.0"),
        ("server 5.1.1.4 said no", ""),  # an IP address
        ("Postfix 2.5.1 said no", ""),
        ("mx4.4.7.example.com", ""),
        ("5.0.0 then 5.2.2", "5.2.2"),  # the more telling one
        ("5.1.1 then 4.2.2", "5.1.1"),
        ("nothing", ""),
    ],
)
def test_an_enhanced_code_is_found(text: str, found: str) -> None:
    assert status.find_status(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("550 no", "550"),
        ("550-5.1.1 no", "550"),
        ("RCPT TO:550 5.1.1 no", "550"),
        ("ERROR_CODE :550, x", "550"),
        ("said: 250 ok 554 no", "554"),
        ("call 480-624-2500", ""),
        ("552 bytes left", ""),
        ("at 10:550", ""),
        ("192.0.2.550", ""),
        ("mx550 said", ""),
    ],
)
def test_a_reply_code_is_found(text: str, found: str) -> None:
    assert status.find_reply_code(text) == found


def test_a_transient_class_can_change_the_meaning() -> None:
    assert status.cause_of_status("5.2.1") is Cause.SUSPEND
    assert status.cause_of_status("4.2.1") is None


def test_microsoft_bans_ip_addresses_with_a_range_of_codes() -> None:
    assert status.cause_of_status("5.7.620") is Cause.BLOCKED
    assert status.cause_of_status("5.7.999") is None


def test_every_code_of_the_tables_is_well_formed() -> None:
    for detail in [*status.BY_STATUS, *status.WEAK, *status.BY_STATUS_TRANSIENT]:
        assert status.find_status(f"550 5.{detail} x") == f"5.{detail}"
