"""The suppression lists that ESPs keep themselves: how each is asked to take an address off it.

Who one is, the service learns as with a mail: Anymail's backend writes a request, of which the headers are kept.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import quote, urljoin

from django.core.mail import EmailMessage

from undelivered.delivery.transports import esp_aws
from undelivered.delivery.transports.esp_hands import ByHttp, ByThreads, Carrier, carrier
from undelivered.delivery.transports.esp_http import Request, Trip
from undelivered.delivery.transports.esp_url import EspSettings
from undelivered.delivery.transports.esp_words import Answer

#: Method, path and body of one or more requests; `{address}` and the provider's settings are filled in. A service that
#: is not here has no such function.
ASKS: dict[str, tuple[tuple[str, str, Any], ...]] = {
    "brevo": (("DELETE", "smtp/blockedContacts/{address}", None),),
    "mailgun": (
        ("DELETE", "{sender_domain}/bounces/{address}", None),
        ("DELETE", "{sender_domain}/complaints/{address}", None),
        ("DELETE", "{sender_domain}/unsubscribes/{address}", None),
    ),
    "mandrill": (("POST", "rejects/delete.json", {"key": "{api_key}", "email": "{address}"}),),
    "postmark": (
        (
            "POST",
            "message-streams/{MessageStream}/suppressions/delete",
            {"Suppressions": [{"EmailAddress": "{address}"}]},
        ),
    ),
    "sendgrid": (
        ("DELETE", "suppression/bounces/{address}", None),
        ("DELETE", "suppression/blocks/{address}", None),
        ("DELETE", "suppression/invalid_emails/{address}", None),
        ("DELETE", "suppression/spam_reports/{address}", None),
        ("DELETE", "asm/suppressions/global/{address}", None),
    ),
    "sparkpost": (("DELETE", "suppression-list/{address}", None),),
    "unisender_go": (("POST", "suppression/delete.json", {"email": "{address}"}),),
}
#: Lists of people who do not want mail, where they are apart from those of dead addresses.
UNWANTED = frozenset({
    "{sender_domain}/complaints/{address}",
    "{sender_domain}/unsubscribes/{address}",
    "suppression/spam_reports/{address}",
    "asm/suppressions/global/{address}",
})  # fmt: skip
BY_BOTO = frozenset({"amazon_ses"})
USUAL = {"MessageStream": "outbound"}
#: In the JSON of an answer, without blanks and in small letters: the address was not on the list; or it stays there.
NOT_THERE = {"mandrill": ('"deleted":false',), "unisender_go": ('"code":3003',), "mailgun": ("addressnotfound",)}
STAYS = {"postmark": '"status":"failed"'}


class Said(Enum):
    GONE = "gone"  # it was on the list, and no longer is
    NOT_THERE = "not there"
    REFUSED = "refused"


async def take_off(settings: EspSettings, address: str, *, complaint: bool = False) -> tuple[bool, str]:
    """Whether the address is on no list of the service any more, and what it said, in a sentence. Raises `Lost`.

    `complaint`: the person agreed to get mail again, so that lists of complaints are asked, too.
    """
    label, name = settings.esp.label, settings.esp.name
    if name not in ASKS and name not in BY_BOTO:
        return False, f"{label} has no way to be asked: look there whether it has the address on a list of its own."
    values = {**USUAL, **settings.extra, **settings.options, **settings.secrets, "address": address}
    if name == "mailgun" and "sender_domain" not in values:
        return False, f"{label} could not be asked: the provider's URL lacks the option sender_domain."
    way = carrier(settings)
    try:
        said = await _ask(way, name, values, complaint)
    finally:
        way.close()
    if refusals := [words for what, words in said if what is Said.REFUSED]:
        return False, f"{label} did not take it off its list: {refusals[0]}"
    if any(what is Said.GONE for what, _ in said):
        return True, f"{label} took it off its list, too."
    return True, f"{label} did not have it on its list."


async def _ask(way: Carrier, name: str, values: Mapping[str, Any], complaint: bool) -> list[tuple[Said, str]]:
    if isinstance(way, ByThreads):
        return [await asyncio.to_thread(_by_boto, way.backend, str(values["address"]))]
    assert isinstance(way, ByHttp)
    known = _headers(way.backend)
    asks = [one for one in ASKS[name] if complaint or one[1] not in UNWANTED]
    asked = [_request(way.backend.api_url, known, one, values) for one in asks]
    answers = await asyncio.gather(*(way.client.ask(request, Trip()) for request in asked))
    return [_said(name, Answer(one.status_code, one.text, str(one.reason))) for one in answers]


def _headers(backend: Any) -> dict[str, Any]:
    mail = EmailMessage("-", "-", "desk@example.com", ["ann@example.com"])
    told = backend.build_message_payload(mail, {}).get_request_params(backend.api_url)
    return {"headers": told["headers"], "auth": told["auth"]}


def _request(api_url: str, known: dict[str, Any], ask: tuple[str, str, Any], values: Mapping[str, Any]) -> Request:
    method, path, body = ask
    quoted = {name: quote(str(value), safe="") for name, value in values.items()}
    data = None if body is None else json.dumps(_filled(body, values))
    return Request.of(method, urljoin(api_url, path.format_map(quoted)), data=data, **known)


def _filled(body: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(body, str):
        return body.format_map(values)
    if isinstance(body, list):
        return [_filled(one, values) for one in body]
    return {name: _filled(one, values) for name, one in body.items()}


def _said(name: str, answer: Answer) -> tuple[Said, str]:
    text = "".join(answer.text.lower().split())
    if any(mark in text for mark in NOT_THERE.get(name, ())):
        return Said.NOT_THERE, ""
    if answer.status == 404 and name != "mailgun":  # Mailgun means the domain
        return Said.NOT_THERE, ""
    if answer.status < 300 and STAYS.get(name, "\0") not in text:
        return Said.GONE, ""
    return Said.REFUSED, answer.about_the_mail[:300]


def _by_boto(backend: Any, address: str) -> tuple[Said, str]:
    backend.open()
    try:
        backend.client.delete_suppressed_destination(EmailAddress=address)
    except Exception as error:
        answer = esp_aws.answer(error)
        return (Said.NOT_THERE, "") if "NotFoundException" in answer.text else (Said.REFUSED, answer.words[:300])
    return Said.GONE, ""
