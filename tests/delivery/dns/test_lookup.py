"""Questions to DNS: answers are values, whatever happens."""

from __future__ import annotations

import dns.resolver
import pytest

from tests.delivery.dns.zone import BROKEN, SILENT, Zone
from undelivered.delivery.dns import lookup as module
from undelivered.delivery.dns.lookup import Answer, Lookup, Status


def test_records_are_read_as_text():
    zone = Zone(
        {
            "example.com": {
                "MX": ["20 B.example.com.", "10 a.example.com."],
                "TXT": ["v=spf1 -all", "x" * 300],
                "A": ["192.0.2.1"],
                "AAAA": ["2001:db8::1"],
            }
        }
    )
    lookup = Lookup(zone)
    assert lookup.mx("example.com").values == ("10 a.example.com", "20 b.example.com")
    assert lookup.txt("EXAMPLE.com.").values == ("v=spf1 -all", "x" * 300)
    assert lookup.addresses("example.com").values == ("192.0.2.1", "2001:db8::1")


def test_a_null_mx_stays_one():
    assert Lookup(Zone({"example.com": {"MX": ["0 ."]}})).mx("example.com").values == ("0 .",)


@pytest.mark.parametrize(
    ("records", "status"),
    [
        ({}, Status.NO_RECORD),
        ({"TXT": SILENT}, Status.FAILED),
        ({"TXT": BROKEN}, Status.FAILED),
        ({"TXT": OSError("no network")}, Status.FAILED),
        ({"TXT": dns.resolver.NoResolverConfiguration()}, Status.FAILED),
    ],
)
def test_what_goes_wrong_is_an_answer_too(records, status):
    assert Lookup(Zone({"example.com": records})).txt("example.com") == Answer(status)


@pytest.mark.parametrize("name", ["gone.example", "a" * 64 + ".example", "a..b", ""])
def test_a_name_that_is_not_there_or_cannot_be_is_no_name(name):
    assert Lookup(Zone()).txt(name).status is Status.NO_NAME


def test_addresses_of_one_family_are_enough():
    zone = Zone({"four.example": {"A": ["192.0.2.1"], "AAAA": SILENT}, "none.example": {"A": SILENT}})
    lookup = Lookup(zone)
    assert lookup.addresses("four.example") == Answer(Status.FOUND, ("192.0.2.1",))
    assert lookup.addresses("none.example").failed


def test_nothing_is_asked_twice():
    zone = Zone({"example.com": {"TXT": ["one"]}})
    lookup = Lookup(zone)
    lookup.ahead([("example.com", "TXT"), ("gone.example", "MX"), ("example.com", "TXT")])
    assert lookup.txt("Example.com").values == ("one",)
    assert lookup.mx("gone.example").status is Status.NO_NAME
    assert sorted(zone.asked) == [("example.com", "TXT"), ("gone.example", "MX")]


def test_all_questions_together_have_a_limit_of_time(monkeypatch):
    now = 100.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    zone = Zone({"example.com": {"TXT": ["one"]}})
    lookup = Lookup(zone, seconds=4)
    lookup.txt("a.example")
    now = 103.0
    lookup.txt("b.example")
    now = 104.0
    assert lookup.txt("example.com").failed
    assert zone.lifetimes == [3.0, 1.0]


def test_a_flood_of_records_is_cut():
    zone = Zone({"example.com": {"TXT": [f"record {i}" for i in range(500)]}})
    assert len(Lookup(zone).txt("example.com").values) == module.MOST_RECORDS
