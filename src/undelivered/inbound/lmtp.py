"""LMTP (RFC 2033): how a mail server on the same machine hands over what has come back for a bounce domain.

It is SMTP but for this: who begins says LHLO, nobody logs in, nothing goes on to others, and after the dot there is a
reply for every recipient.
"""

from __future__ import annotations

from undelivered.inbound import replies, verbs
from undelivered.inbound.conversation import Conversation
from undelivered.inbound.envelope import Envelope
from undelivered.inbound.replies import Reply


def lhlo(talk: Conversation, argument: str) -> None:
    verbs.hello(talk, argument, extended=True)


def not_here(talk: Conversation, argument: str) -> None:
    talk.say(replies.SAY_LHLO)


class LmtpConversation(Conversation):
    greets_as = "LMTP"
    verbs = {
        **{name: verb for name, verb in verbs.VERBS.items() if name not in ("AUTH", "STARTTLS")},
        "LHLO": lhlo,
        "HELO": not_here,
        "EHLO": not_here,
    }

    def concluding(self, mail: Envelope, reply: Reply) -> list[Reply]:
        return [reply] * mail.taken

    def protocol(self) -> str:
        return "LMTP"
