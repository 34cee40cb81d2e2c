"""One reply of a mail server -> what it means: `classify`.

The order of evidence: what this provider is known to mean by it, exact words, a telling enhanced status code, general
words, the SMTP command that was answered, a vague code, the three-digit reply. Every decision says which
of them it was.
"""

from __future__ import annotations

import re

from undelivered.bounces import concepts, phrases, providers
from undelivered.bounces import status as codes
from undelivered.bounces.matching import MAX_TEXT, words_of
from undelivered.bounces.reasons import Cause
from undelivered.bounces.report import Decision

# What a refusal means by the command it answered, when neither words nor code decided.
BY_COMMAND: dict[str, Cause] = {
    "CONN": Cause.BLOCKED,
    "EHLO": Cause.BLOCKED,
    "MAIL": Cause.REJECTED,
}

# A refusal at one command can mean something else than the same words at another.
AT_COMMAND: dict[tuple[Cause, str], Cause] = {
    (Cause.USER_UNKNOWN, "MAIL"): Cause.REJECTED,  # it is the sender who is unknown
    (Cause.HOST_UNKNOWN, "MAIL"): Cause.REJECTED,
    (Cause.USER_UNKNOWN, "DATA"): Cause.FILTERED,  # RCPT was accepted: it is a filter that speaks
    (Cause.NO_RELAYING, "CONN"): Cause.BLOCKED,  # nothing was asked yet
    (Cause.USER_UNKNOWN, "CONN"): Cause.BLOCKED,
    (Cause.SYSTEM_ERROR, "CONN"): Cause.BLOCKED,  # "service refused" to whoever connects
    (Cause.SECURITY_ERROR, "MAIL"): Cause.REJECTED,
}

# How reports and servers name the command that was answered, in the form `words_of` gives.
COMMAND_WORDS: tuple[tuple[str, str], ...] = (
    (" end of data ", "DATA"),
    (" rcpt to ", "RCPT"),
    (" mail from ", "MAIL"),
    (" data command ", "DATA"),
    (" for text command ", "DATA"),
    (" after data ", "DATA"),
    (" initial connection ", "CONN"),
    (" refused to talk to me ", "CONN"),
    (" ehlo ", "EHLO"),
    (" helo ", "EHLO"),
)


# "mail.example.com does not exist": a domain, not a mailbox
_HOST_DOES_NOT_EXIST = re.compile(
    r"(?:^|[\s:])(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24} (?:does not|doesn't) exist", re.IGNORECASE
)


_HOST_SAID = " remote host said "


def find_command(words: str) -> str:
    """The SMTP command that was answered, if the text names it."""
    return next((command for wording, command in COMMAND_WORDS if wording in words), "")


# How much a kind of evidence weighs; what is below FIRM gives way to firm evidence found in other words.
EXACT, STATUS, CONCEPT, GENERAL, COMMAND, VAGUE, REPLY, HINT, NOTHING = 8, 7, 6, 5, 4, 3, 2, 1, 0
FIRM = STATUS


def classify(reply: str, *, command: str = "", host: str = "", recipient: str = "", status: str = "") -> Decision:
    """What a server's reply means.

    `command` is the SMTP command that was answered (CONN, EHLO, MAIL, RCPT, DATA), `host` the name of the server,
    `recipient` the address it was about, `status` an enhanced code told elsewhere (a report's Status field).
    """
    return weigh([reply], command=command, host=host, recipient=recipient, status=status)


def weigh(said: list[str], *, command: str = "", host: str = "", recipient: str = "", status: str = "") -> Decision:
    """What several texts about the same failure mean, the best evidence first: the first firm one decides."""
    best: tuple[int, Decision] | None = None
    for text in said or [""]:
        weight, decision = _judge(text[:MAX_TEXT], command, host, recipient, status)
        if best is not None and weight in (CONCEPT, GENERAL) and best[0] >= VAGUE:
            continue  # a code beside the reply is better than words of any sort around it
        if best is not None and weight == HINT:
            continue  # single words hint at something in a reply only
        if best is None or weight > best[0]:
            best = (weight, _completed(decision, best[1] if best else None))
        if best[0] >= FIRM:
            break
    assert best is not None
    return best[1]


def _completed(decision: Decision, before: Decision | None) -> Decision:
    """A decision from later words, with the codes that earlier words told."""
    if before is None:
        return decision
    status = decision.status if codes.is_vague(before.status) else before.status
    return Decision(
        decision.cause,
        before.permanent if before.reply_code or before.status else decision.permanent,
        before.reply_code or decision.reply_code,
        status or before.status,
        decision.decided_by,
    )


def _judge(reply: str, command: str, host: str, recipient: str, status: str) -> tuple[int, Decision]:
    if "_4." in reply or "_5." in reply:  # some servers write 550_5.1.1_user_unknown
        reply = reply.replace("_", " ")
    reply_code = codes.find_reply_code(reply)
    if codes.is_vague(status):
        status = _more_telling(status, codes.find_status(reply), reply_code)
    elif reply_code:
        own = codes.find_status_of_reply(reply)
        status = own if own and codes.vagueness(own) < codes.NO_MORE_THAN_CLASS else status
    if not reply_code and (status[:1] == "2" or reply.startswith(("250 ", "251 ", "252 "))):
        code = reply[:3] if reply[:3].isdigit() else ""
        if not status:
            status = next((s for s in codes.find_statuses(reply) if s[0] == "2"), "")
        return STATUS, Decision(Cause.DELIVERED, None, code, status, "code: success")
    weight, cause, why = _decide(reply, reply_code, status, command[:4].upper(), host, recipient)
    permanent = codes.permanence(status, reply_code)
    if permanent is None:
        permanent = cause.facts.permanent
    return weight, Decision(cause, permanent, reply_code, status, why)


def _more_telling(told: str, found: str, reply_code: str) -> str:
    """A report's Status field against the code in the reply itself."""
    if not found or not told:
        return told or found
    if found[0] != told[0]:  # the server's own code, if its reply is of the same class
        return found if found[0] == reply_code[:1] else told
    return found if codes.vagueness(found) < codes.vagueness(told) else told


def _decide(
    reply: str, reply_code: str, status: str, command: str, host: str, recipient: str
) -> tuple[int, Cause, str]:
    words = words_of(reply)
    command = command or find_command(words)
    said = words  # the server's own words: a wrapper's words before the reply count less
    if reply_code and (at := words.find(f" {reply_code} ")) > 0:
        said = words[at:]
    elif not reply_code and (at := words.find(_HOST_SAID)) > 0:
        said = words[at + len(_HOST_SAID) - 1 :]

    def at_command(cause: Cause) -> Cause:
        return AT_COMMAND.get((cause, command), cause)

    if " exist " in words and _HOST_DOES_NOT_EXIST.search(reply):
        return EXACT, at_command(Cause.HOST_UNKNOWN), "words: <domain> does not exist"
    if known := providers.find(said, reply, host, recipient):
        return EXACT, at_command(known[1].cause), f"{known[0].name}: {known[1].wording}"
    if found := phrases.exact.find(said):
        exact = found.cause if found.cause is Cause.SECURITY_ERROR else at_command(found.cause)
        return EXACT, exact, f"words: {found.wording}"
    misused = codes.is_often_misused(status)
    if misused and (together := concepts.find(said)):
        return CONCEPT, at_command(together.cause), f"concepts: {together.wording}"
    if misused and (found := phrases.general.find(said)):
        return GENERAL, at_command(found.cause), f"general words: {found.wording}"
    if cause := codes.cause_of_status(status):
        return STATUS, at_command(cause), f"status: {status}"
    if said is not words and (found := phrases.exact.find(words)):
        return EXACT, at_command(found.cause), f"words around the reply: {found.wording}"
    if cause := BY_COMMAND.get(command):
        return COMMAND, cause, f"command: {command}"
    if cause := codes.weak_cause_of_status(status):
        return VAGUE, cause, f"vague status: {status}"
    if said is not words and (found := phrases.general.find(words)):
        return GENERAL, at_command(found.cause), f"general words around the reply: {found.wording}"
    if found := phrases.last.find(said):
        return HINT, at_command(found.cause), f"last words: {found.wording}"
    if cause := codes.BY_REPLY.get(reply_code):
        return REPLY, cause, f"reply code: {reply_code}"
    return NOTHING, (Cause.ON_HOLD if words.strip() else Cause.UNDEFINED), "nothing matched"
