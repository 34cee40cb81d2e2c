"""The lists that email services keep themselves: what each is asked, and what its answers mean."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.delivery.transports.scripted_api import Api, closes, http, serving, settings_of
from tests.delivery.transports.test_esp import SES, TAKEN, url_of
from undelivered.delivery.transports import esps
from undelivered.delivery.transports.esp_http import Lost
from undelivered.delivery.transports.esp_lists import ASKS, BY_BOTO, UNWANTED, take_off

pytestmark = pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning")

ADDRESS = "ann+o'neil/x@customer.example"
QUOTED = "ann%2Bo%27neil%2Fx%40customer.example"
GONE, ABSENT, STAYS = "took it off its list, too", "did not have it", "did not take it off"


def asked(*script: Any, url: str, to: str = "api_url", complaint: bool = True) -> tuple[tuple[bool, str], Api]:
    async def run() -> Any:
        async with serving(*script) as api:
            return await take_off(settings_of(f"{url}&{to}={api.url}"), ADDRESS, complaint=complaint), api

    return asyncio.run(run())


def url(name: str) -> str:
    return url_of(name, "sender_domain=mg.example.com" if name == "mailgun" else TAKEN[name][0])


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("brevo", http(204), GONE),
        ("brevo", http(404, {"code": "document_not_found"}), ABSENT),
        ("brevo", http(401, {"message": "Key not found"}), STAYS),
        ("mailgun", http(200, {"message": "Bounced address has been removed"}), GONE),
        ("mailgun", http(404, {"message": "Address not found in bounces table"}), ABSENT),
        ("mailgun", http(404, {"message": "Domain not found: mg.example.com"}), STAYS),
        ("mandrill", http(200, {"email": ADDRESS, "deleted": True}), GONE),
        ("mandrill", http(200, {"email": ADDRESS, "deleted": False}), ABSENT),
        ("postmark", http(200, {"Suppressions": [{"EmailAddress": ADDRESS, "Status": "Deleted"}]}), GONE),
        (
            "postmark",
            http(200, {"Suppressions": [{"EmailAddress": ADDRESS, "Status": "Failed", "Message": "No authority."}]}),
            STAYS,
        ),
        ("sendgrid", http(204), GONE),
        ("sendgrid", http(404, {"errors": [{"message": "not found"}]}), ABSENT),
        ("sparkpost", http(204), GONE),
        ("sparkpost", http(404), ABSENT),
        ("unisender_go", http(200, {"status": "success"}), GONE),
        ("unisender_go", http(400, {"status": "error", "code": 3003, "message": "none"}), ABSENT),
        ("unisender_go", http(400, {"status": "error", "code": 3004, "message": "can not be deleted"}), STAYS),
    ],
)
def test_each_service_is_asked_in_its_own_way(name: str, answer: bytes, words: str) -> None:
    (ok, sentence), api = asked(answer, url=url(name))
    assert words in sentence
    assert sentence.startswith(esps.find(name).label)
    assert ok is (words != STAYS)
    assert len(api.asked) == len(ASKS[name])
    for one, (method, path, _) in zip(
        sorted(api.asked, key=lambda a: a.target), sorted(ASKS[name], key=lambda a: a[1]), strict=True
    ):
        assert one.method == method
        assert QUOTED in one.target if "{address}" in path else json.loads(one.body)
        assert ADDRESS in one.body.decode() or QUOTED in one.target


def test_every_way_to_ask_is_tried_here() -> None:
    assert set(ASKS) | BY_BOTO <= set(esps.names())


def test_one_says_who_one_is_as_with_a_mail() -> None:
    _, api = asked(http(404), url="esp://postmark?server_token=hush&extra.MessageStream=it%20desk")
    assert api.asked[0].headers["x-postmark-server-token"] == "hush"
    assert "/message-streams/it%20desk/suppressions/delete" in api.asked[0].target
    _, api = asked(http(200, {"deleted": True}), url=url("mandrill"))
    assert api.asked[0].json == {"key": "k1-hush", "email": ADDRESS}
    _, api = asked(http(200), url=url("mailgun"))
    assert api.asked[0].headers["authorization"].startswith("Basic ")


def test_lists_of_people_who_want_no_mail_are_left_alone_unless_one_agreed() -> None:
    for name, lists in (("mailgun", ["bounces"]), ("sendgrid", ["bounces", "blocks", "invalid_emails"])):
        _, api = asked(http(200), url=url(name), complaint=False)
        assert sorted(one.target.split("/")[-2] for one in api.asked) == sorted(lists)
    assert {path for asks in ASKS.values() for _, path, _ in asks} >= UNWANTED


def test_one_refusal_among_several_is_told() -> None:
    (ok, sentence), _ = asked(http(204), http(500, {"errors": [{"message": "oops"}]}), url=url("sendgrid"))
    assert not ok
    assert "oops" in sentence


def test_a_service_that_cannot_be_asked_says_where_to_look() -> None:
    ok, sentence = asyncio.run(take_off(settings_of("esp://:hush@resend"), ADDRESS))
    assert not ok
    assert sentence.startswith("Resend has no way to be asked")
    ok, sentence = asyncio.run(take_off(settings_of("esp://:hush@mailgun"), ADDRESS))
    assert "lacks the option sender_domain" in sentence


def test_a_service_that_does_not_answer_is_told_from_one_that_refuses() -> None:
    with pytest.raises(Lost):
        asked(closes, url=url("brevo"))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http(200, {}), GONE),
        (http(404, {"message": "not on the list"}, x_amzn_ErrorType="NotFoundException"), ABSENT),
        (http(403, {"message": "not authorized"}, x_amzn_ErrorType="AccessDeniedException"), STAYS),
    ],
)
def test_amazon_ses_is_asked_by_boto(answer: bytes, words: str) -> None:
    (ok, sentence), api = asked(answer, url=SES, to="endpoint_url")
    assert words in sentence
    assert ok is (words != STAYS)
    assert api.asked[0].method == "DELETE"
    assert api.asked[0].target.startswith("/v2/email/suppression/addresses/ann")
