"""The words that decide: what mail servers and providers say, by cause, in order of precedence.

The tables are in `wordings`; what wins over what stands below. A row is a run of whole words (case, accents and
punctuation do not count; `@` is any address, ` * ` anything between); rows are separated by `;`. EXACT rows are better
evidence than any code; GENERAL rows are looked at when the code told nothing exact. A wrong decision is mended by one
row there and one sample.
"""

from __future__ import annotations

from undelivered.bounces.matching import PhraseBook
from undelivered.bounces.wordings import message, recipient, sender
from undelivered.bounces.wordings.general import GENERAL, LAST
from undelivered.bounces.wordings.languages import LANGUAGES

EXACT = (
    sender.BAD_REPUTATION_FIRST,
    sender.BLOCKED_FIRST,
    recipient.SUPPRESSED,
    recipient.MAILBOX_FULL_FIRST,
    sender.RATE_LIMITED,
    sender.AUTH_FAILURE,
    sender.REJECTED_FIRST,
    sender.REQUIRE_PTR,
    message.VIRUS_DETECTED,
    message.FAILED_STARTTLS,
    message.EMAIL_TOO_LARGE,
    recipient.SYSTEM_FULL,
    recipient.MAILBOX_FULL,
    recipient.HAS_MOVED,
    recipient.SUSPEND,
    message.NOT_COMPLIANT_RFC,
    message.NETWORK_ERROR_FIRST,
    recipient.NOT_ACCEPT,
    recipient.HOST_UNKNOWN,
    sender.REJECTED,
    sender.NO_RELAYING,
    message.POLICY_VIOLATION_FIRST,
    recipient.FILTERED,
    recipient.USER_UNKNOWN,
    sender.BAD_REPUTATION,
    sender.BLOCKED,
    message.SPAM_DETECTED,
    message.CONTENT_ERROR,
    message.MAILER_ERROR,
    message.EXPIRED,
    message.NETWORK_ERROR,
    message.SYNTAX_ERROR,
    message.SYSTEM_ERROR,
    message.SECURITY_ERROR,
    message.POLICY_VIOLATION,
)

exact = PhraseBook([*EXACT, *LANGUAGES])
general = PhraseBook(GENERAL)
last = PhraseBook(LAST)
