"""The exchange of AUTH PLAIN (RFC 4616) and AUTH LOGIN: lines in, a user and a password out."""

from __future__ import annotations

import base64
import binascii

from undelivered.inbound import replies
from undelivered.inbound.replies import Reply

MECHANISMS = ("PLAIN", "LOGIN")
_ASK = Reply(334, "")
_ASK_USER = Reply(334, "VXNlcm5hbWU6")  # "Username:"
_ASK_PASSWORD = Reply(334, "UGFzc3dvcmQ6")  # "Password:"

Step = Reply | tuple[str, str]


class Exchange:
    """`begin`, then `next` for each line, until it is no question (334) any more."""

    def __init__(self, mechanism: str) -> None:
        self.mechanism = mechanism
        self.user: str | None = None

    def begin(self, initial: str) -> Step:
        """`initial` came with the command; `=` stands for an empty one."""
        if initial:
            return self.next("" if initial == "=" else initial)
        return _ASK if self.mechanism == "PLAIN" else _ASK_USER

    def next(self, line: str) -> Step:
        if line == "*":
            return replies.AUTH_CANCELLED
        try:
            said = base64.b64decode(line, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return replies.AUTH_UNREADABLE
        if self.mechanism == "PLAIN":
            parts = said.split("\0")
            # The first is whom to act as: we know no such thing, and nobody but the user will do.
            if len(parts) != 3 or parts[0] not in {"", parts[1]}:
                return replies.AUTH_UNREADABLE
            return parts[1], parts[2]
        if self.user is None:
            self.user = said
            return _ASK_PASSWORD
        return self.user, said
