"""DMARC: whose policy counts, what it wishes, which domains belong together."""

from __future__ import annotations

import pytest

from tests.delivery.dns.zone import SILENT, Zone
from undelivered.delivery.dns import dmarc
from undelivered.delivery.dns.lookup import Lookup


def walk(domain, **records):
    zone = {f"_dmarc.{name.replace('_', '.')}": {"TXT": texts} for name, texts in records.items()}
    return dmarc.walk(Lookup(Zone(zone)), domain)


def test_the_domains_own_policy_counts_first_and_the_highest_domain_is_the_organization():
    found = walk("it.desk.example", it_desk_example=["v=DMARC1; p=reject"], desk_example=["v=DMARC1;p=none"])
    assert (found.policy.domain, found.policy.wish("it.desk.example")) == ("it.desk.example", "reject")
    assert found.organization == "desk.example"


def test_a_policy_from_above_has_its_own_wish_for_subdomains():
    found = walk(
        "it.desk.example",
        desk_example=["v=DMARC1; p=reject; sp=Quarantine; rua=mailto:a@x.example!10m,mailto:b@y.example"],
    )
    assert found.policy.wish("it.desk.example") == "quarantine"
    assert found.policy.report_to == ["a@x.example", "b@y.example"]
    assert walk("it.desk.example", desk_example=["v=DMARC1; p=reject"]).policy.wish("it.desk.example") == "reject"


def test_endings_under_which_domains_are_given_out_are_nobodys_organization():
    own, above = ["v=DMARC1; p=none"], "v=DMARC1; p=none; psd="
    assert walk("it.desk.co.example", desk_co_example=own, co_example=[above + "y"]).organization == "desk.co.example"
    assert walk("it.desk.co.example", desk_co_example=own, co_example=[above + "n"]).organization == "co.example"
    marked = walk("it.desk.example", it_desk_example=[above + "n"], desk_example=own)
    assert marked.organization == "it.desk.example"


def test_several_records_at_one_name_count_as_none():
    found = walk("desk.example", desk_example=["v=DMARC1; p=none", "v=DMARC1; p=reject"])
    assert (found.policy, found.several, found.organization) == (None, ("desk.example",), "desk.example")


@pytest.mark.parametrize("text", ["v=DMARC2; p=none", "p=none; v=DMARC1", "google-site-verification=x", "v=spf1 -all"])
def test_other_texts_are_no_policy(text):
    assert walk("desk.example", desk_example=[text]).policy is None


def test_no_answer_is_told_apart_from_no_record():
    zone = Zone({"_dmarc.desk.example": {"TXT": SILENT}})
    assert dmarc.walk(Lookup(zone), "desk.example").failed
    assert not walk("desk.example").failed


def test_a_long_name_is_walked_up_in_few_steps():
    names = dmarc.names_above("a.b.c.d.e.f.g.h.i.desk.example")
    assert names[0] == "a.b.c.d.e.f.g.h.i.desk.example"
    assert names[1] == "e.f.g.h.i.desk.example"
    assert names[-1] == "desk.example"
    assert len(names) <= dmarc.MOST_LABELS
    assert dmarc.names_above("localhost") == ["localhost"]


@pytest.mark.parametrize(
    ("domain", "strict", "expected"),
    [
        ("bounces.desk.example", False, True),
        ("desk.example", False, True),
        ("other.desk.example", False, True),
        ("baddesk.example", False, False),
        ("bounces.desk.example", True, False),
        ("it.desk.example", True, True),
    ],
)
def test_domains_of_one_organization_are_aligned_unless_strictness_is_wanted(domain, strict, expected):
    assert dmarc.aligned(domain, "it.desk.example", "desk.example", strict=strict) is expected


def test_reports_to_another_organization_need_its_consent():
    zone = {"desk.example._report._dmarc.reports.example": {"TXT": ["v=DMARC1"]}, "x": {}}
    zone["desk.example._report._dmarc.slow.example"] = {"TXT": SILENT}
    lookup = Lookup(Zone(zone))
    expected = {"a@reports.example": True, "a@other.example": False, "a@mx.desk.example": True, "a@slow.example": None}
    for address, consent in expected.items():
        assert dmarc.lets_report(lookup, "desk.example", address, "desk.example") is consent, address
