"""A look at a From domain: what is wanted, what is there, and what follows, by the way in which mail is sent."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.delivery.dns.test_dkim import rsa_key
from tests.delivery.dns.zone import SILENT, Zone
from undelivered.delivery.dns import Asked, Look, Sender, Standing, What, known, look
from undelivered.delivery.dns import sender as sender_of
from undelivered.delivery.dns.dkim import Signature
from undelivered.delivery.dns.look import follows
from undelivered.delivery.models import Provider, ReturnPath

DOOR, OWN = "desk-mx.desk.example", "23.128.0.5"
SMARTHOST = Sender("Relay", ReturnPath.SIGNED, "smtp.relay.example", "it")
OFFICE = Sender(
    "Microsoft 365", ReturnPath.LOGIN, "smtp.office365.com", "it@desk.example", known.by_host("smtp.office365.com")
)
POSTMARK = Sender("Postmark", ReturnPath.PROVIDER, "", "", known.by_api("postmark"))
ASKED = Asked("desk.example", "bounces.desk.example", DOOR, SMARTHOST, report_to="ops@desk.example")
KEY = f"v=DKIM1; k=rsa; p={rsa_key(2048)}"


def zone(changes=None):
    """All as it should be for the smarthost, but for `changes` by name."""
    names = {
        "desk.example": {"MX": ["10 mx.desk.example."], "TXT": ["v=spf1 mx -all"], "A": ["23.128.0.9"]},
        "mx.desk.example": {"A": ["23.128.0.9"]},
        DOOR: {"A": [OWN]},
        "smtp.relay.example": {"A": ["23.128.0.77"]},
        "bounces.desk.example": {"MX": [f"10 {DOOR}."], "TXT": ["v=spf1 a:smtp.relay.example -all"]},
        "_dmarc.desk.example": {"TXT": ["v=DMARC1; p=quarantine; rua=mailto:d@desk.example"]},
        "s7._domainkey.desk.example": {"TXT": [KEY]},
        "spf.protection.outlook.com": {"TXT": ["v=spf1 ip4:23.129.0.0/16 -all"]},
    }
    return Zone(names | (changes or {}))


def one(asked, what, changes=None):
    return look(asked, zone(changes)).of(what)[0]


def test_all_is_well_where_everything_is_published():
    found = look(replace(ASKED, selectors=("s7",)), zone())
    assert {check.what: check.standing for check in found.checks} == dict.fromkeys(What, Standing.OK)
    assert found.worst is Standing.OK
    assert (found.mode, found.provider) == ("signed", "Relay")


def test_every_record_to_publish_has_three_parts():
    found = look(ASKED, Zone())
    wanted = {(r.name, r.type, r.value) for check in found.checks for r in check.wanted}
    assert wanted == {
        ("bounces.desk.example", "MX", f"10 {DOOR}."),
        ("bounces.desk.example", "TXT", "v=spf1 a:smtp.relay.example -all"),
        ("_dmarc.desk.example", "TXT", "v=DMARC1; p=none; rua=mailto:ops@desk.example"),
    }


def test_a_look_can_be_stored_and_read_again():
    found = look(ASKED, zone())
    assert Look.of_json(json.loads(json.dumps(found.as_json()))) == found
    for broken in ({}, {"checks": [{}], "mode": "x", "provider": "y"}, {"checks": None, "mode": "", "provider": ""}):
        assert Look.of_json(broken) is None


# -- MX


@pytest.mark.parametrize(
    ("mx", "standing", "words"),
    [
        ([f"10 {DOOR}."], Standing.OK, "find their way"),
        (["10 alias.desk.example."], Standing.OK, "find their way"),
        ([], Standing.MISSING, "no MX"),
        (["10 mx.other.example."], Standing.WRONG, "mx.other.example"),
        (["0 ."], Standing.WRONG, "takes no mail"),
        ([f"10 {DOOR}.", "20 mx.other.example."], Standing.WEAK, "mx.other.example gets them"),
        ([f"20 {DOOR}.", "10 mx.other.example."], Standing.WRONG, "mx.other.example"),
        (SILENT, Standing.UNKNOWN, "no answer"),
    ],
)
def test_the_mx_of_the_bounce_domain_leads_here(mx, standing, words):
    records = {"bounces.desk.example": {"MX": mx}, "alias.desk.example": {"A": [OWN]}}
    found = one(ASKED, What.MX, records)
    assert found.standing is standing
    assert words in found.why


def test_a_bounce_domain_with_this_sites_address_gets_its_bounces_without_an_mx():
    assert one(ASKED, What.MX, {"bounces.desk.example": {"A": [OWN]}}).standing is Standing.WEAK


@pytest.mark.parametrize(
    ("name", "addresses", "words"),
    [
        ("devbox", [], "UNDELIVERED_SMTP_NAME"),
        ("mail.local", [], "UNDELIVERED_SMTP_NAME"),
        ("gone.desk.example", [], "no address"),
        ("inside.desk.example", ["10.1.2.3"], "10.1.2.3"),
    ],
)
def test_a_door_that_nobody_outside_finds_is_wrong(name, addresses, words):
    found = one(replace(ASKED, smtp_name=name), What.MX, {name: {"A": addresses}})
    assert found.standing is Standing.WRONG
    assert words in found.why


def test_no_bounce_domain_is_only_missing_where_bounces_are_to_come_here():
    assert one(replace(ASKED, bounce_domain=""), What.MX).standing is Standing.MISSING
    assert one(replace(ASKED, bounce_domain="", sender=OFFICE), What.MX).standing is Standing.NOT_NEEDED


def test_a_missing_mx_is_not_needed_where_bounces_go_elsewhere():
    found = one(replace(ASKED, sender=OFFICE), What.MX, {"bounces.desk.example": {}})
    assert found.standing is Standing.NOT_NEEDED
    assert found.wanted[0].value == f"10 {DOOR}."


@pytest.mark.parametrize(
    ("records", "standing"),
    [
        ({"MX": ["10 mx.desk.example."]}, Standing.OK),
        ({"A": ["23.128.0.9"]}, Standing.WEAK),
        ({"TXT": ["x"]}, Standing.WRONG),
        ({"MX": ["0 ."]}, Standing.WRONG),
        ({"MX": SILENT}, Standing.UNKNOWN),
    ],
)
def test_answers_need_an_mx_of_the_from_domain(records, standing):
    assert one(ASKED, What.REPLIES, {"desk.example": records}).standing is standing


def test_a_from_domain_that_does_not_exist_is_refused_by_receivers():
    found = look(replace(ASKED, domain="gone.example"), zone()).of(What.REPLIES)[0]
    assert found.standing is Standing.WRONG
    assert "does not exist" in found.why


# -- SPF


@pytest.mark.parametrize(
    ("record", "standing", "wanted"),
    [
        ([], Standing.MISSING, "v=spf1 a:smtp.relay.example -all"),
        (["v=spf1 ip4:23.128.0.77 -all"], Standing.OK, "v=spf1 ip4:23.128.0.77 -all"),
        (["v=spf1 ip4:23.128.0.1 -all"], Standing.WEAK, "v=spf1 ip4:23.128.0.1 a:smtp.relay.example -all"),
        (["v=spf1 a:smtp.relay.example"], Standing.WEAK, "v=spf1 a:smtp.relay.example ~all"),
        (["v=spf1 a:smtp.relay.example +all"], Standing.WRONG, "v=spf1 a:smtp.relay.example ~all"),
        (["v=spf1 a:smtp.relay.example ptr -all"], Standing.WEAK, "v=spf1 a:smtp.relay.example ptr -all"),
        (["v=spf1 -all", "v=spf1 ~all"], Standing.WRONG, "v=spf1 a:smtp.relay.example -all"),
        (["v=spf1 redirect=gone.example"], Standing.WRONG, "v=spf1 a:smtp.relay.example redirect=gone.example"),
    ],
)
def test_the_spf_record_of_the_bounce_domain_lets_the_provider_send(record, standing, wanted):
    found = one(ASKED, What.SPF, {"bounces.desk.example": {"TXT": record}})
    assert (found.standing, found.wanted[0].value) == (standing, wanted)
    assert found.name == "bounces.desk.example"


def test_entered_addresses_are_what_counts():
    asked = replace(ASKED, addresses=("23.128.0.77", "2600:9000::1"))
    found = one(asked, What.SPF)
    assert found.standing is Standing.WRONG
    assert "2600:9000::1" in found.why
    assert found.wanted[0].value == "v=spf1 a:smtp.relay.example ip4:23.128.0.77 ip6:2600:9000::1 -all"
    good = {"TXT": ["v=spf1 a:smtp.relay.example ip6:2600:9000::/32 -all"]}
    assert one(asked, What.SPF, {"bounces.desk.example": good}).standing is Standing.OK


def test_a_known_providers_include_may_be_written_out_as_addresses():
    asked = replace(ASKED, sender=OFFICE)
    for text, standing in (
        ("v=spf1 include:spf.protection.outlook.com -all", Standing.OK),
        ("v=spf1 ip4:23.129.0.0/16 -all", Standing.OK),
        ("v=spf1 mx ~all", Standing.WRONG),
    ):
        found = one(asked, What.SPF, {"desk.example": {"TXT": [text], "MX": ["10 mx.desk.example."]}})
        assert (found.name, found.standing) == ("desk.example", standing), text
    assert found.wanted[0].value == "v=spf1 mx include:spf.protection.outlook.com ~all"


def test_in_login_mode_the_domain_of_the_login_counts():
    other = replace(OFFICE, username="noreply@other.example")
    assert one(replace(ASKED, sender=other), What.SPF).name == "other.example"
    named = replace(OFFICE, username="apikey")
    assert one(replace(ASKED, sender=named), What.SPF).name == "desk.example"


def test_where_the_provider_takes_bounces_spf_is_its_own_affair():
    found = look(replace(ASKED, sender=POSTMARK), zone()).of(What.SPF)
    assert [check.standing for check in found] == [Standing.NOT_NEEDED, Standing.NOT_NEEDED]


def test_without_a_known_address_a_record_is_read_and_the_address_asked_for():
    asked = replace(ASKED, sender=replace(SMARTHOST, host="10.0.0.5"))
    found = one(asked, What.SPF)
    assert found.standing is Standing.UNKNOWN
    assert "Enter the addresses" in found.why
    assert one(asked, What.SPF, {"bounces.desk.example": {}}).wanted[0].value == "v=spf1 ip4:… -all"


def test_an_spf_question_without_an_answer_is_unknown():
    assert one(ASKED, What.SPF, {"bounces.desk.example": {"TXT": SILENT}}).standing is Standing.UNKNOWN


# -- DKIM


def test_an_entered_selector_is_checked():
    asked = replace(ASKED, selectors=("s7",))
    assert one(asked, What.DKIM).standing is Standing.OK
    missing = one(replace(ASKED, selectors=("gone",)), What.DKIM)
    assert missing.standing is Standing.MISSING
    assert missing.name == "gone._domainkey.desk.example"


def test_a_known_providers_selectors_are_tried():
    found = look(replace(ASKED, sender=OFFICE), _with_key("selector2")).of(What.DKIM)[0]
    assert found.standing is Standing.OK
    assert "selector2" in found.why


def test_a_key_at_a_usual_selector_proves_nothing():
    found = look(ASKED, _with_key("default")).of(What.DKIM)[0]
    assert found.standing is Standing.UNKNOWN
    assert "only a mail tells" in found.why


def test_a_signature_that_was_seen_says_who_signs():
    found = look(replace(ASKED, seen=(Signature("desk.example", "s7"),)), zone()).of(What.DKIM)[0]
    assert found.standing is Standing.OK
    assert "last test mail was signed with s7" in found.why
    other = look(replace(ASKED, seen=(Signature("relay.example", "s7"),)), zone()).of(What.DKIM)[0]
    assert other.standing is Standing.UNKNOWN


def test_texts_that_are_no_keys_are_left_out():
    wild = zone()
    wild.names["default._domainkey.desk.example"] = {"TXT": ["v=spf1 -all"]}
    assert "No key was found" in look(ASKED, wild).of(What.DKIM)[0].why


def test_two_keys_at_one_selector_are_wrong():
    twice = zone()
    twice.names["s7._domainkey.desk.example"] = {"TXT": [KEY, KEY]}
    assert look(replace(ASKED, selectors=("s7",)), twice).of(What.DKIM)[0].standing is Standing.WRONG


def _with_key(selector):
    found = zone()
    found.names[f"{selector}._domainkey.desk.example"] = {"TXT": [KEY]}
    return found


# -- DMARC and alignment


def dmarc(text, asked=ASKED):
    found = zone()
    found.names["_dmarc.desk.example"] = {"TXT": text}
    return look(asked, found)


@pytest.mark.parametrize(
    ("text", "standing"),
    [
        (["v=DMARC1; p=none; rua=mailto:d@desk.example"], Standing.OK),
        (["v=DMARC1; p=reject; rua=mailto:d@desk.example"], Standing.OK),
        (["v=DMARC1; p=none"], Standing.WEAK),
        (["v=DMARC1; p=none; rua=mailto:d@reports.example"], Standing.WEAK),
        (["v=DMARC1; p=never"], Standing.WRONG),
        (["v=DMARC1; p=none", "v=DMARC1; p=none"], Standing.WRONG),
        ([], Standing.MISSING),
        (SILENT, Standing.UNKNOWN),
    ],
)
def test_a_dmarc_record_is_judged(text, standing):
    assert dmarc(text).of(What.DMARC)[0].standing is standing


def test_a_policy_from_above_counts_and_is_not_to_be_published_again():
    found = look(replace(ASKED, domain="it.desk.example"), zone()).of(What.DMARC)[0]
    assert (found.standing, found.name, found.wanted) == (Standing.OK, "_dmarc.desk.example", ())
    assert "that of desk.example" in found.why


@pytest.mark.parametrize(
    ("asked", "standing", "words"),
    [
        (replace(ASKED, selectors=("s7",)), Standing.OK, "SPF and DKIM both"),
        (replace(ASKED, sender=POSTMARK, selectors=("s7",)), Standing.OK, "a domain of Postmark"),
        (replace(ASKED, bounce_domain="bounces.other.example", selectors=("s7",)), Standing.OK, "DKIM speaks"),
        (ASKED, Standing.WEAK, "SPF alone"),
        (replace(ASKED, sender=POSTMARK), Standing.UNKNOWN, "not known"),
        (replace(ASKED, sender=POSTMARK, selectors=("gone",)), Standing.WRONG, "junk folder"),
    ],
)
def test_spf_or_dkim_has_to_speak_for_the_from_domain(asked, standing, words):
    found = one(asked, What.ALIGNMENT)
    assert found.standing is standing
    assert words in found.why


def test_strict_alignment_wants_the_very_same_domain():
    strict = "v=DMARC1; p=reject; aspf=s; rua=mailto:d@desk.example"
    found = dmarc([strict], replace(ASKED, selectors=("gone",))).of(What.ALIGNMENT)[0]
    assert found.standing is Standing.WRONG
    assert "refused" in found.why


# -- what follows


def test_the_provider_and_the_records_lead_to_a_mode():
    good, bad = look(ASKED, zone()), look(ASKED, Zone())
    ses = Sender(
        "SES", ReturnPath.LOGIN, "email-smtp.eu-west-1.amazonaws.com", "AKIA", known.by_host("x.amazonaws.com")
    )
    api = Sender("Postal", ReturnPath.PROVIDER)
    for asked, found, mode in (
        (ASKED, good, ReturnPath.SIGNED),
        (ASKED, bad, ReturnPath.LOGIN),
        (ASKED, None, ReturnPath.LOGIN),
        (replace(ASKED, bounce_domain=""), good, ReturnPath.LOGIN),
        (replace(ASKED, sender=OFFICE), good, ReturnPath.LOGIN),
        (replace(ASKED, sender=ses), good, ReturnPath.PROVIDER),
        (replace(ASKED, sender=api), good, ReturnPath.PROVIDER),
        (replace(ASKED, sender=None), good, ReturnPath.LOGIN),
    ):
        assert follows(asked, found)[0] is mode, asked.sender


@pytest.mark.parametrize(
    ("url", "host", "user", "label"),
    [
        (
            "smtp+starttls://desk%40example.com@smtp.office365.com:587?auth=xoauth2",
            "smtp.office365.com",
            "desk@example.com",
            "Microsoft 365",
        ),
        ("smtp://apikey@smtp.sendgrid.net:587", "smtp.sendgrid.net", "apikey", "SendGrid"),
        ("smtp://mail.example.com:25", "mail.example.com", "", None),
        ("esp://amazon_ses?region=eu", "", "", "Amazon SES"),
        ("esp://postal", "", "", None),
    ],
)
def test_a_provider_is_known_by_its_host_or_its_api(url, host, user, label):
    found = sender_of(Provider(name="x", url=url))
    assert (found.host, found.username, found.known and found.known.label) == (host, user, label)


def test_hosts_are_known_with_all_below_them_and_no_others():
    assert known.by_host("in-v3.MAILJET.com.").label == "Mailjet"
    assert known.by_host("notmailjet.com") is None
    assert known.by_api("") is None
