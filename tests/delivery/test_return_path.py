"""Return paths: what leaves signed comes back opened, however other servers have wrapped it."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from undelivered.delivery import return_path, signing
from undelivered.delivery.models import MailDomain, ReturnPath
from undelivered.delivery.return_path import Ours
from undelivered.delivery.signing import Purpose

ID = UUID("019a0000-1234-7abc-8def-0123456789ab")
ids = st.uuids()


@given(ids)
def test_a_signed_sender_opens_to_its_notification(id):
    address = return_path.sender(id, "bounces.example.com")
    assert return_path.opened(address) == id
    assert return_path.opened(address.upper()) == id


@given(ids)
def test_its_local_part_has_47_characters_at_most_so_that_batv_fits_in_64(id):
    local = return_path.sender(id, "bounces.example.com").partition("@")[0]
    assert local.startswith("b-")
    assert local == local.lower()
    assert len(local) <= 47
    assert set(local) <= set("abcdefghijklmnopqrstuvwxyz234567-")
    assert len(f"prvs=0123456789={local}") <= 64


@given(ids, st.integers(0, 46), st.characters(exclude_categories=["Cs"]))
def test_with_any_one_character_changed_it_is_refused(id, place, other):
    local, _, domain = return_path.sender(id, "bounces.example.com").partition("@")
    altered = local[:place] + other + local[place + 1 :]
    same = altered.lower() == local and other.isascii()
    assert return_path.opened(f"{altered}@{domain}") == (id if same else None)


def test_one_whose_row_was_never_there_opens_too():
    assert return_path.opened(return_path.sender(UUID(int=7), "bounces.example.com")) == UUID(int=7)


@pytest.mark.parametrize("domain", ["bounces.example.com", "elsewhere.example", "[192.0.2.1]", "BOUNCES.Example.COM."])
def test_the_domain_does_not_matter(domain):
    assert return_path.opened(return_path.sender(ID, domain)) == ID


@pytest.mark.parametrize(
    "form",
    [
        "<{local}@b.example>",
        '"{local}"@b.example',
        "prvs=4321f4e3ab={local}@b.example",
        "PRVS=4321F4E3AB={LOCAL}@B.EXAMPLE",
        "prvs={local}=4321f4e3ab@b.example",
        "prvs={local}/4321f4e3ab@b.example",
        "btv1==0123456789a=={local}@b.example",
        "msprvs1=17Abc_dEf={local}@b.example",
        "SRS0=HHH=TT=b.example={local}@forwarder.example",
        "SRS0+HHH=TT=b.example={local}@forwarder.example",
        "srs0-hhh=tt=b.example={local}@forwarder.example",
        "SRS1=GGG=first.example==HHH=TT=b.example={local}@second.example",
        "SRS0=HHH=TT=b.example=prvs=4321f4e3ab={local}@forwarder.example",
    ],
)
def test_what_other_servers_wrap_it_in_is_taken_off(form):
    local = return_path.sender(ID, "b.example").partition("@")[0]
    assert return_path.opened(form.format(local=local, LOCAL=local.upper())) == ID


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "ann@example.com",
        "b-@b.example",
        "prvs=@b.example",
        "SRS0=HHH=TT=example.com=ann@forwarder.example",
        "{local}",
        "{local}+tag@b.example",
        "x{local}@b.example",
        "x={local}@b.example",
        "prvs=1234={local}x@b.example",
        "c-{token}@b.example",
        "f-{token}@b.example",
        "probe-{token}@b.example",
        "{token}@b.example",
        "{local} @b.example",
        "=" * 5000 + "@b.example",
    ],
)
def test_what_is_not_ours_is_refused(address):
    local = return_path.sender(ID, "b.example").partition("@")[0]
    found = address.format(local=local, token=local[2:])
    assert return_path.opened(found) is None
    assert return_path.ours(found) is None


@given(st.text(max_size=200) | st.emails())
def test_whatever_comes_in_is_no_error(text):
    assert return_path.ours(text) is None


@pytest.mark.parametrize("project", [None, 1, 2**63 - 1])
def test_a_feedback_loop_has_an_address_that_nobody_guesses(project):
    address = return_path.feedback_loop(project, "b.example")
    assert return_path.opened_feedback_loop(address) == (project or 0)
    assert return_path.opened_feedback_loop(address.replace("f-", "b-", 1)) is None
    assert return_path.opened(address) is None
    assert len(address.partition("@")[0]) <= 64


def test_a_probe_has_an_address_of_its_own():
    address = return_path.probe(ID, "b.example")
    assert return_path.opened_probe(address) == ID
    assert return_path.opened(address) is return_path.opened_feedback_loop(address) is None
    assert len(address.partition("@")[0]) <= 64


def test_what_an_address_is_for_is_told_with_its_id():
    assert return_path.ours(return_path.sender(ID, "b.example")) == Ours(Purpose.RETURN_PATH, ID)
    assert return_path.ours(return_path.probe(ID, "b.example")) == Ours(Purpose.PROBE, ID)
    assert return_path.ours(return_path.feedback_loop(3, "b.example")) == Ours(Purpose.FEEDBACK_LOOP, UUID(int=3))


def test_a_token_of_a_header_makes_no_return_path():
    assert return_path.opened(f"b-{signing.token(Purpose.HEADER, ID)}@b.example") is None


# --- which sender -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "login", "bounce_domain", "expected"),
    [
        (ReturnPath.SIGNED, "", "b.example", None),
        (ReturnPath.SIGNED, "login@example.com", "b.example", None),
        (ReturnPath.SIGNED, "login@example.com", "", "login@example.com"),
        (ReturnPath.SIGNED, "", "", "desk@example.com"),
        (ReturnPath.LOGIN, "login@example.com", "b.example", "login@example.com"),
        (ReturnPath.LOGIN, "", "b.example", "desk@example.com"),
        (ReturnPath.PROVIDER, "login@example.com", "b.example", "desk@example.com"),
    ],
)
def test_the_mode_decides_who_is_the_envelope_sender(mode, login, bounce_domain, expected):
    found = return_path.sender_for(mode, ID, from_address="desk@example.com", login=login, bounce_domain=bounce_domain)
    assert found == (expected or return_path.sender(ID, bounce_domain))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://desk%40example.com@smtp.example.net:587", "desk@example.com"),
        ("smtp://desk%40b%C3%BCcher.example@smtp.example.net", "desk@xn--bcher-kva.example"),
        ("smtp://apikey@smtp.example.net", ""),
        ("smtp://@smtp.example.net", ""),
        ("smtp://smtp.example.net", ""),
        ("smtp://a%40b%40c@smtp.example.net", ""),
        ("smtp://%40example.com@smtp.example.net", ""),
        ("esp://something", ""),
    ],
)
def test_a_login_is_a_sender_where_it_is_an_address(url, expected):
    assert return_path.login_address(url) == expected


@pytest.mark.django_db
def test_a_domain_has_its_own_bounce_domain_or_the_sites(monkeypatch):
    MailDomain.objects.create(domain="example.com", bounce_domain="bounces.example.com")
    MailDomain.objects.create(domain="example.org")
    assert return_path.bounce_domain("Example.COM") == "bounces.example.com"
    assert return_path.bounce_domain("example.org") == return_path.bounce_domain("example.net") == ""
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, bounce_domain="bounces.example.net"))
    assert return_path.bounce_domain("example.com") == "bounces.example.com"
    assert return_path.bounce_domain("example.org") == return_path.bounce_domain("example.net") == "bounces.example.net"
