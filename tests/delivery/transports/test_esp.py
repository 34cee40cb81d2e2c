"""The transport to email services: what each is asked, and what its answers mean."""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64decode
from collections.abc import Callable
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import uvloop

from tests.delivery.transports.scripted_api import (
    OWN,
    POSTMARK_OK,
    RECIPIENT,
    Api,
    Asked,
    Behaviour,
    closes,
    hangs,
    http,
    one,
    own_mail,
    sent,
    serving,
    talking,
    transport_to,
)
from undelivered import bounces
from undelivered.bounces import Cause
from undelivered.delivery import signing
from undelivered.delivery.outcomes import Accepted, Refused, Stage, TryLater, Unknown, Unreachable
from undelivered.delivery.signing import Purpose
from undelivered.delivery.transports import esp as transport_of_esps
from undelivered.delivery.transports import esps

pytestmark = pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning")

#: How each service says that it took a mail, and the id that it gives it.
TAKEN: dict[str, tuple[str, bytes, str]] = {
    "brevo": ("", http(201, {"messageId": "<1@smtp-relay.example>"}), "<1@smtp-relay.example>"),
    "mailersend": ("", http(202, {}, X_Message_Id="6418"), "6418"),
    "mailgun": ("", http(200, {"id": "<2@mg.example.com>", "message": "Queued. Thank you."}), "<2@mg.example.com>"),
    "mailjet": (
        "",
        http(200, {"Messages": [{"Status": "success", "To": [{"Email": RECIPIENT, "MessageID": 70650219165027410}]}]}),
        "70650219165027410",
    ),
    "mandrill": ("", http(200, [{"email": RECIPIENT, "status": "sent", "_id": "abc3"}]), "abc3"),
    "postal": (
        "",
        http(200, {"status": "success", "data": {"messages": {RECIPIENT: {"id": 1503, "token": "x"}}}}),
        "1503",
    ),
    "postmark": ("", POSTMARK_OK, "0a129aee"),
    "resend": ("", http(200, {"id": "49a3999c"}), "49a3999c"),
    "scaleway": (
        "project_id=7",
        http(200, {"emails": [{"id": "sw-1", "mail_rcpt": RECIPIENT, "status": "new"}]}),
        "sw-1",
    ),
    "sendgrid": ("", http(202), ""),
    "sparkpost": (
        "",
        http(200, {"results": {"total_accepted_recipients": 1, "total_rejected_recipients": 0, "id": "116"}}),
        "116",
    ),
    "unisender_go": ("", http(200, {"status": "success", "job_id": "1ZymBc", "emails": [RECIPIENT]}), ""),
}
SECRETS = {"mailjet": "api_key=k1-hush&secret_key=k2-hush"}


def url_of(name: str, options: str = "") -> str:
    esp = esps.find(name)
    secrets = SECRETS.get(name) or f"{esp.main_secret}=k1-hush"
    return f"esp://{name}?{secrets}" + (f"&{options}" if options else "")


def taken_by(name: str) -> tuple[Any, Api]:
    options, answer, _ = TAKEN[name]
    (outcome,), api = sent(answer, url=url_of(name, options))
    return outcome, api


def test_every_service_that_is_spoken_to_by_http_is_tried_here() -> None:
    assert set(TAKEN) | {"amazon_ses"} == set(esps.names())


@pytest.mark.parametrize("name", TAKEN)
def test_a_service_is_given_the_whole_mail_and_what_names_its_notification(name: str) -> None:
    outcome, api = taken_by(name)
    assert isinstance(outcome, Accepted), outcome
    assert TAKEN[name][2] in outcome.reply
    assert outcome.host == f"127.0.0.1:{api.port}"
    text = _in_plain_letters(api.asked[0])
    for part in (RECIPIENT, "[IT-12] Drucker l\u00e4uft", "Er l\u00e4uft wieder.", "<p>Er l\u00e4uft wieder.</p>"):
        assert part in text, part
    for part in ("help@example.com", "it-12@desk.example.com", "Gr\u00fc\u00dfe, Desk"):
        assert part in text, part
    assert signing.token(Purpose.METADATA, OWN) in text
    assert signing.token(Purpose.MESSAGE_ID, OWN) in text
    assert signing.token(Purpose.HEADER, OWN) in text


def _in_plain_letters(asked: Asked) -> str:
    """Whatever way of writing it the service wants: JSON or a form, names as they are or encoded (RFC 2047)."""
    if asked.body[:1] in (b"{", b"["):
        text = json.dumps(asked.json, ensure_ascii=False)
    else:
        text = "\n".join(value for _, value in parse_qsl(asked.body.decode()))
    return re.sub(r"=\?[^?]+\?.\?[^?]+\?=", lambda found: str(make_header(decode_header(found[0]))), text)


def test_opens_and_clicks_are_not_tracked() -> None:
    _, api = sent(POSTMARK_OK)
    assert (api.asked[0].json["TrackOpens"], api.asked[0].json["TrackLinks"]) == (False, "None")


def test_what_the_url_gives_along_goes_into_every_request() -> None:
    _, api = sent(POSTMARK_OK, url="esp://:hush@postmark?extra.MessageStream=outbound&extra.InlineCss=true")
    assert (api.asked[0].json["MessageStream"], api.asked[0].json["InlineCss"]) == ("outbound", True)


def test_a_mail_of_text_alone_is_one_there_too() -> None:
    async def run() -> Any:
        async with talking(POSTMARK_OK) as (transport, api):
            await one(transport, own_mail(html=""))
            return api.asked[0].json

    asked = asyncio.run(run())
    assert asked["TextBody"].strip() == "Er l\u00e4uft wieder."
    assert "HtmlBody" not in asked


def test_what_another_program_wrote_is_refused_with_what_to_do() -> None:
    async def run() -> Any:
        async with transport_to("esp://:hush@postmark") as transport:
            return await one(transport, b"From: rt@example.com\r\n\r\nhi", None)

    outcome = asyncio.run(run())
    assert isinstance(outcome, Refused)
    assert "byte for byte" in outcome.reply
    assert "Postmark's own SMTP server" in outcome.reply


# --- what answers mean ------------------------------------------------------------------------------------------------

REFUSED, FAULT, LATER = Refused, "our fault", TryLater
ANSWERS: list[tuple[str, bytes, Any, str]] = [
    ("postmark", http(401, {"ErrorCode": 10, "Message": "No Server API tokens were supplied"}), FAULT, "tokens"),
    ("postmark", http(422, {"ErrorCode": 400, "Message": "Sender Signature not found"}), REFUSED, "Signature"),
    ("postmark", http(422, {"ErrorCode": 405, "Message": "Not allowed to send"}), FAULT, "Not allowed"),
    ("postmark", http(500, {"ErrorCode": 1, "Message": "Internal"}), LATER, "Internal"),
    ("postmark", http(503, b"<html>down</html>"), Unreachable, "HTTP 503"),
    ("postmark", http(502, b""), Unreachable, "HTTP 502"),
    ("postmark", http(504, b"timed out"), Unknown, "HTTP 504"),
    ("postmark", http(404, {"Message": "no such page"}), FAULT, "HTTP 404"),
    ("postmark", http(302, b"", Location="https://elsewhere.example/"), FAULT, "HTTP 302"),
    ("postmark", http(200, b"<html>Welcome to our coffee shop</html>"), Unknown, "none that is known"),
    ("mailgun", http(400, {"message": "'to' parameter is not a valid address"}), REFUSED, "valid address"),
    ("mailgun", http(403, {"message": "Domain mg.example.com is not allowed to send: free accounts"}), FAULT, "free"),
    ("mailgun", http(404, {"message": "Domain not found: mg.example.com"}), FAULT, "Domain not found"),
    ("sendgrid", http(401, {"errors": [{"message": "authorization grant is invalid"}]}), FAULT, "grant"),
    (
        "sendgrid",
        http(403, {"errors": [{"message": "The from address is no verified Sender"}]}),
        REFUSED,
        "from",
    ),
    ("sendgrid", http(413, {"errors": [{"message": "Payload too large"}]}), REFUSED, "too large"),
    (
        "mandrill",
        http(500, {"status": "error", "name": "Invalid_Key", "message": "x"}),
        FAULT,
        "Invalid_Key",
    ),
    ("mandrill", http(500, {"status": "error", "name": "ValidationError", "message": "bad"}), REFUSED, "Validation"),
    ("mandrill", http(500, {"status": "error", "name": "GeneralError", "message": "oops"}), LATER, "oops"),
    ("postal", http(200, {"status": "error", "data": {"code": "InvalidServerAPIKey"}}), FAULT, "InvalidServerAPIKey"),
    ("postal", http(200, {"status": "parameter-error", "data": {"message": "no"}}), REFUSED, "parameter-error"),
    ("postal", http(200, {"status": "error", "data": {"code": "UnauthenticatedFromAddress"}}), REFUSED, "From"),
    ("brevo", http(401, {"code": "unauthorized", "message": "Key not found"}), FAULT, "Key not found"),
    ("brevo", http(400, {"code": "invalid_parameter", "message": "sender not valid"}), REFUSED, "sender"),
    ("brevo", http(402, {"code": "not_enough_credits", "message": "x"}), FAULT, "credits"),
    ("resend", http(403, {"name": "validation_error", "message": "The domain is not verified"}), REFUSED, "verified"),
    ("resend", http(403, {"name": "invalid_api_key", "message": "API key is invalid"}), FAULT, "invalid"),
    ("sparkpost", http(400, {"errors": [{"description": "Unconfigured Sending Domain"}]}), REFUSED, "Unconfigured"),
    ("sparkpost", http(403, {"errors": [{"message": "Forbidden."}]}), FAULT, "Forbidden"),
    ("mailersend", http(422, {"message": "The from.email domain must be verified"}), REFUSED, "verified"),
    ("mailjet", http(401, {"ErrorCode": "mj-0002", "ErrorMessage": "API key authentication failed"}), FAULT, "API key"),
    (
        "mailjet",
        http(400, {"Messages": [{"Status": "error", "Errors": [{"ErrorMessage": "Invalid email"}]}]}),
        REFUSED,
        "Invalid email",
    ),
    (
        "scaleway",
        http(403, {"message": "insufficient permissions"}),
        FAULT,
        "permissions",
    ),
    ("unisender_go", http(401, {"status": "error", "code": 114, "message": "api_key not found"}), FAULT, "api_key"),
]


@pytest.mark.parametrize(("name", "answer", "meaning", "words"), ANSWERS)
def test_an_answer_means_what_the_service_means_by_it(name: str, answer: bytes, meaning: Any, words: str) -> None:
    (outcome,), _ = sent(answer, url=url_of(name, TAKEN[name][0]))
    assert isinstance(outcome, Unreachable if meaning is FAULT else meaning), outcome
    assert getattr(outcome, "our_fault", False) is (meaning is FAULT)
    assert words in outcome.reply
    assert outcome.code is None  # HTTP's numbers mean other things than SMTP's
    assert len(outcome.reply) <= 2000


ON_THEIR_LIST = {
    "postmark": http(
        422,
        {
            "ErrorCode": 406,
            "Message": f"Found inactive addresses: {RECIPIENT}. Inactive recipients bounced.",
        },
    ),
    "mandrill": http(200, [{"email": RECIPIENT, "status": "rejected", "reject_reason": "hard-bounce", "_id": "1"}]),
    "mailersend": http(
        202,
        {"warnings": [{"type": "ALL_SUPPRESSED", "recipients": [{"email": RECIPIENT, "reasons": ["hard_bounced"]}]}]},
    ),
    "unisender_go": http(
        200, {"status": "success", "job_id": "1", "emails": [], "failed_emails": {RECIPIENT: "unsubscribed"}}
    ),
    "sparkpost": http(200, {"results": {"total_accepted_recipients": 0, "total_rejected_recipients": 1, "id": "116"}}),
}


@pytest.mark.parametrize("name", ON_THEIR_LIST)
def test_a_recipient_on_the_services_own_list_is_known_as_such(name: str) -> None:
    (outcome,), _ = sent(ON_THEIR_LIST[name], url=url_of(name))
    assert isinstance(outcome, Refused), outcome
    assert outcome.stage is Stage.RCPT
    assert bounces.classify(outcome.reply, command="rcpt").cause is Cause.SUPPRESSED


def test_a_recipient_that_the_service_finds_invalid_is_refused_and_not_taken_for_a_dead_mailbox() -> None:
    said = {"ErrorCode": 300, "Message": f"Invalid 'To' address: '{RECIPIENT}'."}
    (outcome,), _ = sent(http(422, said))
    assert isinstance(outcome, Refused)
    assert "Postmark does not take this for an address" in outcome.reply
    assert "Invalid 'To' address" in str(outcome.dialogue)
    cause = bounces.classify(outcome.reply, command="rcpt").cause
    assert cause.facts.suppress is not bounces.Suppress.AT_ONCE


def test_a_service_that_is_busy_is_asked_again_after_the_pause_it_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport_of_esps, "USUAL_PAUSE_S", 0.01)
    busy = http(429, {"Message": "too many requests"}, Retry_After="0")
    (outcome,), api = sent(busy, http(429, {"Message": "too many requests"}), POSTMARK_OK)
    assert isinstance(outcome, Accepted)
    assert len(api.asked) == 3
    (outcome,), api = sent(busy)
    assert isinstance(outcome, TryLater)
    assert len(api.asked) == transport_of_esps.ASKS


def test_a_service_that_refuses_our_headers_gets_the_mail_without_them_from_then_on() -> None:
    (first, second), api = sent(
        http(422, {"message": "The headers feature is not in your plan"}),
        http(202, {}, X_Message_Id="1"),
        url=url_of("mailersend"),
        times=2,
    )
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert ["headers" in asked.json for asked in api.asked] == [True, False, False]


def test_a_key_that_an_answer_quotes_is_not_shown() -> None:
    (outcome,), _ = sent(http(401, {"Message": "The token hush-hush is unknown"}), url="esp://:hush-hush@postmark")
    assert "hush-hush" not in outcome.reply + str(outcome.dialogue)


def test_a_mail_that_cannot_be_put_into_the_services_words_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> Any:
        async with talking(POSTMARK_OK) as (transport, api):
            return await transport.send("", "nobody", own_mail(), own=OWN), api.asked

    outcome, asked = asyncio.run(run())
    assert isinstance(outcome, Refused)
    assert "cannot be written for Postmark" in outcome.reply
    assert not asked


# --- the connection ---------------------------------------------------------------------------------------------------


def test_connections_are_used_again() -> None:
    outcomes, api = sent(POSTMARK_OK, times=3)
    assert {type(one) for one in outcomes} == {Accepted}
    assert api.connections == 1


def test_a_connection_that_the_service_ended_meanwhile_is_not_used_again() -> None:
    async def then_closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(POSTMARK_OK)
        await writer.drain()
        writer.close()

    async def run() -> Any:
        async with talking(then_closes) as (transport, api):
            outcomes = []
            for _ in range(3):
                outcomes.append(await one(transport))
                await asyncio.sleep(0.05)
            return outcomes, api

    outcomes, api = asyncio.run(run())
    assert {type(one) for one in outcomes} == {Accepted}
    assert api.connections == 3


def test_a_service_that_does_not_answer_at_all_leaves_the_outcome_unknown() -> None:
    for behaviour in (closes, hangs):
        (outcome,), _ = sent(behaviour, timeout_s=0.3)
        assert isinstance(outcome, Unknown), outcome
        assert not outcome.final
        assert "after the whole mail was sent" in outcome.reply


def test_a_service_that_answers_byte_by_byte_is_waited_for_no_longer_than_any_other() -> None:
    async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in POSTMARK_OK:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.1)

    (outcome,), _ = sent(drips, timeout_s=0.5)
    assert isinstance(outcome, Unknown)
    assert outcome.duration_ms < 2000


def test_where_nobody_listens_the_service_is_unreachable_and_it_is_not_our_fault() -> None:
    async def run() -> Any:
        async with serving(POSTMARK_OK) as api:
            url = api.url
        async with transport_to(f"esp://:hush@postmark?api_url={url}") as transport:
            return await one(transport)

    outcome = asyncio.run(run())
    assert isinstance(outcome, Unreachable)
    assert not outcome.our_fault
    assert outcome.stage is Stage.CONNECT


async def encrypted(certificate: Path) -> Any:
    async with (
        serving(POSTMARK_OK, certificate=certificate) as api,
        transport_to(f"esp://:hush@postmark?api_url=https://127.0.0.1:{api.port}/") as transport,
    ):
        return [await one(transport) for _ in range(2)]


def test_a_certificate_that_nobody_vouches_for_ends_the_connection(certificate: Path) -> None:
    for outcome in asyncio.run(encrypted(certificate)):
        assert isinstance(outcome, Unreachable)
        assert "No encrypted connection: self-signed certificate" in outcome.reply


def test_what_the_networks_own_authority_vouches_for_is_accepted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    outcomes = asyncio.run(encrypted(certificate))
    assert [(type(one), one.tls) for one in outcomes] == [(Accepted, "HTTPS")] * 2


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_proxy_of_the_network_is_gone_through(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[[Any], Any]
) -> None:
    async def through() -> Any:
        async with serving(POSTMARK_OK, certificate=certificate) as api, serving(passing_on(api)) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
            async with transport_to(f"esp://:hush@postmark?api_url=https://127.0.0.1:{api.port}/") as transport:
                return await one(transport), proxy.asked

    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    outcome, asked = run(through())
    assert isinstance(outcome, Accepted), outcome
    assert [one.method for one in asked] == ["CONNECT"]


def passing_on(api: Api) -> Behaviour:
    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(data)

    async def passes_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside, outside = await asyncio.open_connection("127.0.0.1", api.port)
        writer.write(b"HTTP/1.1 200 Go ahead\r\n\r\n")
        try:
            await asyncio.gather(copy(reader, outside), copy(inside, writer))
        finally:
            outside.transport.abort()

    return passes_on


def test_a_project_does_not_reach_an_api_inside_the_network() -> None:
    (outcome,), api = sent(POSTMARK_OK, public_only=True)
    assert isinstance(outcome, Unreachable)
    assert "inside a network" in outcome.reply
    assert not api.asked


@pytest.mark.parametrize(
    "answer",
    [
        b"SMTP ready\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
)
def test_an_answer_that_is_no_http_leaves_the_outcome_unknown(answer: bytes) -> None:
    (outcome,), _ = sent(answer, timeout_s=2)
    assert isinstance(outcome, Unknown), outcome


def test_answers_in_chunks_after_an_interim_one_and_without_a_length_are_read() -> None:
    body = POSTMARK_OK.partition(b"\r\n\r\n")[2]
    chunked = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked += b"%x\r\n%s\r\n%x;a=b\r\n%s\r\n0\r\nTrailer: x\r\n\r\n" % (9, body[:9], len(body) - 9, body[9:])

    async def until_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + body)
        writer.close()

    outcomes, api = sent(chunked, until_the_end, POSTMARK_OK, times=3)
    assert {type(one) for one in outcomes} == {Accepted}
    assert [asked.connection for asked in api.asked] == [1, 1, 2]


def test_many_mails_are_on_their_way_at_once_but_no_more_than_the_settings_say() -> None:
    under_way, most = 0, 0

    async def takes_its_time(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        writer.write(POSTMARK_OK)

    async def run() -> Any:
        async with talking(takes_its_time, max_connections=5) as (transport, api):
            return await asyncio.gather(*(one(transport) for _ in range(30))), api

    outcomes, api = asyncio.run(run())
    assert {type(one) for one in outcomes} == {Accepted}
    assert most == api.connections == 5


def test_a_second_try_carries_the_key_that_makes_it_one_mail_where_the_service_knows_such_keys() -> None:
    _, api = sent(http(500), http(200, {"id": "1"}), url=url_of("resend"), times=2)
    first, second = (asked.headers["idempotency-key"] for asked in api.asked)
    assert first == second


def test_a_proxy_of_the_network_is_used_by_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 407 Who are you\r\n\r\n")

    async def run() -> Any:
        async with serving(refuses) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://ann:p%40ss@127.0.0.1:{proxy.port}")
            monkeypatch.delenv("NO_PROXY", raising=False)
            monkeypatch.delenv("no_proxy", raising=False)
            async with transport_to("esp://:hush@postmark?api_url=https://api.example.com/") as transport:
                return await one(transport), proxy.asked[0]

    outcome, asked = asyncio.run(run())
    assert (asked.method, asked.target) == ("CONNECT", "api.example.com:443")
    assert asked.headers["proxy-authorization"] == "Basic YW5uOnBAc3M="
    assert isinstance(outcome, Unreachable)
    assert "407 Who are you" in outcome.reply


# --- Amazon SES -------------------------------------------------------------------------------------------------------


SES = "esp://amazon_ses?region_name=eu-west-1&aws_access_key_id=AK&aws_secret_access_key=hush"


def ses(*script: Any, times: int = 1, **changes: Any) -> Any:
    async def run() -> Any:
        async with talking(*script, url=SES, to="endpoint_url", **changes) as (transport, api):
            return [await one(transport) for _ in range(times)], api

    return asyncio.run(run())


def test_amazon_ses_gets_the_very_bytes_and_the_metadata_as_a_header() -> None:
    (outcome, _), api = ses(http(200, {"MessageId": "0102"}), times=2)
    assert isinstance(outcome, Accepted), outcome
    assert "0102" in outcome.reply
    raw = b64decode(api.asked[0].json["Content"]["Raw"]["Data"])
    mail = message_from_bytes(raw)
    assert json.loads(mail["X-Metadata"]) == {"undelivered_id": signing.token(Purpose.METADATA, OWN)}
    assert signing.token(Purpose.MESSAGE_ID, OWN) in mail["Message-ID"]
    assert api.asked[0].json["Destination"]["ToAddresses"][0].endswith(f"<{RECIPIENT}>")
    assert "AK/" in api.asked[0].headers["authorization"]


@pytest.mark.parametrize(
    ("status", "code", "message", "meaning"),
    [
        (400, "MessageRejected", "Email address is not verified.", Refused),
        (400, "MailFromDomainNotVerifiedException", "x", Refused),
        (429, "TooManyRequestsException", "slow down", TryLater),
        (400, "LimitExceededException", "Daily message quota exceeded", TryLater),
        (400, "AccountSuspendedException", "Account suspended", FAULT),
        (400, "SendingPausedException", "Sending paused for this account", FAULT),
        (403, "InvalidClientTokenId", "The security token included in the request is invalid", FAULT),
        (403, "SignatureDoesNotMatch", "x", FAULT),
        (500, "InternalFailure", "x", TryLater),
        (503, "ServiceUnavailable", "x", Unreachable),
    ],
)
def test_what_amazon_ses_answers_means_what_it_means_by_it(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str, message: str, meaning: Any
) -> None:
    monkeypatch.setattr(transport_of_esps, "USUAL_PAUSE_S", 0.0)
    (outcome,), api = ses(http(status, {"message": message}, x_amzn_ErrorType=code))
    assert isinstance(outcome, Unreachable if meaning is FAULT else meaning), outcome
    assert getattr(outcome, "our_fault", False) is (meaning is FAULT)
    assert code in outcome.reply
    assert len(api.asked) == (3 if meaning is TryLater and status != 500 else 1)  # boto3 does not ask again by itself


def test_amazon_ses_that_is_not_there_or_does_not_answer() -> None:
    (outcome,), _ = ses(closes)
    assert isinstance(outcome, Unknown), outcome

    async def run() -> Any:
        async with serving(POSTMARK_OK) as api:
            url = api.url
        async with transport_to(f"{SES}&endpoint_url={url}") as transport:
            return await one(transport)

    outcome = asyncio.run(run())
    assert isinstance(outcome, Unreachable)
    assert not outcome.our_fault
