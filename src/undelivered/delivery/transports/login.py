"""Ways to log in (RFC 4954): which one is taken, and what it says at each challenge.

A mechanism is a generator: its first answer may go with the AUTH command itself (None: it waits for a challenge), each
further one answers a challenge.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Generator

from undelivered.delivery.transports.replies import Reply

COMMAND_LIMIT = 510
"""Octets of an AUTH command with its first answer; a longer one waits for the challenge (RFC 4954, 4)."""

Answers = Generator[bytes | None, bytes, None]


def _plain(user: bytes, secret: bytes) -> Answers:  # RFC 4616
    yield b"\0" + user + b"\0" + secret


def _login(user: bytes, secret: bytes) -> Answers:  # no RFC, but everywhere
    yield None
    yield user
    yield secret


def _cram_md5(user: bytes, secret: bytes) -> Answers:  # RFC 2195
    challenge = yield None
    yield user + b" " + hmac.new(secret, challenge, "md5").hexdigest().encode()


def _xoauth2(user: bytes, token: bytes) -> Answers:  # Google's and Microsoft's
    yield b"user=" + user + b"\1auth=Bearer " + token + b"\1\1"
    yield b""  # to a challenge that says what is wrong; the refusal comes after it


MECHANISMS: dict[str, Callable[[bytes, bytes], Answers]] = {
    "PLAIN": _plain,
    "LOGIN": _login,
    "CRAM-MD5": _cram_md5,
    "XOAUTH2": _xoauth2,
}


def wanted(offered: Collection[str], *, token: bool, encrypted: bool) -> list[str]:
    """The mechanisms to try, best first. In clear, the one that does not show the password."""
    names = ["PLAIN", "LOGIN", "CRAM-MD5"] if encrypted else ["CRAM-MD5", "PLAIN", "LOGIN"]
    return [name for name in (["XOAUTH2"] if token else names) if name in offered]


class Exchange:
    """One login: `begin` is the command, `answer` what each challenge is answered with."""

    def __init__(self, mechanism: str, user: str, secret: str) -> None:
        self._answers = MECHANISMS[mechanism](user.encode(), secret.encode())
        self._first = next(self._answers)
        self._name = mechanism.encode()

    def begin(self) -> bytes:
        if self._first is not None:
            command = b"AUTH %b %b" % (self._name, b64encode(self._first) or b"=")
            if len(command) <= COMMAND_LIMIT:
                self._first = None
                return command
        return b"AUTH " + self._name

    def answer(self, challenge: Reply) -> bytes:
        """The line to say; a lone asterisk, which ends the login, to a challenge too many."""
        if self._first is not None:
            answer, self._first = self._first, None
            return b64encode(answer)
        try:
            said = b64decode(challenge.text[4:])
        except (binascii.Error, ValueError):
            said = b""
        try:
            return b64encode(self._answers.send(said) or b"")
        except StopIteration:
            return b"*"
