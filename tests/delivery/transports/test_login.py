"""Ways to log in: which one is taken, what it says, and what stops it."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from typing import Any

import pytest

from tests.delivery.transports.scripted import ScriptedServer, converse, one_mail
from undelivered.delivery.outcomes import Accepted, Stage, Unreachable
from undelivered.delivery.transports.login import COMMAND_LIMIT, Exchange, wanted
from undelivered.delivery.transports.replies import Reply

WELCOME = b"235 2.7.0 Welcome\r\n"


def offering(*ways: str) -> bytes:
    return b"250-mx\r\n250 AUTH " + " ".join(ways).encode() + b"\r\n"


def log_in(server: ScriptedServer, user: str = "desk", password: str = "s3cret") -> Any:
    return converse(server, one_mail, username=user, password=password)


def challenge(text: bytes) -> bytes:
    return b"334 " + b64encode(text) + b"\r\n"


@pytest.mark.parametrize(
    ("offered", "encrypted", "taken"),
    [
        (["LOGIN", "PLAIN", "CRAM-MD5"], True, ["PLAIN", "LOGIN", "CRAM-MD5"]),
        (["LOGIN", "PLAIN", "CRAM-MD5"], False, ["CRAM-MD5", "PLAIN", "LOGIN"]),
        (["GSSAPI", "NTLM", "LOGIN"], True, ["LOGIN"]),
        (["XOAUTH2", "GSSAPI"], True, []),
    ],
)
def test_the_best_way_that_is_offered_comes_first(offered: list[str], encrypted: bool, taken: list[str]) -> None:
    assert wanted(offered, token=False, encrypted=encrypted) == taken
    assert wanted(offered, token=True, encrypted=encrypted) == [way for way in offered if way == "XOAUTH2"]


def test_plain_carries_names_beyond_ascii() -> None:
    command = Exchange("PLAIN", "jürgen", "pä ss").begin()
    assert b64decode(command.removeprefix(b"AUTH PLAIN ")) == "\0jürgen\0pä ss".encode()


def test_login_answers_two_challenges() -> None:
    server = ScriptedServer(EHLO=offering("LOGIN"), AUTH=challenge(b"Username:"))
    server.queued["334"] = [challenge(b"Password:"), WELCOME]
    assert isinstance(log_in(server), Accepted)
    assert server.lines[0][1:4] == ["AUTH LOGIN", b64encode(b"desk").decode(), b64encode(b"s3cret").decode()]


def test_cram_md5_never_says_the_password() -> None:
    server = ScriptedServer(EHLO=offering("PLAIN", "CRAM-MD5"), AUTH=challenge(b"<1896.6971@mx.shop.example>"))
    server.queued["334"] = [WELCOME]
    assert isinstance(log_in(server), Accepted)
    digest = hmac.new(b"s3cret", b"<1896.6971@mx.shop.example>", "md5").hexdigest()
    assert b64decode(server.lines[0][2]).decode() == f"desk {digest}"


def test_a_way_that_the_server_does_not_take_after_all_is_followed_by_the_next() -> None:
    server = ScriptedServer(EHLO=offering("PLAIN", "LOGIN"))
    server.queued["AUTH"] = [b"504 5.5.4 Unrecognized authentication type\r\n", challenge(b"Username:")]
    server.queued["334"] = [challenge(b"Password:"), WELCOME]
    assert isinstance(log_in(server), Accepted)


def test_a_wrong_password_is_said_once_only() -> None:
    server = ScriptedServer(EHLO=offering("PLAIN", "LOGIN"), AUTH=b"535 5.7.8 Wrong\r\n")
    outcome = log_in(server)
    assert (type(outcome), outcome.stage, outcome.our_fault) == (Unreachable, Stage.AUTH, True)
    assert sum(line.startswith("AUTH") for line in server.lines[0]) == 1


def test_a_long_password_waits_for_its_challenge() -> None:
    server = ScriptedServer(EHLO=offering("PLAIN"), AUTH=b"334 \r\n")
    server.queued["334"] = [WELCOME]
    password = "x" * COMMAND_LIMIT
    assert isinstance(log_in(server, password=password), Accepted)
    assert server.lines[0][1] == "AUTH PLAIN"
    assert b64decode(server.lines[0][2]) == b"\0desk\0" + password.encode()


def test_a_server_that_challenges_without_end_is_left() -> None:
    server = ScriptedServer(EHLO=offering("PLAIN"), AUTH=b"334 \r\n")
    server.answers["334"] = b"334 \r\n"
    outcome = log_in(server)
    assert (type(outcome), outcome.stage) == (Unreachable, Stage.AUTH)
    assert server.lines[0][2:4] == ["*", "*"]


def test_an_odd_challenge_is_answered_all_the_same() -> None:
    exchange = Exchange("LOGIN", "desk", "s3cret")
    assert exchange.begin() == b"AUTH LOGIN"
    assert exchange.answer(Reply(334, "334 what?!")) == b64encode(b"desk")


def test_ways_are_found_in_every_spelling_of_the_offer() -> None:
    ehlo = b"250-mx\r\n250-auth=LOGIN\r\n250 AUTH GSSAPI\r\n"
    server = ScriptedServer(EHLO=ehlo, AUTH=challenge(b"Username:"))
    server.queued["334"] = [challenge(b"Password:"), WELCOME]
    assert isinstance(log_in(server), Accepted)


def test_no_secret_is_in_the_dialogue_of_a_login() -> None:
    server = ScriptedServer(EHLO=offering("LOGIN"), AUTH=challenge(b"Username:"))
    server.queued["334"] = [challenge(b"Password:"), b"535 5.7.8 Wrong\r\n"]
    outcome = log_in(server)
    said = "\n".join(outcome.dialogue)
    assert "535 5.7.8 Wrong" in said
    assert b64encode(b"s3cret").decode() not in said
    assert b64encode(b"desk").decode() not in said
