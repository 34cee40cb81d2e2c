"""SPF as a receiver evaluates it: RFC 7208."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.delivery.dns.zone import SILENT, Zone
from undelivered.delivery.dns import spf
from undelivered.delivery.dns.lookup import Lookup
from undelivered.delivery.dns.spf import Result

ADDRESS = "192.0.2.7"


def check(record, address=ADDRESS, **others):
    """What the record of example.com says; `others`: records of further names, `_` for their dots."""
    names = {"example.com": {"TXT": [record] if isinstance(record, str) else record}}
    names |= {name.replace("_", "."): records for name, records in others.items()}
    return spf.check(Lookup(Zone(names)), "example.com", address)


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 ip4:192.0.2.7 -all", Result.PASS),
        ("v=spf1 ip4:192.0.2.0/24 -all", Result.PASS),
        ("V=SPF1 IP4:192.0.2.0/29 -ALL", Result.PASS),
        ("v=spf1 ip4:192.0.2.8/32 -all", Result.FAIL),
        ("v=spf1 ip4:198.51.100.0/24 ~all", Result.SOFTFAIL),
        ("v=spf1 ip4:198.51.100.0/24 ?all", Result.NEUTRAL),
        ("v=spf1 -ip4:192.0.2.0/24 +all", Result.FAIL),
        ("v=spf1 ip4:198.51.100.1", Result.NEUTRAL),
        ("v=spf1", Result.NEUTRAL),
        ("v=spf1 ip6:2001:db8::/32 -all", Result.FAIL),
        ("v=spf1 unknown-modifier=x ip4:192.0.2.7", Result.PASS),
        ("v=spf10 ip4:192.0.2.7", Result.NONE),
        ("spf2.0/pra +all", Result.NONE),
        ([], Result.NONE),
        (["google-site-verification=x", "v=spf1 +all"], Result.PASS),
    ],
)
def test_terms_are_evaluated_from_left_to_right(record, result):
    assert check(record).result is result


def test_ipv6_addresses_are_matched():
    record = "v=spf1 ip6:2001:db8:1::/48 a:six.example -all"
    six = {"AAAA": ["2001:db8:2::5"], "A": ["192.0.2.1"]}
    assert check(record, "2001:db8:1::9", six_example=six).result is Result.PASS
    assert check(record, "2001:db8:2::5", six_example=six).result is Result.PASS
    assert check(record, "2001:db8:3::9", six_example=six).result is Result.FAIL
    assert check("v=spf1 ip4:192.0.2.7 -all", "::ffff:192.0.2.7").result is Result.PASS


def test_a_and_mx_ask_for_addresses():
    zone = {
        "example_com": {
            "TXT": ["v=spf1 a mx/28 a:web.example//64 -all"],
            "A": ["198.51.100.1"],
            "MX": ["5 mx.example."],
        },
        "mx_example": {"A": ["192.0.2.1"]},
        "web_example": {"AAAA": ["2001:db8::1"], "A": ["198.51.100.9"]},
    }
    for address, result in (
        ("198.51.100.1", Result.PASS),
        ("192.0.2.14", Result.PASS),
        ("192.0.2.17", Result.FAIL),
        ("2001:db8::ffff", Result.PASS),
        ("198.51.100.9", Result.PASS),
        ("198.51.100.8", Result.FAIL),
    ):
        assert check([], address, **zone).result is result, address


def test_includes_match_only_where_they_pass():
    inner = {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]}
    assert check("v=spf1 include:in.example -all", in_example=inner).result is Result.PASS
    assert check("v=spf1 include:in.example ~all", "198.51.100.1", in_example=inner).result is Result.SOFTFAIL


def test_a_redirect_takes_over_where_nothing_matched():
    target = {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]}
    assert check("v=spf1 redirect=to.example", to_example=target).result is Result.PASS
    assert check("v=spf1 redirect=to.example", "198.51.100.1", to_example=target).result is Result.FAIL
    assert check("v=spf1 redirect=to.example ?all", to_example=target).result is Result.NEUTRAL


def test_exists_and_macros_are_expanded():
    zone = {"7_2_0_192_l_example_com": {"A": ["127.0.0.2"]}}
    assert check("v=spf1 exists:%{ir}.l.%{d} -all", **zone).result is Result.PASS
    assert check("v=spf1 exists:%{ir}.l.%{d} -all", "192.0.2.8", **zone).result is Result.FAIL
    one = {"in-addr_com": {"TXT": ["v=spf1 +all"]}}
    assert check("v=spf1 include:%{v}.%{d1r}", **{"in-addr_example": one["in-addr_com"]}).result is Result.PASS


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (["v=spf1 -all", "v=spf1 +all"], "2 SPF records"),
        ("v=spf1 ipv4:192.0.2.1 -all", "means nothing"),
        ("v=spf1 ip4:192.0.2.300 -all", "no such address"),
        ("v=spf1 ip4:2001:db8::1 -all", "no such address"),
        ("v=spf1 a/33 -all", "network size"),
        ("v=spf1 include: -all", "names no domain"),
        ("v=spf1 include:gone.example -all", "has no SPF record"),
        ("v=spf1 redirect=gone.example", "has no SPF record"),
        ("v=spf1 redirect=a.example redirect=b.example", "redirect"),
        ("v=spf1 include:%{x}.example -all", "macro"),
        ("v=spf1 a:%.example -all", "macro"),
    ],
)
def test_a_record_that_cannot_be_used_is_an_error_with_its_reason(record, words):
    verdict = check(record)
    assert verdict.result is Result.PERMERROR
    assert words in verdict.why


def test_ten_lookups_are_allowed_and_eleven_are_not():
    names = {f"n{i}_example": {"TXT": ["v=spf1 -all"]} for i in range(11)}
    record = "v=spf1 " + " ".join(f"include:n{i}.example" for i in range(10))
    assert check(record + " -all", **names).result is Result.FAIL
    verdict = check(record + " include:n10.example -all", **names)
    assert verdict.result is Result.PERMERROR
    assert "more than 10 look-ups" in verdict.why


def test_records_that_include_each_other_end():
    assert check("v=spf1 include:example.com -all").result is Result.PERMERROR


def test_more_than_two_names_that_are_not_there_are_an_error():
    assert check("v=spf1 a:x.example a:y.example -all").result is Result.FAIL
    verdict = check("v=spf1 a:x.example a:y.example mx:z.example -all")
    assert verdict.result is Result.PERMERROR
    assert "z.example" in verdict.why


def test_more_than_ten_mail_servers_are_an_error():
    mx = {"TXT": ["v=spf1 mx -all"], "MX": [f"10 m{i}.example." for i in range(11)]}
    assert check([], example_com=mx).result is Result.PERMERROR


def test_no_answer_is_a_temporary_error():
    assert check([], example_com={"TXT": SILENT}).result is Result.TEMPERROR
    assert check("v=spf1 a:x.example -all", x_example={"A": SILENT, "AAAA": SILENT}).result is Result.TEMPERROR


def test_without_an_address_every_term_is_walked_through():
    verdict = check("v=spf1 ip4:192.0.2.7 include:in.example ptr ~all", None, in_example={"TXT": ["v=spf1 -all"]})
    assert (verdict.result, verdict.lookups, verdict.uses_ptr) == (Result.SOFTFAIL, 2, True)
    assert verdict.names == ["example.com", "in.example"]
    assert check("v=spf1 include:in.example -all", None, in_example={"TXT": ["v=spf1 +all"]}).result is Result.PASS


@given(st.text(alphabet="v=spf1 +-~?/:.%{}idralnceoxtsp420123456789mf_", max_size=80), st.sampled_from([None, ADDRESS]))
def test_whatever_a_record_says_there_is_a_verdict(text, address):
    assert check(f"v=spf1 {text}", address).result in set(Result)
