"""What is wrong with an address, whether the internet can reach it, and when two are the same."""

from __future__ import annotations

import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from undelivered.delivery import address_faults, address_parts, addresses
from undelivered.delivery.addresses import canonical, domain_of, private, validate

ACCEPTED = [
    "ann@example.com",
    "ann+tag.with-dots_and'quotes@shop.example",
    "!#$%&'*+-/=?^_`{|}~@example.org",
    '"ann b"@example.com',
    '"ann@home, or not"@example.com',
    '"with \\" and \\\\"@example.com',
    '""@example.com',
    "ann@[93.184.215.14]",
    "ann@[IPv6:2606:2800:220:1:248:1893:25c8:1946]",
    "ann@[ipv6:2606:2800:220:1:248:1893:25c8:1946]",
    "жанна@пример.example",
    "jürgen@bücher.example",
    "jürgen@xn--bcher-kva.example",
    "ann@a.b.c.d.e.example",
    "1@2.example",
    "a" * 64 + "@example.com",
    "ann@" + "b" * 63 + ".example",
]

FAULTS = [
    ("", "empty", "The address is empty.", None),
    (" \t ", "empty", "The address is empty.", None),
    ("lena.example.com", "no-at", "There is no @.", None),
    ("lena＠shop.example", "no-at", "There is no @.", "lena@shop.example"),
    ("lena (at) shop.example", "no-at", "There is no @.", None),
    ("lena at shop.example", "no-at", "There is no @.", "lena@shop.example"),
    ("lena,hoffmann@shop.example", "comma", "There is a comma before the @.", "lena.hoffmann@shop.example"),
    ("lena@shop,example", "comma", "There is a comma after the @.", "lena@shop.example"),
    ("lena@shop.example,", "comma", "There is a comma after the @.", "lena@shop.example"),
    ("lena@shop.example;", "semicolon", "There is a semicolon after the @.", "lena@shop.example"),
    ("a@x.example, b@y.example", "several-addresses", "There are several addresses here; give one.", None),
    ("lena@@shop.example", "several-at", "There are 2 @; an address has one.", "lena@shop.example"),
    ("lena@shop@example.com", "several-at", "There are 2 @; an address has one.", None),
    ("<lena@shop.example>", "angle-brackets", "There are angle brackets around the address.", "lena@shop.example"),
    (
        "Lena <lena@shop.example>",
        "angle-brackets",
        "There is a name and angle brackets around the address; only the address belongs here.",
        "lena@shop.example",
    ),
    (
        "<lena@shop.example",
        "angle-brackets",
        "There is an opening angle bracket < without a closing one.",
        "lena@shop.example",
    ),
    (
        "lena@shop.example>",
        "angle-brackets",
        "There is a closing angle bracket > without an opening one.",
        "lena@shop.example",
    ),
    (
        "Lena Hoffmann lena@shop.example",
        "space",
        "There is a name before the address, without angle brackets.",
        "lena@shop.example",
    ),
    ("lena hoffmann@shop.example", "space", "There is a space before the @.", None),
    ("lena @shop.example", "space", "There is a space before the @.", "lena@shop.example"),
    ("lena@shop. example", "space", "There is a space after the @.", "lena@shop.example"),
    (" lena@shop.example", "space", "There is a space before the address.", "lena@shop.example"),
    ("lena@shop.example ", "space", "There is a space after the address.", "lena@shop.example"),
    ("lena@shop.example\n", "line-break", "There is a line break in the address.", "lena@shop.example"),
    ("lena@shop.example\r\nBcc: all@x.example", "line-break", "There is a line break in the address.", None),
    ("le\x00na@shop.example", "control-character", "There is a control character (U+0000) in the address.", None),
    (
        "le\u200bna@shop.example",
        "control-character",
        "There is an invisible character (U+200B) in the address.",
        "lena@shop.example",
    ),
    ("mailto:lena@shop.example", "mailto", "There is a “mailto:” before the address.", "lena@shop.example"),
    ("@shop.example", "no-local-part", "There is nothing before the @.", None),
    ("lena@", "no-domain", "There is nothing after the @.", None),
    (".lena@shop.example", "dot-before", "The part before the @ starts with a dot.", "lena@shop.example"),
    ("lena.@shop.example", "dot-before", "The part before the @ ends with a dot.", "lena@shop.example"),
    ("le..na@shop.example", "dot-before", "There are two dots in a row before the @.", "le.na@shop.example"),
    ("lena@.shop.example", "dot-after", "There is a dot right after the @.", "lena@shop.example"),
    ("lena@shop.example.", "dot-after", "There is a dot at the end of the address.", "lena@shop.example"),
    ("lena@shop..example", "dot-after", "There are two dots in a row after the @.", "lena@shop.example"),
    ("lena@my_shop.example", "underscore", "There is an underscore _ after the @; domain names have none.", None),
    ("lena@-shop.example", "hyphen", "A name after the @ starts or ends with a hyphen.", None),
    ("lena@shop-.example", "hyphen", "A name after the @ starts or ends with a hyphen.", None),
    ("lena@shop.123", "numeric-domain", "The domain ends in “123”; no domain ends in a number.", None),
    ("lena@300.1.2.3", "numeric-domain", "The domain ends in “3”; no domain ends in a number.", None),
    ("lena@sh!op.example", "character-after", "There is a “!” after the @; domain names have none.", None),
    (
        "lena(hr)@shop.example",
        "character-before",
        "There is a “(” before the @, which is only allowed inside quotation marks.",
        None,
    ),
    (
        '"lena@shop.example',
        "quotes",
        "There is a quotation mark without its partner.",
        "lena@shop.example",
    ),
    ('le"na"@shop.example', "quotes", "The quotation marks must enclose everything before the @.", None),
    ("lena@[shop]", "ip-literal", "What stands in the square brackets after the @ is not an IP address.", None),
    ("lena@[10.0.0.1", "brackets", "There is a square bracket without its partner after the @.", None),
    (
        "lena@[2606:2800::1]",
        "ip-literal",
        "An IPv6 address in square brackets starts with “IPv6:”.",
        "lena@[IPv6:2606:2800::1]",
    ),
    (
        "lena@93.184.215.14",
        "bare-ip",
        "The IP address after the @ must stand in square brackets.",
        "lena@[93.184.215.14]",
    ),
    ("lena@❤.example", "bad-domain", "The domain name after the @ is not valid (IDNA).", None),
    (
        "a" * 65 + "@shop.example",
        "too-long",
        "The part before the @ is too long: 65 characters, 64 are allowed.",
        None,
    ),
    ("ü" * 33 + "@shop.example", "too-long", "The part before the @ is too long: 66 bytes, 64 are allowed.", None),
    (
        "lena@" + "b" * 64 + ".example",
        "too-long",
        "A name between two dots after the @ is too long: 64 characters, 63 are allowed.",
        None,
    ),
    (
        "a" * 60 + "@" + ".".join(["b" * 60] * 4),
        "too-long",
        "The address is too long: 304 characters, 254 are allowed.",
        None,
    ),
    (
        "a@" + ".".join(["b" * 60] * 5),
        "too-long",
        "The part after the @ is too long: 304 characters, 253 are allowed.",
        None,
    ),
]

PRIVATE = [
    "someone@192.168.0.217",
    "someone@[192.168.0.217]",
    "someone@[10.0.0.1]",
    "someone@172.31.255.255",
    "someone@[127.0.0.1]",
    "someone@[100.64.0.1]",
    "someone@[169.254.1.1]",
    "someone@[0.0.0.0]",
    "someone@[192.0.2.1]",
    "someone@[198.18.0.1]",
    "someone@[224.0.0.1]",
    "someone@[255.255.255.255]",
    "someone@[IPv6:fd00::1]",
    "someone@fd00::1",
    "someone@[IPv6:::1]",
    "someone@[IPv6:::]",
    "someone@[IPv6:fe80::1]",
    "someone@[IPv6:fec0::1]",
    "someone@[IPv6:ff02::1]",
    "someone@[IPv6:2001:db8::1]",
    "someone@[IPv6:3fff::1]",
    "someone@[IPv6:2001::1]",
    "someone@[IPv6:::ffff:10.0.0.1]",
    "someone@[IPv6:64:ff9b::10.0.0.1]",
    "someone@[IPv6:2002:c0a8:1::1]",
    "someone@[IPv6:4000::1]",
    "someone@localhost",
    "someone@Dev.LOCALHOST",
    "someone@printer",
    "someone@nas.local",
    "someone@nas。local",
    "someone@mail.corp.internal",
    "someone@box.home.arpa",
    "someone@box.lan",
    "someone@box.home",
    "someone@mail.corp",
    "someone@wiki.intranet",
    "someone@x.private",
    "someone@x.localdomain",
    "someone@x.test",
    "someone@x.invalid",
    "someone@expyuzz4wqqyqhjn.onion",
    "someone@x.alt",
    "someone@münchen",
]

PUBLIC = [
    "ann@example.com",
    "ann@example.net",
    "ann@example.org",
    "ann@shop.example",
    "ann@deep.down.shop.example",
    "ann@[93.184.215.14]",
    "ann@[172.32.0.1]",
    "ann@[IPv6:2606:2800:220:1::1]",
    "ann@[IPv6:::ffff:93.184.215.14]",
    "ann@local.example",
    "ann@notlocal.org",
    "ann@internal.example.com",
]


@pytest.mark.parametrize("address", ACCEPTED)
def test_what_the_rfcs_accept_is_accepted(address: str) -> None:
    assert validate(address) is None


@pytest.mark.parametrize(("address", "code", "detail", "suggestion"), FAULTS)
def test_a_fault_is_named_exactly(address: str, code: str, detail: str, suggestion: str | None) -> None:
    problem = validate(address)
    assert problem is not None
    assert (problem.code, problem.detail, problem.suggestion) == (code, detail, suggestion)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_has_a_valid_form_and_is_private(address: str) -> None:
    assert validate(address) is None
    problem = private(address)
    assert problem is not None
    assert "cannot be reached from the internet" in problem.detail


@pytest.mark.parametrize("address", PUBLIC)
def test_public_and_documentation_domains_are_not_private(address: str) -> None:
    assert validate(address) is None
    assert private(address) is None


def test_the_range_and_its_source_are_told() -> None:
    problem = private("someone@192.168.0.217")
    assert problem is not None
    assert "192.168.0.0/16 is reserved for a private network (RFC 1918)" in problem.detail


@pytest.mark.parametrize("name", SPECIAL_USE_DOMAIN_NAMES)
def test_every_special_use_name_is_valid_in_form_and_private(name: str) -> None:
    assert validate(f"ann@x.{name}") is None
    assert private(f"ann@x.{name}") is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        ("ann@bücher.example", "ANN@xn--bcher-kva.example"),
        ("ann@bücher。example", "ann@xn--bcher-kva.example"),
        ("ju\u0308rgen@x.example", "JÜRGEN@x.example"),
        (' "ann"@example.com', "ann@example.com"),
        ("Not An Address ", "not an address"),
    ],
)
def test_spellings_of_one_address_have_one_key(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann.lee@example.com", "annlee@example.com"),
        ("ann+a@example.com", "ann+b@example.com"),
        ("strasse@x.example", "straße@x.example"),
        ("ann@example.com", "ann@example.org"),
    ],
)
def test_dots_tags_and_letters_are_never_folded(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


def test_the_domain_is_given_in_the_form_that_dns_knows() -> None:
    assert domain_of("ann@Bücher.example") == "xn--bcher-kva.example"
    assert domain_of('"a@b"@x.example') == "x.example"
    assert domain_of("nobody") == ""


def _library_accepts(address: str) -> bool:
    try:
        validate_email(
            address, check_deliverability=False, allow_quoted_local=True, allow_domain_literal=True, strict=True
        )
    except EmailNotValidError:
        return False
    return len(address.rpartition("@")[0].encode()) <= 64


text = st.text(max_size=40) | st.text(alphabet='ab.@"\\,<> []:1é٣ß-_\n', max_size=24)
mailbox = st.builds("{}@{}".format, text, st.sampled_from(["x.example", "bücher.example", "[10.0.0.1]", "a"]) | text)
plausible = st.emails() | mailbox


@given(text | mailbox)
def test_no_text_breaks_the_checks(address: str) -> None:
    validate(address)
    private(address)
    domain_of(address)
    assert canonical(canonical(address)) == canonical(address)


@given(plausible)
def test_whatever_the_library_accepts_is_accepted(address: str) -> None:
    if _library_accepts(address):
        assert validate(address) is None


@given(text | plausible)
def test_a_suggestion_is_always_a_valid_address_and_an_accepted_one_holds_no_line_break(address: str) -> None:
    problem = validate(address)
    if problem is None:
        assert not any(c in address for c in "\r\n\x00")
    elif problem.suggestion is not None:
        assert validate(problem.suggestion) is None


@given(st.emails() | st.from_regex(r"[a-z0-9.+'_-]{1,70}@[a-zA-Z0-9.-]{1,80}", fullmatch=True))
def test_the_short_way_for_plain_addresses_says_what_the_long_way_says(address: str) -> None:
    try:
        long_way = address_faults._refusal(address) is None
    except (ValueError, UnicodeError):
        long_way = False
    assert address_faults.acceptable(address) == long_way
    parts = address_parts.take_apart(address)
    assert domain_of(address) == address_parts.ascii_domain(parts.domain)
    assert canonical(address) == f"{addresses._lower(parts.local)}@{domain_of(address)}"
