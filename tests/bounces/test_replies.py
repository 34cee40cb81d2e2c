"""One reply -> cause, permanence, codes and the reason for the decision."""

from __future__ import annotations

from pathlib import Path

import pytest

from undelivered.bounces import Cause, classify

# One reply a line: the causes that a careful reader would accept, `|`, what a server said.
REPLIES = (Path(__file__).parent / "samples" / "replies.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("line", REPLIES)
def test_a_reply_as_servers_say_it_is_understood(line: str) -> None:
    causes, _, reply = line.partition("|")
    decision = classify(reply)
    assert decision.cause.value in causes.split(","), decision.decided_by


@pytest.mark.parametrize(
    ("reply", "cause", "permanent"),
    [
        ("550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown", Cause.USER_UNKNOWN, True),
        ("550 No such user here", Cause.USER_UNKNOWN, True),
        ("550 5.1.2 <ann@nowhere.example>... Host unknown", Cause.HOST_UNKNOWN, True),
        ("552 5.2.2 Mailbox full", Cause.MAILBOX_FULL, True),
        ("452 4.2.2 Over quota", Cause.MAILBOX_FULL, False),
        ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", Cause.BLOCKED, True),
        ("550 5.7.26 Multiple authentication checks failed", Cause.AUTH_FAILURE, True),
        ("550 5.7.25 Reverse DNS validation failed", Cause.REQUIRE_PTR, True),
        ("550 5.7.1 Unable to relay", Cause.NO_RELAYING, True),
        ("552 5.3.4 Message size exceeds fixed limit", Cause.EMAIL_TOO_LARGE, True),
        ("550 5.7.1 Message content rejected, UBE, id=1", Cause.SPAM_DETECTED, True),
        ("421 4.7.0 Too many connections from your IP", Cause.RATE_LIMITED, False),
        ("553 5.1.8 <a@nowhere.example>... Domain of sender address does not exist", Cause.REJECTED, True),
        ("556 5.1.10 Recipient address has a null MX", Cause.NOT_ACCEPT, True),
        ("550 5.7.509 Access denied, sending domain does not pass DMARC verification", Cause.AUTH_FAILURE, True),
        ("550 5.7.606 Access denied, banned sending IP [192.0.2.1]", Cause.BLOCKED, True),
        ("530 5.7.0 Must issue a STARTTLS command first", Cause.FAILED_STARTTLS, True),
        ("451 4.3.0 Error: queue file write error", Cause.SYSTEM_ERROR, False),
        ("452 4.3.1 Insufficient system storage", Cause.SYSTEM_FULL, False),
        ("550 5.1.6 recipient no longer on server", Cause.HAS_MOVED, True),
        ("550 5.2.1 The email account that you tried to reach is disabled", Cause.SUSPEND, True),
        ("554 5.4.6 Too many hops", Cause.NETWORK_ERROR, True),
        ("550 5.0.0 Hmm", Cause.ON_HOLD, True),
        ("", Cause.UNDEFINED, None),
    ],
)
def test_a_reply_means(reply: str, cause: Cause, permanent: bool | None) -> None:
    decision = classify(reply)
    assert decision.cause is cause, decision.decided_by
    assert decision.permanent is permanent


def test_a_decision_says_which_words_made_it() -> None:
    assert classify("550 5.2.2 Mailbox full").decided_by == "words: mailbox full"
    assert classify("550 5.1.6 x").decided_by == "status: 5.1.6"


def test_codes_are_told() -> None:
    decision = classify("550-5.1.1 first line\n550 5.1.1 second line")
    assert (decision.reply_code, decision.status) == ("550", "5.1.1")


def test_the_same_words_mean_another_thing_at_another_command() -> None:
    assert classify("550 User unknown", command="RCPT").cause is Cause.USER_UNKNOWN
    assert classify("550 User unknown", command="MAIL").cause is Cause.REJECTED
    assert classify("550 User unknown", command="DATA").cause is Cause.FILTERED


def test_the_command_is_taken_from_the_words_of_the_wrapper() -> None:
    assert classify("host mx said: 550 User unknown (in reply to MAIL FROM command)").cause is Cause.REJECTED


def test_a_provider_is_known_by_its_host() -> None:
    assert classify("421 RP-001 rate", host="mx1.hotmail.com").cause is Cause.RATE_LIMITED


def test_an_accepting_reply_is_no_failure() -> None:
    decision = classify("250 2.1.5 Ok")
    assert (decision.cause, decision.permanent, decision.status) == (Cause.DELIVERED, None, "2.1.5")


def test_an_address_that_spells_a_cause_decides_nothing() -> None:
    assert classify("550 5.1.1 <mailbox.full@example.com> user unknown").cause is Cause.USER_UNKNOWN
    assert classify("550 5.1.1 <spamhaus.blocked@example.com> not found").cause is Cause.USER_UNKNOWN


def test_a_reply_without_end_is_cut() -> None:
    assert classify("550 " + "x " * 1_000_000 + "mailbox full").cause is Cause.ON_HOLD
