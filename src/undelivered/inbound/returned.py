"""Reads a mail that came back: what it says, about which notification, and what tells so.

What names the notification, the best evidence first: the signed return path that the mail came to; the signed
X-Undelivered-Id, and then the signed Message-ID, in the headers that are quoted; and at last the plain Message-ID of a
relayed mail, which anybody could know. Nothing in here answers, so nothing can go round in circles.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from functools import partial
from uuid import UUID

from undelivered import bounces
from undelivered.bounces import Cause, Kind, Report, Result, Suppress
from undelivered.database import ids
from undelivered.delivery import probe, return_path, signing
from undelivered.delivery.addresses import canonical
from undelivered.delivery.feedback import Feedback, Said
from undelivered.delivery.relayed import head_end, message_id
from undelivered.delivery.signing import Purpose
from undelivered.inbound import plain_ids
from undelivered.inbound.findings import Finding, Reading
from undelivered.inbound.models import Arrival, Evidence

#: What a mailbox is polled for; whatever else comes to people's mailboxes is theirs.
COMES_BACK = frozenset({Kind.FAILURE, Kind.DELAY, Kind.RECEIPT, Kind.COMPLAINT})
#: Nothing follows from these, and a person may want to know why.
NOTHING_FOLLOWS = {
    Kind.AUTO_REPLY: "An automatic answer, such as an absence note: the mail was delivered.",
    Kind.CHALLENGE: "The recipient's server wants a person to confirm the mail first; nobody here can.",
    Kind.AUTH_REPORT: "A report on the domain's authentication (DMARC, SPF, TLS), not on one mail.",
    Kind.OTHER: "A mail like any other: it says nothing about a mail that was sent.",
}
OWN_MAIL = "One of our own mails, not a report about one."
OWN_TEST = "The test of a provider is back: what it shows stands with the provider's settings."
UNKNOWN_TEST = "The test of a provider that nobody waits for any more."
NAMES_NOTHING = "Nothing in it names a mail that was sent from here."
#: More results than that about one mail do not fit a notification, which has one recipient.
MOST_RESULTS = 50
MOST_DETAIL = 1000
HEADER = "x-undelivered-id"
_OWN_HEADER = re.compile(rb"^x-undelivered-id:[ \t]*([a-z2-7-]{45})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_FINAL = re.compile(rb"return-path:[ \t]*<([^<>\r\n]*)>", re.IGNORECASE)
_RETURN_PATH = re.compile(rb"\bb-[a-z2-7]{28}-[a-z2-7]{16}@", re.IGNORECASE)
_ACTIONS = {"delivered": Said.DELIVERED, "relayed": Said.DELIVERED, "expanded": Said.DELIVERED, "delayed": Said.DELAYED}
_KINDS = {
    Kind.FAILURE: Said.BOUNCED,
    Kind.DELAY: Said.DELAYED,
    Kind.RECEIPT: Said.DELIVERED,
    Kind.COMPLAINT: Said.COMPLAINED,
}

Match = tuple[UUID, Evidence]


def read_mail(arrival: Arrival) -> Reading:
    """What a mail that came in says."""
    raw = bytes(arrival.raw)
    if id := return_path.opened_probe(str(arrival.about.get("to", ""))):
        return _probe(arrival, id, raw)
    report = bounces.read(raw)
    if _is_own(raw):
        return Reading(report.kind, (Finding(why=OWN_MAIL),))
    to = str(arrival.about.get("to", ""))
    match = signed(report, raw, to)
    if report.kind in NOTHING_FOLLOWS:
        about, evidence = match or (None, None)
        return Reading(report.kind, (Finding(why=NOTHING_FOLLOWS[report.kind], about=about, evidence=evidence),))
    # Who writes to the secret address is the feedback loop: it needs no other proof.
    secret = return_path.opened_feedback_loop(to) is not None
    match = match or plain_ids.find(report, arrival.project_id)
    first = report.results[0] if report.results else None
    reading = Reading(report.kind, (), first.recipient if first else "", first.cause if first else "")
    if match is None:
        return replace(reading, findings=(Finding(why=NAMES_NOTHING, unmatched=True),))
    say = partial(_finding, arrival, report, match, _identity(raw), secret)
    # Where nobody is named (a receipt for having been read), it is the notification's own recipient.
    results = report.results[:MOST_RESULTS] or (Result("", Cause.UNDEFINED),)
    return replace(reading, findings=tuple(say(one, alone=len(results) == 1) for one in results))


def _probe(arrival: Arrival, id: UUID, raw: bytes) -> Reading:
    """The test of a provider is back: nothing to do with any notification."""
    sender = arrival.about.get("from")
    if sender is None and (found := _FINAL.match(raw)):  # a mail server beside us knew it (RFC 5321, 4.4)
        sender = found[1].decode("ascii", "replace")
    waited_for = probe.seen(id, sender=sender, peer=str(arrival.about.get("peer", "")), raw=raw)
    return Reading("probe", (Finding(why=OWN_TEST if waited_for else UNKNOWN_TEST),))


# --- which notification -----------------------------------------------------------------------------------------------


def signed(report: Report, raw: bytes, to: str = "") -> Match | None:
    """The notification that the best signed evidence names. `to`: the envelope recipient, where the door knows it."""
    for address in (to, *report.envelope_to, report.original.sender):
        if id := return_path.opened(address):
            return id, Evidence.RETURN_PATH
    if id := signing.read(Purpose.HEADER, report.original.x_headers.get(HEADER, "").strip()):
        return id, Evidence.HEADER
    if id := signing.read(Purpose.MESSAGE_ID, report.original.message_id.strip("<> ").partition("@")[0]):
        return id, Evidence.MESSAGE_ID
    return _anywhere(raw)


def _anywhere(raw: bytes) -> Match | None:
    """Some servers quote the mail where nothing marks it as quoted. Only what is the same throughout counts."""
    if found := {signing.read(Purpose.HEADER, text.decode()) for text in _OWN_HEADER.findall(raw)} - {None}:
        return _only(found, Evidence.HEADER)
    return _only({return_path.opened(text.decode() + "x") for text in _RETURN_PATH.findall(raw)}, Evidence.RETURN_PATH)


def _only(found: set[UUID | None], evidence: Evidence) -> Match | None:
    ids = found - {None}
    id = ids.pop() if len(ids) == 1 else None
    return (id, evidence) if id else None


def _is_own(raw: bytes) -> bool:
    """Whether the mail itself, not one that it quotes, is one that left from here."""
    end = head_end(raw)
    head = raw[: max(end, 0)]
    return any(signing.read(Purpose.HEADER, text.decode()) for text in _OWN_HEADER.findall(head))


def _identity(raw: bytes) -> str:
    """What is the same when a mail comes twice: its Message-ID, or else all that it says below its headers."""
    own = message_id(raw).encode() or raw[max(0, head_end(raw)) :]
    return hashlib.blake2b(own, digest_size=10).hexdigest()


# --- what is said of it -----------------------------------------------------------------------------------------------


def _finding(
    arrival: Arrival, report: Report, match: Match, identity: str, secret: bool, result: Result, *, alone: bool
) -> Finding:
    """One recipient's result as a feedback on the notification."""
    id, evidence = match
    said = _ACTIONS.get(result.action, _KINDS[report.kind])
    if said is Said.COMPLAINED and result.suppress is Suppress.NEVER:
        why = f"A feedback report of the type “{result.feedback_type}”, which is no complaint."
        return Finding(why=why, about=id, evidence=evidence)
    verified = evidence is not Evidence.PLAIN_MESSAGE_ID or secret
    named = _named(result, said, evidence)
    feedback = Feedback(
        id,
        said,
        ids.created_at(arrival.id),
        key=f"mail-{identity}-{said.value}-{_short(named)}",
        recipient=named,
        verified=verified,
        cause=result.cause.value if said in (Said.BOUNCED, Said.DELAYED) else "",
        detail=_detail(result),
        code=int(result.reply_code) if result.reply_code.isdigit() and len(result.reply_code) == 3 else None,
        enhanced=result.status[:20],
        data=_data(arrival, report, result, evidence),
    )
    forwards = alone and named and evidence is Evidence.RETURN_PATH
    return Finding(feedback, evidence, otherwise=_forwarded(feedback) if forwards else None)


def _named(result: Result, said: Said, evidence: Evidence) -> str:
    """Whom a result is about. Complaints leave out or disguise who complained (RFC 6590): what is signed names them."""
    if said is Said.COMPLAINED and evidence is not Evidence.PLAIN_MESSAGE_ID:
        return ""
    return result.recipient


def _forwarded(feedback: Feedback) -> Feedback:
    """The same where the mail came back to the return path of somebody whose address the report does not name.

    Each recipient has a return path of their own, so it is this mail to this recipient: their address forwards to the
    one that is named, and the customer did not get it. But it says nothing about their own mailbox.
    """
    cause, detail = feedback.cause, feedback.detail
    if feedback.said is Said.BOUNCED and Cause(cause).facts.suppress is not Suppress.NEVER:
        cause = Cause.SYSTEM_ERROR.value
    if feedback.said in (Said.BOUNCED, Said.DELAYED):
        detail = f"The address passes mail on to {feedback.recipient}, which failed: {detail}"[:MOST_DETAIL]
    data = {**feedback.data, "forwarded_to": feedback.recipient}
    return replace(feedback, recipient="", cause=cause, detail=detail, data=data, key=f"{feedback.key}-f")


def _detail(result: Result) -> str:
    return (result.diagnostic or result.cause.facts.title)[:MOST_DETAIL]


def _data(arrival: Arrival, report: Report, result: Result, evidence: Evidence) -> dict[str, str]:
    """The technical details of the line in the history."""
    known = {
        "source": arrival.door,
        "arrival": str(arrival.id),
        "evidence": evidence.value,
        "reply": result.diagnostic,
        "host": result.remote_host or report.reporting_mta,
        "reporting_mta": report.reporting_mta,
        "action": result.action,
        "recipient": result.recipient,
        "feedback_type": result.feedback_type,
    }
    return {name: value for name, value in known.items() if value}


def _short(recipient: str) -> str:
    return hashlib.blake2b(canonical(recipient).encode("utf-8", "replace"), digest_size=4).hexdigest()
