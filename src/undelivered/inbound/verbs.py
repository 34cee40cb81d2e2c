"""The commands of an SMTP conversation, one function each (RFC 5321, 4.1.1). The first objection is the reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from undelivered.inbound import commands, replies
from undelivered.inbound.commands import Bad
from undelivered.inbound.login import MECHANISMS, Exchange
from undelivered.inbound.replies import Reply

if TYPE_CHECKING:
    from undelivered.inbound.conversation import Conversation

MAIL_PARAMETERS = {"SIZE", "BODY", "SMTPUTF8", "AUTH"}
BODIES = {"7BIT", "8BITMIME"}
#: What a client calls itself is kept, not checked: help desks say localhost, an address, anything.
LONGEST_NAME = 255


def helo(talk: Conversation, argument: str) -> None:
    hello(talk, argument, extended=False)


def ehlo(talk: Conversation, argument: str) -> None:
    hello(talk, argument, extended=True)


def hello(talk: Conversation, argument: str, *, extended: bool) -> None:
    if not argument:
        talk.say(replies.NAME_WANTED)
        return
    talk.helo, talk.extended, talk.mail = argument[:LONGEST_NAME], extended, None
    talk.list([talk.terms.name, *(_extensions(talk) if extended else ())])


def _extensions(talk: Conversation) -> list[str]:
    offered = ["PIPELINING", f"SIZE {talk.terms.size_limit}", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
    if "STARTTLS" in talk.verbs and talk.line.offers_tls() and not talk.line.encrypted:
        offered.append("STARTTLS")
    if "AUTH" in talk.verbs and talk.line.may_log_in():
        offered.append(f"AUTH {' '.join(MECHANISMS)}")
    return offered


def starttls(talk: Conversation, argument: str) -> None:
    refusal = (
        (replies.NOT_DONE if not talk.line.offers_tls() else None)
        or (replies.NO_ARGUMENT if argument else None)
        or (replies.TLS_DONE if talk.line.encrypted else None)
        # What came in the clear before the reply would be taken as if it had been encrypted (CVE-2011-0411).
        or (replies.TLS_PIPELINED if talk.pipelined else None)
    )
    if refusal:
        talk.say(refusal)
        return
    talk.say(replies.START_TLS)
    talk.flush()
    talk.waiting = True
    talk.line.start_tls()


def auth(talk: Conversation, argument: str) -> None:
    mechanism, _, initial = argument.partition(" ")
    refusal = (
        (replies.HELLO_FIRST if not talk.helo else None)
        or (replies.AUTH_OUTSIDE_MAIL if talk.mail else None)
        or (replies.AUTH_DONE if talk.grants is not talk.trusted else None)
        or (replies.AUTH_ENCRYPTED if not talk.line.may_log_in() else None)
        or (replies.AUTH_UNKNOWN if mechanism.upper() not in MECHANISMS else None)
    )
    if refusal:
        talk.say(refusal)
        return
    talk.exchange = Exchange(mechanism.upper())
    talk.log_in(talk.exchange.begin(initial.strip()))


def mail(talk: Conversation, argument: str) -> None:
    refusal = (
        (replies.HELLO_FIRST if not talk.helo else None)
        or (replies.ONE_AT_A_TIME if talk.mail else None)
        or (replies.NO_ROOM if talk.line.full() else None)
    )
    if refusal:
        talk.say(refusal)
        return
    path = commands.path("FROM", argument)
    size, body = path.parameters.get("SIZE", "0"), path.parameters.get("BODY", "7BIT")
    if path.parameters.keys() - MAIL_PARAMETERS:
        talk.say(Reply(555, "5.5.4 A parameter of MAIL is not known"))
    elif not (size and size.isascii() and size.isdigit() and len(size) <= 20) or (body or "").upper() not in BODIES:
        raise Bad("SIZE is a number, BODY is 7BIT or 8BITMIME")
    elif int(size) > talk.terms.size_limit:
        talk.say(talk.too_big())
    else:
        talk.begin(path.address, smtputf8="SMTPUTF8" in path.parameters)
        talk.say(replies.SENDER_OK)


def rcpt(talk: Conversation, argument: str) -> None:
    if talk.mail is None:
        talk.say(replies.MAIL_FIRST if talk.helo else replies.HELLO_FIRST)
        return
    path = commands.path("TO", argument)
    if path.parameters:
        refusal: Reply | None = Reply(555, "5.5.4 A parameter of RCPT is not known")
    elif not path.address:
        refusal = replies.NO_RECIPIENT
    else:
        refusal = talk.add_recipient(path.address)
    talk.say(refusal or replies.RECIPIENT_OK)


def data(talk: Conversation, argument: str) -> None:
    if argument:
        talk.say(replies.NO_ARGUMENT)
    elif talk.mail is None:
        talk.say(replies.MAIL_FIRST if talk.helo else replies.HELLO_FIRST)
    elif not talk.mail.taken:
        talk.say(replies.RECIPIENT_FIRST)
    else:
        talk.begin_body()
        talk.say(replies.GO_AHEAD)


def rset(talk: Conversation, argument: str) -> None:
    if argument:
        talk.say(replies.NO_ARGUMENT)
        return
    talk.mail = None
    talk.say(replies.OK)


def vrfy(talk: Conversation, argument: str) -> None:
    talk.say(replies.CANNOT_VERIFY if talk.grants else replies.AUTH_FIRST)


def unknown(talk: Conversation, argument: str) -> None:
    talk.say(replies.UNKNOWN_COMMAND)


def _says(reply: Reply) -> Callable[[Conversation, str], None]:
    return lambda talk, argument: talk.say(reply)


VERBS: dict[str, Callable[[Conversation, str], None]] = {
    "HELO": helo,
    "EHLO": ehlo,
    "STARTTLS": starttls,
    "AUTH": auth,
    "MAIL": mail,
    "RCPT": rcpt,
    "DATA": data,
    "RSET": rset,
    "NOOP": _says(replies.OK),
    "QUIT": _says(replies.BYE),
    "VRFY": vrfy,
    "HELP": _says(replies.HELP),
    "EXPN": _says(replies.NOT_DONE),
    # Browsers and the like, led here to talk to us in somebody's name.
    **dict.fromkeys(("GET", "POST", "PUT", "HEAD", "CONNECT", "OPTIONS"), _says(replies.NOT_TO_US)),
}
#: Commands that move nothing.
IDLE = frozenset({"HELO", "EHLO", "RSET", "NOOP", "VRFY", "HELP", "EXPN"})
