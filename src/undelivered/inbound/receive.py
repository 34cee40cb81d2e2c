"""Decides on a mail: may it come in, and what does it become? Pure; `intake` makes it durable.

What a submission means (which request, which kind of notification) is not asked here: every recipient becomes a
notification named "Relayed mail". Only what is wrong with the mail as a whole refuses it; what is wrong with a
recipient shows in the log.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import format_datetime

from undelivered.database import ids
from undelivered.delivery.address_parts import ascii_domain
from undelivered.delivery.addresses import canonical
from undelivered.delivery.relayed import Relayed
from undelivered.inbound import arrivals, headers, replies
from undelivered.inbound.access import Grant
from undelivered.inbound.envelope import Envelope
from undelivered.inbound.models import Door
from undelivered.inbound.replies import Reply
from undelivered.inbound.spool import Item

#: What a client calls itself goes into a header.
_UNFIT = re.compile(r"[^!-'*-:=?-\[\]-~]")
#: RFC 5321, section 6.3, says at least 100; nothing that a help desk sends has come that far.
MOST_HOPS = 50


def receive(envelope: Envelope, name: str) -> Relayed | Reply:
    """The mail as it will be stored, or why it is refused. `name` is what the door calls itself."""
    seen = headers.look(envelope.content)
    if seen.hops >= MOST_HOPS:
        return replies.HOPS
    if not seen.senders:
        return replies.NO_FROM
    grant = _grant(envelope.grants, seen.senders)
    if isinstance(grant, Reply):
        return grant
    id = ids.uuid7()
    return Relayed(
        id=id,
        project_id=grant.project_id,
        from_address=seen.senders[0],
        from_name=seen.name,
        subject=seen.subject,
        recipients=tuple((id if n == 0 else ids.uuid7(), to) for n, to in enumerate(_each_once(envelope))),
        raw=envelope.content,
        headers=(("Received", trace(envelope, name, str(id), ids.created_at(id))),),
        source={
            "mail_from": envelope.mail_from,
            "helo": envelope.helo,
            "peer": envelope.peer,
            "protocol": envelope.protocol,
            "by": grant.who,
            **({"smtputf8": True} if envelope.smtputf8 else {}),
        },
    )


def came_back(envelope: Envelope) -> list[Item]:
    """An arrival for each address of ours, as much of the mail as is kept."""
    about = {
        "from": envelope.mail_from,
        "helo": envelope.helo,
        "peer": envelope.peer,
        "protocol": envelope.protocol,
    }
    door = Door.LMTP if envelope.protocol == "LMTP" else Door.SMTP
    return [
        arrivals.mail(door, envelope.content, project_id=one.project_id, to=to, **about)
        for to, one in envelope.returned.items()
    ]


def queued(mail: Item) -> Reply:
    """The answer once it is durable. The id is that of the first recipient's notification: help desks keep it."""
    return Reply(250, f"2.0.0 Ok: queued as {mail.id}")


def trace(envelope: Envelope, name: str, id: str, at: datetime) -> str:
    """The value of our Received header (RFC 5321, section 4.4), folded."""
    helo = _UNFIT.sub("?", envelope.helo)
    peer = f"IPv6:{envelope.peer}" if ":" in envelope.peer else envelope.peer
    return (
        f"from {helo or 'unknown'} ([{peer}])\r\n\tby {name} (Undelivered) with {envelope.protocol} id {id};"
        f"\r\n\t{format_datetime(at)}"
    )


def _each_once(envelope: Envelope) -> list[str]:
    """The recipients, in order; one that is given in two spellings hears of it once."""
    if len(envelope.recipients) == 1:
        return list(envelope.recipients)
    known: dict[str, str] = {}
    for to in envelope.recipients:
        known.setdefault(canonical(to), to)
    return list(known.values())


def _grant(grants: tuple[Grant, ...], senders: tuple[str, ...]) -> Grant | Reply:
    """The first grant that allows every sender the mail says it has."""
    domains = {ascii_domain(address.rpartition("@")[2]) for address in senders}
    for grant in grants:
        if domains.issubset(grant.from_domains):
            return grant
    wanted = " ".join(sorted(domains - set(grants[0].from_domains) if grants else domains))
    allowed = " ".join(grants[0].from_domains) if grants else "none"
    return Reply(
        550,
        f"5.7.1 {grants[0].who if grants else 'You'} may not send with a From of {wanted}; allowed: {allowed}"[:480],
    )
