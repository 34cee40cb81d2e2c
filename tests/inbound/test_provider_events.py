"""What an event of an email service means: hard or soft, by whose words, and about which notification."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from undelivered.bounces import Cause, Suppress
from undelivered.database import ids
from undelivered.delivery import signing
from undelivered.delivery.feedback import Said
from undelivered.delivery.signing import Purpose
from undelivered.delivery.transports import esps
from undelivered.inbound import provider_words
from undelivered.inbound.models import Arrival, Door
from undelivered.inbound.provider_events import NAMES_NOTHING, read_event
from undelivered.inbound.provider_words import KINDS, LISTED, WORDS, meaning_of, words_of

OWN = UUID("0199a0c0-0000-7000-8000-000000000001")
TOKEN = signing.token(Purpose.METADATA, OWN)
ALTERED = TOKEN[:-1] + ("a" if TOKEN[-1] != "a" else "b")


def arrived(esp: str = "postmark", **event: Any) -> Arrival:
    usual = {"type": "bounced", "id": "1", "recipient": "ann@northwind.example", "metadata": {"undelivered_id": TOKEN}}
    raw = json.dumps({**usual, "raw": {}, **event}).encode()
    return Arrival(id=ids.uuid7(), door=Door.WEBHOOK, about={"provider": 1, "esp": esp}, raw=raw)


def ses(kind: str, sub: str, said: str = "") -> dict[str, Any]:
    recipients = [{"emailAddress": "a@b.example", **({"diagnosticCode": said} if said else {})}]
    bounce = {"bounceType": kind, "bounceSubType": sub, "bouncedRecipients": recipients}
    return {"eventType": "Bounce", "bounce": bounce}


def only(arrival: Arrival) -> Any:
    (finding,) = read_event(arrival).findings
    return finding


def test_words_are_told_from_the_general_to_the_special_and_the_longest_that_is_known_decides() -> None:
    assert words_of("amazon_ses", ses("Permanent", "NoEmail")) == ["Bounce", "Permanent", "NoEmail"]
    assert meaning_of("amazon_ses", ["Bounce", "Permanent", "NoEmail"], "bounced", "") == provider_words.HARD
    assert meaning_of("amazon_ses", ["Bounce", "Permanent", "Suppressed"], "bounced", "") == LISTED
    assert meaning_of("amazon_ses", ["Bounce", "Newly", "Made"], "bounced", "") == KINDS["bounced"]


def test_every_table_belongs_to_a_service_whose_events_are_read() -> None:
    known = {one.name for one in esps.known() if one.events}
    for table in (WORDS, provider_words.PATHS, provider_words.MTA, provider_words.WHEN):
        assert set(table) <= known


def test_a_meaning_either_says_something_of_the_mail_or_why_nothing_follows() -> None:
    for meaning in (*KINDS.values(), *(one for table in WORDS.values() for one in table.values())):
        assert (meaning.said is None) <= bool(meaning.why)


def test_a_service_that_is_in_no_table_works_by_anymails_kinds_and_the_servers_words() -> None:
    finding = only(arrived("newcomer", mta_response="550 5.1.1 User unknown"))
    assert (finding.feedback.said, finding.feedback.cause) == (Said.BOUNCED, "userunknown")
    finding = only(arrived("newcomer"))
    assert finding.feedback.cause == Cause.ON_HOLD.value
    assert only(arrived("newcomer", type="rejected", reject_reason="spam")).feedback.cause == "suppressed"
    assert only(arrived("newcomer", type="rejected", reject_reason="invalid")).feedback.cause == Cause.ON_HOLD.value


def test_the_servers_words_tell_more_than_the_services() -> None:
    raw = {"RecordType": "Bounce", "Type": "HardBounce"}
    spam = only(arrived(raw=raw, mta_response="554 5.7.1 Message rejected as spam")).feedback
    assert (spam.cause, spam.detail, spam.code, spam.enhanced) == (
        "spamdetected", "554 5.7.1 Message rejected as spam", 554, "5.7.1",
    )  # fmt: skip
    assert only(arrived(raw=raw)).feedback.cause == "userunknown"


def test_an_address_that_the_service_calls_alive_is_never_taken_for_dead() -> None:
    raw = {"RecordType": "Bounce", "Type": "SoftBounce"}
    one = only(arrived(raw=raw, mta_response="550 5.1.1 User unknown")).feedback
    assert Cause(one.cause).facts.suppress is not Suppress.AT_ONCE
    assert one.detail == "550 5.1.1 User unknown"


@pytest.mark.parametrize("esp", ["amazon_ses", "resend"])
def test_a_bounce_that_no_server_said_anything_of_may_be_an_automatic_answer(esp: str) -> None:
    raw = ses("Transient", "General")
    if esp == "resend":
        raw = {"type": "email.bounced", "data": {"bounce": {"type": "Transient", "subType": "General"}}}
    finding = only(arrived(esp, raw=raw))
    assert finding.feedback is None
    assert "automatic answers" in finding.why
    assert finding.about == OWN
    assert only(arrived("amazon_ses", raw=ses("Transient", "General", "smtp; 451 later"))).feedback.said is Said.BOUNCED


def test_what_is_on_the_services_list_says_so_and_why() -> None:
    one = only(arrived("sendgrid", type="rejected", raw={"event": "dropped", "reason": "Bounced Address"})).feedback
    assert one.detail == "SendGrid did not try: the address is on its suppression list. dropped Bounced Address"
    assert one.cause == "suppressed"


def test_the_notification_is_named_by_metadata_by_a_tag_or_by_a_field_of_a_form() -> None:
    for where in ({"metadata": {"other": TOKEN}}, {"metadata": {}, "tags": ["x", TOKEN]}, {"metadata": {"a": [TOKEN]}}):
        assert only(arrived(**where)).feedback.notification_id == OWN


@pytest.mark.parametrize(
    "metadata",
    [None, {}, "text", {"undelivered_id": ALTERED}, {"undelivered_id": signing.token(Purpose.HEADER, OWN)}],
)
def test_what_is_altered_or_signed_for_something_else_names_nothing(metadata: Any) -> None:
    finding = only(arrived(metadata=metadata, message_id=str(OWN)))
    assert (finding.feedback, finding.unmatched, finding.why) == (None, True, NAMES_NOTHING)


def test_the_same_event_has_the_same_key_also_where_it_has_no_id() -> None:
    def key(**event: Any) -> str:
        return str(only(arrived(**event)).feedback.key)

    assert key() == key()
    assert key() != key(id="2")
    assert key(id=None, at="2026-11-23T04:00:00Z") == key(id=None, at="2026-11-23T04:00:00Z")
    assert key(id=None, at="2026-11-23T04:00:00Z") != key(id=None, at="2026-11-23T05:00:00Z")
    assert key() != key(type="complained", raw={"RecordType": "SpamComplaint"})
    assert len(key(id="x" * 1000)) <= 200


def test_the_time_is_the_events_own_else_when_it_came_in() -> None:
    raw = ses("Permanent", "General")
    raw["bounce"]["timestamp"] = "2026-11-23T04:00:00.000Z"
    told = arrived("amazon_ses", raw=raw, at="2026-11-23T04:07:00+00:00")
    assert only(told).feedback.at == datetime(2026, 11, 23, 4, tzinfo=UTC)
    assert only(arrived(at="2026-11-23T04:07:00")).feedback.at == datetime(2026, 11, 23, 4, 7, tzinfo=UTC)
    for at in (None, "yesterday"):
        one = arrived(at=at)
        assert only(one).feedback.at == ids.created_at(one.id)


def test_unsubscribing_at_the_service_changes_nothing_here_and_says_so() -> None:
    finding = only(arrived(type="unsubscribed"))
    assert finding.feedback is None
    assert "unsubscribed at the service" in finding.why


def test_an_event_that_could_not_be_read_is_kept_for_a_person() -> None:
    finding = only(arrived(type="", metadata=None))
    assert finding.unmatched
    assert "not known of this service" in finding.why
