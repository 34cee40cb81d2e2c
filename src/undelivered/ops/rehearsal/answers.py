"""What the rehearsal mail server answers, by the tag behind the + of the recipient's local part.

One table: adding a behaviour that is a reply, or a mail sent back, is one line here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Twist(StrEnum):
    """What cannot be said by a reply alone."""

    NONE = "none"  # an ordinary answer
    GREYLIST = "greylist"  # refused for now, twice; whoever comes back is let in
    SLOW = "slow"  # the server thinks for a while after the final dot, then accepts
    DROP = "drop"  # the connection is closed after the final dot, without a word


class SentBack(StrEnum):
    """The mail that arrives later, about a mail that was accepted."""

    BOUNCE = "bounce"  # the mailbox turned out not to exist (RFC 3464, failed)
    FULL = "full"  # the mailbox turned out to be full (RFC 3464, failed)
    DELAY = "delay"  # not delivered yet, still trying (RFC 3464, delayed)
    COMPLAINT = "complaint"  # the recipient pressed "this is spam" (RFC 5965)
    OUT_OF_OFFICE = "out-of-office"  # the recipient's absence note (RFC 3834)


@dataclass(frozen=True, slots=True)
class Answer:
    meaning: str
    at_rcpt: str | None = None
    """The reply to RCPT, with {address} and {domain} to fill in; None: accepted."""
    after_dot: str | None = None
    """The reply after the mail; None: accepted."""
    twist: Twist = Twist.NONE
    sends_back: SentBack | None = None


ACCEPTED = Answer("accepted")

ANSWERS: dict[str, Answer] = {
    "ok": ACCEPTED,
    "no-such-user": Answer(
        "the mailbox does not exist",
        at_rcpt="550 5.1.1 <{address}>: Recipient address rejected: no such user here",
    ),
    "mailbox-full": Answer(
        "the mailbox is full, for now",
        at_rcpt="452 4.2.2 <{address}>: The recipient's mailbox is over its storage limit, try again later",
    ),
    "disabled": Answer(
        "the mailbox is switched off",
        at_rcpt="550 5.2.1 <{address}>: The mailbox is disabled and does not take mail",
    ),
    "spam": Answer(
        "the content looks like spam",
        after_dot="554 5.7.1 Message rejected: its content was classified as spam by {domain}",
    ),
    "policy": Answer(
        "the sender's domain is not authenticated",
        after_dot="550 5.7.26 Message not accepted: the sending domain passes neither SPF nor DKIM; see {domain}",
    ),
    "too-big": Answer(
        "the mail is larger than the mailbox takes",
        at_rcpt="552 5.3.4 <{address}>: Message size exceeds the limit of this mailbox",
    ),
    "greylist": Answer(
        "unknown senders must come back, twice",
        at_rcpt="451 4.7.1 <{address}>: Recipient address rejected: greylisted, please try again shortly",
        twist=Twist.GREYLIST,
    ),
    "slow": Answer("accepted, a few seconds after the final dot", twist=Twist.SLOW),
    "garbage": Answer(
        "something answers that does not speak SMTP",
        at_rcpt="<html><head><title>Gateway portal</title></head><body>Please sign in.</body></html>",
    ),
    "drop-after-data": Answer("the connection is lost after the final dot", twist=Twist.DROP),
    "busy": Answer(
        "the server is busy and hangs up",
        at_rcpt="421 4.3.2 {domain}: Service not available, closing transmission channel",
    ),
    "later-bounce": Answer("accepted, and later returned: no such mailbox", sends_back=SentBack.BOUNCE),
    "later-full": Answer("accepted, and later returned: mailbox full", sends_back=SentBack.FULL),
    "later-delay": Answer("accepted, and later a warning that it is delayed", sends_back=SentBack.DELAY),
    "complaint": Answer("accepted, and later reported as spam", sends_back=SentBack.COMPLAINT),
    "out-of-office": Answer("accepted, and answered by an absence note", sends_back=SentBack.OUT_OF_OFFICE),
}

GREYLISTED_TRIES = 2
OUTSIDE = "550 5.7.1 <{address}>: Relaying denied: this is a rehearsal only, it takes mail for *.example addresses"
AS_WRITTEN = re.compile(r"(?P<code>([45])\d\d)-(?P<enhanced>\2\.\d{1,3}\.\d{1,3})\Z")
REHEARSED_DOMAIN = re.compile(r"(?:.+\.)?example(?:\.(?:com|net|org))?\Z")


def answer_for(address: str) -> Answer:
    """What happens to mail for this address. An unknown tag is an ordinary sub-address: accepted."""
    local, _, domain = address.rpartition("@")
    domain = domain.lower()
    if domain == "example" or not REHEARSED_DOMAIN.match(domain):
        return Answer("not a rehearsed domain", at_rcpt=OUTSIDE)
    tag = local.strip('"').rpartition("+")[2].lower() if "+" in local else "ok"
    written = AS_WRITTEN.match(tag)
    if written:
        reply = f"{written['code']} {written['enhanced']} <{{address}}>: Rejected, as the address asks"
        return Answer("the reply as written in the tag", at_rcpt=reply)
    return ANSWERS.get(tag, ACCEPTED)
