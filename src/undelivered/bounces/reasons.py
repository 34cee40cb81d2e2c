"""The vocabulary: every cause a mail can come back for, what it means, what to do, and what it does to the address.

The names are the ones the field's bounce corpora use, so that results compare. Each cause leads to one of the product's
eight reasons (as a slug, so that this package depends on nothing) and to a decision about the address.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a mail was not delivered (or what came back instead of a failure)."""

    USER_UNKNOWN = "userunknown"  # nobody has this mailbox
    HOST_UNKNOWN = "hostunknown"  # the domain after the @ does not exist
    HAS_MOVED = "hasmoved"  # the person has another address now and nothing is forwarded
    NOT_ACCEPT = "notaccept"  # the domain exists but takes no mail at all (null MX, 521, 556)
    FILTERED = "filtered"  # "user unknown" said late, or by the recipient's own filter: the mailbox may exist
    SUSPEND = "suspend"  # the mailbox exists but is disabled, locked or unused
    SUPPRESSED = "suppressed"  # the provider has this address on its own suppression list and did not even try
    MAILBOX_FULL = "mailboxfull"  # no room left in the mailbox
    REJECTED = "rejected"  # the sender's address was refused
    CONTENT_ERROR = "contenterror"  # something in the mail's headers or parts was refused
    EMAIL_TOO_LARGE = "emailtoolarge"  # the mail is bigger than the other side takes
    NOT_COMPLIANT_RFC = "notcompliantrfc"  # the mail breaks RFC 5321 or 5322
    POLICY_VIOLATION = "policyviolation"  # a rule of the other side, not told more exactly
    SECURITY_ERROR = "securityerror"  # a security rule or a missing login, not told more exactly
    VIRUS_DETECTED = "virusdetected"  # a virus, or an attachment of a forbidden kind
    SPAM_DETECTED = "spamdetected"  # the content was judged to be spam
    FEEDBACK = "feedback"  # the recipient complained ("this is spam"); not a failure of delivery
    AUTH_FAILURE = "authfailure"  # SPF, DKIM or DMARC did not pass
    BAD_REPUTATION = "badreputation"  # the sending address or domain has a poor name
    BLOCKED = "blocked"  # the sending machine is on a block list or not let in
    REQUIRE_PTR = "requireptr"  # the sending machine has no, or a wrong, reverse DNS name
    NO_RELAYING = "norelaying"  # the server takes no mail for this domain, or not from us
    RATE_LIMITED = "ratelimited"  # too many mails, connections or recipients in too short a time
    EXPIRED = "expired"  # tried for long enough, or still being tried (a notice of delay)
    NETWORK_ERROR = "networkerror"  # no connection, no route, DNS trouble or a mail loop
    SYSTEM_ERROR = "systemerror"  # the other side is broken or wrongly set up
    SYSTEM_FULL = "systemfull"  # the other side's disk is full
    MAILER_ERROR = "mailererror"  # the program that puts mail into the mailbox failed
    FAILED_STARTTLS = "failedstarttls"  # the encrypted connection could not be made
    SYNTAX_ERROR = "syntaxerror"  # one side did not understand an SMTP command
    ON_HOLD = "onhold"  # it failed, words were given, and they decide nothing
    UNDEFINED = "undefined"  # it failed and nothing was said
    VACATION = "vacation"  # a person's or machine's automatic answer; not a failure
    DELIVERED = "delivered"  # a receipt: delivered, relayed or expanded; not a failure

    @property
    def facts(self) -> Facts:
        return FACTS[self]


class Suppress(StrEnum):
    """What a cause does to the address it was reported for."""

    AT_ONCE = "at_once"  # mail there is pointless until a person lifts it
    AFTER_REPEATS = "after_repeats"  # after 3 failures on different days, for 7 days, then growing
    COMPLAINT = "complaint"  # at once, and lifted only with a confirmation
    NEVER = "never"  # says nothing about the address


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a cause, in plain words."""

    title: str
    meaning: str
    what_to_do: str
    reason: str | None  # slug of the product's reason; None: not a failure
    suppress: Suppress
    hard: bool = False  # "hard bounce" as the field counts it: the address itself is dead
    permanent: bool | None = None  # what is typical when neither code nor words say


_PROVIDER = "provider_error"
_UNKNOWN = "unknown_error"
_C, _S = Cause, Suppress

FACTS: dict[Cause, Facts] = {
    _C.USER_UNKNOWN: Facts(
        "Mailbox does not exist",
        "The recipient's server says that nobody has this address.",
        "Check the spelling and ask the customer for their address; correct it, then resend.",
        _PROVIDER, _S.AT_ONCE, True, True,
    ),
    _C.HOST_UNKNOWN: Facts(
        "Domain does not exist",
        "The part after the @ is not a domain that exists on the internet.",
        "Check the spelling of the domain; correct the address, then resend.",
        _PROVIDER, _S.AT_ONCE, True, True,
    ),
    _C.HAS_MOVED: Facts(
        "Recipient has moved",
        "The person has another address now and mail is not forwarded.",
        "Ask the customer for the new address (the reply may name it); correct it, then resend.",
        _PROVIDER, _S.AT_ONCE, True, True,
    ),
    _C.NOT_ACCEPT: Facts(
        "Domain takes no mail",
        "The domain exists but has no mail server, or says that it never accepts mail.",
        "Check the spelling of the domain; ask the customer for another address.",
        _PROVIDER, _S.AT_ONCE, True, True,
    ),
    _C.FILTERED: Facts(
        "Refused by the recipient's filter",
        "The server first took the address and refused the mail later: often a mailbox that is gone, sometimes a "
        "filter that the recipient switched on (common with mobile carriers).",
        "Ask the customer to allow mail from your address, or for another one; then resend.",
        _PROVIDER, _S.AFTER_REPEATS, False, True,
    ),
    _C.SUSPEND: Facts(
        "Mailbox disabled",
        "The mailbox exists but is suspended, locked or has not been used for long.",
        "Ask the customer for another address, or resend when the mailbox is open again.",
        _PROVIDER, _S.AFTER_REPEATS, False, True,
    ),
    _C.SUPPRESSED: Facts(
        "On the provider's suppression list",
        "Your mail provider did not try: this address bounced or complained earlier and is on the provider's own list.",
        "Take the address off the list in the provider's console, then resend.",
        "suppressed", _S.NEVER, False, True,
    ),
    _C.MAILBOX_FULL: Facts(
        "Mailbox full",
        "The recipient's mailbox has no room left.",
        "Resend later, or tell the customer by another way.",
        _PROVIDER, _S.AFTER_REPEATS, False, False,
    ),
    _C.REJECTED: Facts(
        "Sender address refused",
        "The recipient's server does not accept mail from your sender address, or the list or group takes mail from "
        "members only.",
        "Check that the sender address and its domain exist and may write there; then resend.",
        _PROVIDER, _S.NEVER, False, True,
    ),
    _C.CONTENT_ERROR: Facts(
        "Content refused",
        "A header or part of the mail has a form that the other side does not take.",
        "Look at the template and attachments; change them, then resend.",
        _PROVIDER, _S.NEVER, False, True,
    ),
    _C.EMAIL_TOO_LARGE: Facts(
        "Mail too large",
        "The mail is bigger than the recipient's server or mailbox accepts.",
        "Shrink the template or the attachments, then resend.",
        "template_too_large", _S.NEVER, False, True,
    ),
    _C.NOT_COMPLIANT_RFC: Facts(
        "Mail breaks a standard",
        "The mail's headers break RFC 5321 or 5322 (a header twice, no or several From lines, bare line ends ...).",
        "Look at the reply for the header that is meant; change the template or the sending system.",
        _PROVIDER, _S.NEVER, False, True,
    ),
    _C.POLICY_VIOLATION: Facts(
        "Refused by policy",
        "A rule of the recipient's server forbids this mail; it does not say which more exactly.",
        "Read the reply; ask the recipient's administrator to allow your mail.",
        _PROVIDER, _S.NEVER, False, True,
    ),
    _C.SECURITY_ERROR: Facts(
        "Refused for security",
        "A security rule was not met, often a login or permission to send is missing.",
        "Check the provider's login and that it may send from this address; read the reply.",
        _PROVIDER, _S.NEVER, False, True,
    ),
    _C.VIRUS_DETECTED: Facts(
        "Virus or forbidden attachment",
        "The recipient's server says that the mail has a virus or an attachment that it never takes.",
        "Check the attachments; send a link instead.",
        _PROVIDER, _S.NEVER, False, True,
    ),
    _C.SPAM_DETECTED: Facts(
        "Judged to be spam",
        "The recipient's server took the content for spam.",
        "Look at the wording and links of the template; check SPF, DKIM and DMARC; ask to be allowed.",
        _PROVIDER, _S.NEVER, False, True,
    ),
    _C.FEEDBACK: Facts(
        "Complaint",
        "The recipient (or their provider) reported the mail as unwanted. It was delivered.",
        "Do not mail this address again unless the person asks for it.",
        "suppressed", _S.COMPLAINT, False, None,
    ),
    _C.AUTH_FAILURE: Facts(
        "Sender not authenticated",
        "SPF, DKIM or DMARC of the sender's domain did not pass.",
        "Publish or correct the DNS records of the From domain; then resend.",
        _PROVIDER, _S.NEVER, False, True,
    ),
    _C.BAD_REPUTATION: Facts(
        "Poor sender reputation",
        "The recipient's provider thinks badly of the sending IP address or domain.",
        "Send less and only to people who expect it; see the provider's postmaster page.",
        _PROVIDER, _S.NEVER, False, None,
    ),
    _C.BLOCKED: Facts(
        "Sending server blocked",
        "The sending machine is on a block list or is not let in by the recipient's server.",
        "Look up the IP address on the list that is named and ask for removal; then resend.",
        _PROVIDER, _S.NEVER, False, None,
    ),
    _C.REQUIRE_PTR: Facts(
        "No reverse DNS",
        "The sending machine's IP address has no name in DNS, or one that does not match.",
        "Have the network's owner set a PTR record that matches the server's name.",
        _PROVIDER, _S.NEVER, False, True,
    ),
    _C.NO_RELAYING: Facts(
        "Relaying denied",
        "The server that was asked does not take mail for this domain from you.",
        "Check the provider's login and sender domains; if the recipient's own server says it, their set-up is wrong.",
        _PROVIDER, _S.NEVER, False, True,
    ),
    _C.RATE_LIMITED: Facts(
        "Too much at once",
        "Too many mails, connections or recipients in a short time.",
        "Resend later; lower the sending rate.",
        _PROVIDER, _S.NEVER, False, False,
    ),
    _C.EXPIRED: Facts(
        "Could not be delivered in time",
        "The mail was tried again and again until time ran out, or it is still being tried.",
        "Resend later; if it goes on, ask the customer for another address.",
        _PROVIDER, _S.NEVER, False, False,
    ),
    _C.NETWORK_ERROR: Facts(
        "Server could not be reached",
        "No connection to the recipient's server, trouble in DNS, or mail that goes round in a loop.",
        "Resend later; check the domain's spelling.",
        _PROVIDER, _S.NEVER, False, False,
    ),
    _C.SYSTEM_ERROR: Facts(
        "Trouble at the recipient's server",
        "The other side is broken or wrongly set up.",
        "Resend later; if it goes on, tell the recipient's administrator.",
        _PROVIDER, _S.NEVER, False, False,
    ),
    _C.SYSTEM_FULL: Facts(
        "Recipient's server is full",
        "The other side's disk is full.",
        "Resend later.",
        _PROVIDER, _S.NEVER, False, False,
    ),
    _C.MAILER_ERROR: Facts(
        "Delivery program failed",
        "The program that puts mail into the recipient's mailbox failed.",
        "Resend later; if it goes on, tell the recipient's administrator.",
        _PROVIDER, _S.NEVER, False, None,
    ),
    _C.FAILED_STARTTLS: Facts(
        "Encryption failed",
        "An encrypted connection is demanded and could not be made.",
        "Check the TLS settings of the provider; tell the recipient's administrator.",
        _PROVIDER, _S.NEVER, False, None,
    ),
    _C.SYNTAX_ERROR: Facts(
        "SMTP command not understood",
        "One of the two servers did not understand the other.",
        "Resend later; if it goes on, tell the recipient's administrator.",
        _PROVIDER, _S.NEVER, False, True,
    ),
    _C.ON_HOLD: Facts(
        "Not clear",
        "It failed and the words that came with it do not tell why.",
        "Read the reply below; resend later.",
        _UNKNOWN, _S.NEVER, False, None,
    ),
    _C.UNDEFINED: Facts(
        "No reason given",
        "It failed and nothing was said about why.",
        "Resend later.",
        _UNKNOWN, _S.NEVER, False, None,
    ),
    _C.VACATION: Facts(
        "Automatic answer",
        "A person's or machine's automatic answer. The mail was delivered.",
        "Nothing.",
        None, _S.NEVER, False, None,
    ),
    _C.DELIVERED: Facts(
        "Receipt",
        "The other side says that the mail was delivered or passed on.",
        "Nothing.",
        None, _S.NEVER, False, None,
    ),
}  # fmt: skip
