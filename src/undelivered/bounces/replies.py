"""One reply of a mail server -> what it means: `classify`.

The order of evidence: what this provider is known to mean by it, exact words, a telling enhanced status code, general
words, the SMTP command that was answered, a vague code, the three-digit reply. Every decision says which
of them it was.
"""

from __future__ import annotations

from undelivered.bounces import phrases
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


def find_command(words: str) -> str:
    """The SMTP command that was answered, if the text names it."""
    return next((command for wording, command in COMMAND_WORDS if wording in words), "")


def classify(reply: str, *, command: str = "", host: str = "", recipient: str = "", status: str = "") -> Decision:
    """What a server's reply means.

    `command` is the SMTP command that was answered (CONN, EHLO, MAIL, RCPT, DATA), `host` the name of the server,
    `recipient` the address it was about, `status` an enhanced code told elsewhere (a report's Status field).
    """
    reply = reply[:MAX_TEXT]
    reply_code = codes.find_reply_code(reply)
    if codes.is_vague(status):
        found = codes.find_status(reply)
        status = found if found and not (status and codes.is_vague(found)) else status or found
    permanent = codes.permanence(status, reply_code)
    if not reply_code and (status[:1] == "2" or (reply[:1] == "2" and reply[:3].isdigit())):
        return Decision(Cause.DELIVERED, None, reply[:3] if reply[:3].isdigit() else "", status, "code: success")
    cause, why = _decide(reply, reply_code, status, command[:4].upper(), host, recipient)
    if permanent is None:
        permanent = cause.facts.permanent
    return Decision(cause, permanent, reply_code, status, why)


def _decide(reply: str, reply_code: str, status: str, command: str, host: str, recipient: str) -> tuple[Cause, str]:
    words = words_of(reply)
    command = command or find_command(words)
    tail = ""
    if reply_code:  # the wrapper's own words before the reply count less than the reply's
        at = words.find(f" {reply_code} ")
        tail = words[at:] if at > 0 else ""
    found = (tail and phrases.exact.find(tail)) or phrases.exact.find(words)
    if found:
        return AT_COMMAND.get((found.cause, command), found.cause), f"words: {found.wording}"
    if cause := codes.cause_of_status(status):
        return AT_COMMAND.get((cause, command), cause), f"status: {status}"
    found = (tail and phrases.general.find(tail)) or phrases.general.find(words)
    if found:
        return AT_COMMAND.get((found.cause, command), found.cause), f"general words: {found.wording}"
    if cause := BY_COMMAND.get(command):
        return cause, f"command: {command}"
    if cause := codes.weak_cause_of_status(status):
        return cause, f"vague status: {status}"
    if cause := codes.BY_REPLY.get(reply_code):
        return cause, f"reply code: {reply_code}"
    return (Cause.ON_HOLD if words.strip() else Cause.UNDEFINED), "nothing matched"
