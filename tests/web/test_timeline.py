"""A notification's history in words: what others say of a mail that left is no conversation of ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from undelivered.delivery.models import DeliveryEvent
from undelivered.web.pages import timeline
from undelivered.web.pages.timeline import Entry

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ARRIVAL = "019a205e-c75c-7000-901d-895d6d22565f"
BOUNCE = {
    "source": "smtp",
    "arrival": ARRIVAL,
    "evidence": "return_path",
    "reply": "550 5.1.1 no such user",
    "code": 550,
    "enhanced": "5.1.1",
    "cause": "userunknown",
    "host": "mx.northwind.example",
    "reporting_mta": "relay.provider.example",
}


def entry(kind: str, attempt: int = 0, **data: Any) -> Entry:
    event = DeliveryEvent(notification_id=uuid4(), event_key="x", at=AT, type=kind, attempt=attempt, data=data)
    return timeline.entries([event])[0]


def facts(found: Entry) -> dict[str, str]:
    return {fact.label: fact.value for fact in found.facts}


@pytest.mark.parametrize(
    ("kind", "data", "tone", "title", "text"),
    [
        ("bounced", {}, "bad", "Bounced", "The mail came back."),
        ("complained", {}, "block", "Reported as spam", "The recipient reported the mail as spam."),
        ("delivered", {}, "good", "Delivered", "The recipient's server took the mail."),
        ("delivered", {"action": "relayed"}, "good", "Delivered", "Passed on to a server that tells nothing more."),
        ("delivered", {"action": "expanded"}, "good", "Delivered", "Delivered, and passed on to several others"),
        ("deferred", {}, "wait", "Delayed", "Another server has the mail and is still trying."),
    ],
)
def test_what_came_in_later_has_its_own_words(
    kind: str, data: dict[str, str], tone: str, title: str, text: str
) -> None:
    found = entry(kind, source="smtp", arrival=ARRIVAL, **data)
    assert (found.tone, found.title, found.arrival) == (tone, title, ARRIVAL)
    assert found.text.startswith(text)


def test_a_try_of_ours_keeps_its_words_and_leads_to_no_arrival() -> None:
    found = entry("deferred", attempt=2, reply="451 later", code=451)
    assert (found.title, found.arrival) == ("Deferred", "")
    assert found.text.startswith("Attempt 2. Not taken for now.")


def test_a_bounce_shows_by_which_door_and_evidence_it_came() -> None:
    assert facts(entry("bounced", **BOUNCE)) == {
        "Reply": "550 5.1.1 no such user",
        "Code": "550, permanent",
        "Enhanced code": "5.1.1",
        "Cause": "Mailbox does not exist",
        "Host": "mx.northwind.example",
        "Reporting server": "relay.provider.example",
        "Came by": "SMTP",
        "Evidence": "Signed return path",
    }


def test_an_attempt_names_its_provider_where_there_was_a_choice() -> None:
    assert facts(entry("accepted", 1, provider="Second", host="mx.example:25"))["Provider"] == "Second"
    assert "Provider" not in facts(entry("accepted", 1, host="mx.example:25"))


def test_what_is_not_signed_says_so() -> None:
    found = facts(entry("bounced", **{**BOUNCE, "evidence": "plain_message_id", "unverified": True}))
    assert found["Evidence"] == "Message-ID alone, which is not signed"


def test_the_words_of_a_report_stand_in_the_details_alone() -> None:
    found = entry(
        "complained", source="smtp", reply="a recipient marked it as unwanted", detail="a recipient marked it"
    )
    assert found.text == "The recipient reported the mail as spam."


def test_a_forward_that_failed_names_the_address_behind_it() -> None:
    assert facts(entry("bounced", **BOUNCE, forwarded_to="x@else.example"))["It names"] == "x@else.example"


def test_only_our_own_conversations_say_that_they_were_not_encrypted() -> None:
    assert "TLS" not in facts(entry("bounced", **BOUNCE))
    assert facts(entry("accepted", 1, host="mx.x.example", reply="250 ok", code=250))["TLS"].startswith("none")


@pytest.mark.parametrize("arrival", ["", "x", "../../system", 7, None, {"a": 1}])
def test_what_is_no_id_leads_nowhere(arrival: Any) -> None:
    assert entry("bounced", source="webhook", arrival=arrival).arrival == ""


@pytest.mark.parametrize("data", [{"source": "a new door"}, {"evidence": "a new one"}, {"action": ["x"]}])
def test_what_another_version_wrote_is_shown_as_it_is(data: dict[str, Any]) -> None:
    assert entry("bounced", **{"source": "smtp", **data}).title == "Bounced"
