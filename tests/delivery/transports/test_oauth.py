"""XOAUTH2: tokens are fetched, kept, refreshed once when refused, and a token server's trouble is told apart."""

from __future__ import annotations

import asyncio
import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.delivery.transports.scripted import SENDER, ScriptedServer, converse, one_mail
from undelivered.delivery.outcomes import Accepted, Outcome, Stage, Unreachable
from undelivered.delivery.transports import oauth
from undelivered.delivery.transports.oauth import NoToken, Tokens
from undelivered.delivery.transports.oauth_url import Grant, OAuth
from undelivered.delivery.transports.smtp import SmtpTransport

EHLO = b"250-mx\r\n250 AUTH LOGIN PLAIN XOAUTH2\r\n"
WELCOME = b"235 2.7.0 Welcome\r\n"
REFUSED = b"535 5.7.3 Authentication unsuccessful\r\n"


class TokenServer:
    """Gives `token-1`, `token-2` ...; `forms` has what it was asked, `answers` what it says instead, once each."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.answers: list[tuple[int, bytes]] = []
        self.more: dict[str, Any] = {"expires_in": 3599}
        self.pause = threading.Event()
        self.pause.set()
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told.forms.append(dict(parse_qsl(body.decode())))
                told.pause.wait(2)
                status, answer = told.answers.pop(0) if told.answers else (200, told.token())
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", told.url)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/token"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def token(self) -> bytes:
        return json.dumps({"access_token": f"token-{len(self.forms)}", "token_type": "Bearer", **self.more}).encode()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def token_server() -> Iterator[TokenServer]:
    server = TokenServer()
    yield server
    server.stop()


def tokens(server: TokenServer, secret: str = "client-secret", **changes: Any) -> Tokens:
    return Tokens(OAuth(server.url, "client-1", **changes), secret)


def log_in(server: ScriptedServer, token_server: TokenServer, talk: Any = one_mail) -> Any:
    given = OAuth(token_server.url, "client-1", "https://outlook.example/.default")
    return converse(server, talk, username="desk@it.example", password="client-secret", oauth=given)


def said(line: str) -> str:
    return b64decode(line.removeprefix("AUTH XOAUTH2 ")).decode()


@pytest.mark.usefixtures("both_loops")
def test_a_login_carries_user_and_token_and_shows_neither(token_server: TokenServer) -> None:
    server = ScriptedServer(EHLO=EHLO, AUTH=WELCOME)
    outcome = log_in(server, token_server)
    assert isinstance(outcome, Accepted)
    assert said(server.lines[0][1]) == "user=desk@it.example\1auth=Bearer token-1\1\1"
    assert token_server.forms == [
        {
            "grant_type": "client_credentials",
            "client_id": "client-1",
            "scope": "https://outlook.example/.default",
            "client_secret": "client-secret",
        }
    ]
    assert "token-1" not in repr(outcome)
    assert server.lines[0][1].partition("XOAUTH2 ")[2] not in repr(outcome)


def test_a_token_is_kept_for_all_connections_that_open_meanwhile(token_server: TokenServer) -> None:
    server = ScriptedServer(EHLO=EHLO, AUTH=WELCOME)

    async def many(transport: SmtpTransport) -> list[Outcome]:
        return await asyncio.gather(*(transport.send(SENDER, f"ann{n}@shop.example", b"x") for n in range(8)))

    outcomes = log_in(server, token_server, many)
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    assert len(server.lines) > 1
    assert len(token_server.forms) == 1


def test_a_token_that_was_good_and_is_refused_is_replaced_once(token_server: TokenServer) -> None:
    server = ScriptedServer(EHLO=EHLO)
    server.queued["AUTH"] = [WELCOME, REFUSED, WELCOME]

    async def two(transport: SmtpTransport) -> list[Outcome]:
        first = await one_mail(transport)
        transport.pool._idle.pop().discard()
        return [first, await one_mail(transport)]

    outcomes = log_in(server, token_server, two)
    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted]
    assert [said(lines[1])[-9:-2] for lines in server.lines] == ["token-1", "token-1", "token-2"]
    assert "(again, with a fresh token)" in outcomes[1].dialogue


def test_a_fresh_token_that_is_refused_is_our_fault_and_not_tried_again(token_server: TokenServer) -> None:
    server = ScriptedServer(EHLO=EHLO, AUTH=b"334 eyJzdGF0dXMiOiI0MDAifQ==\r\n")
    server.answers["334"] = REFUSED
    outcome = log_in(server, token_server)
    assert (type(outcome), outcome.stage, outcome.code) == (Unreachable, Stage.AUTH, 535)
    assert outcome.our_fault
    assert server.lines[0][2] == ""  # the empty answer to what is wrong, which brings the refusal
    assert len(token_server.forms) == 1


def test_a_provider_without_xoauth2_is_sent_no_token(token_server: TokenServer) -> None:
    outcome = log_in(ScriptedServer(EHLO=b"250-mx\r\n250 AUTH PLAIN LOGIN\r\n"), token_server)
    assert isinstance(outcome, Unreachable)
    assert outcome.our_fault
    assert "XOAUTH2" in outcome.reply
    assert token_server.forms == []


def test_a_refused_client_is_our_fault_and_says_why_without_the_secret(token_server: TokenServer) -> None:
    token_server.answers = [(401, b'{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid secret"}')]
    outcome = log_in(ScriptedServer(EHLO=EHLO), token_server)
    assert (type(outcome), outcome.our_fault, outcome.stage) == (Unreachable, True, Stage.AUTH)
    assert outcome.reply == "No token from 127.0.0.1: HTTP 401 invalid_client AADSTS7000215: Invalid secret"
    assert "client-secret" not in repr(outcome)


@pytest.mark.parametrize(
    ("status", "answer", "our_fault"),
    [
        (500, b"oops", False),
        (503, b"{}", False),
        (429, b'{"error": "slow_down"}', False),
        (400, b'{"error": "invalid_grant"}', True),
        (302, b"", False),
        (200, b"<html>Sign in</html>", False),
        (200, b"[]", False),
        (200, b'{"token": "x"}', False),
        (200, b'{"access_token": "a\\r\\nQUIT"}', False),
        (200, b'{"access_token": "' + b"x" * 200_000, False),
    ],
)
def test_what_is_no_token_is_said_to_be_none(
    token_server: TokenServer, status: int, answer: bytes, our_fault: bool
) -> None:
    token_server.answers = [(status, answer)]
    with pytest.raises(NoToken) as none:
        asyncio.run(tokens(token_server).get())
    assert none.value.our_fault is our_fault
    assert len(token_server.forms) == 1  # a redirection is not followed: the secret stays where it belongs
    assert len(none.value.text) < 1000


def test_a_token_server_that_does_not_answer_does_not_outlast_its_time(
    token_server: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth, "FETCH_S", 0.05)
    token_server.pause.clear()
    with pytest.raises(NoToken, match=r"No answer from the token server 127\.0\.0\.1 within 0\.05 seconds|timed out"):
        asyncio.run(tokens(token_server).get())
    token_server.pause.set()


def test_a_token_server_that_is_not_there_is_not_our_fault(token_server: TokenServer) -> None:
    gone = OAuth("http://127.0.0.1:9/token", "client-1")
    with pytest.raises(NoToken, match=r"No token from 127\.0\.0\.1: .*refused") as none:
        asyncio.run(Tokens(gone, "x").get())
    assert not none.value.our_fault


@pytest.mark.parametrize("life", [30, 0, "soon", None])
def test_a_token_is_not_used_in_its_last_minute(
    token_server: TokenServer, life: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    token_server.more = {"expires_in": life}
    now = 1000.0
    monkeypatch.setattr("undelivered.delivery.transports.oauth.time.monotonic", lambda: now)
    source = tokens(token_server)

    async def get_at(moment: float) -> tuple[str, bool]:
        nonlocal now
        now = moment
        return await source.get()

    with asyncio.Runner() as runner:
        assert runner.run(get_at(1000)) == ("token-1", True)
        assert runner.run(get_at(1029)) == ("token-1", False)
        assert runner.run(get_at(1000 + 3600)) == ("token-2", True)


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        ("refresh-1", {"refresh_token": "refresh-1"}),
        ("client-secret refresh-1", {"client_secret": "client-secret", "refresh_token": "refresh-1"}),
    ],
)
def test_a_refresh_token_is_sent_and_a_new_one_is_used_from_then_on(
    token_server: TokenServer, secret: str, expected: dict[str, str]
) -> None:
    token_server.more = {"refresh_token": "refresh-2"}
    source = tokens(token_server, secret, grant=Grant.REFRESH)

    async def twice() -> None:
        token, _ = await source.get()
        source.forget(token)
        source.forget("another")
        await source.get()

    asyncio.run(twice())
    asked = {"grant_type": "refresh_token", "client_id": "client-1", **expected}
    assert token_server.forms == [asked, {**asked, "refresh_token": "refresh-2"}]
