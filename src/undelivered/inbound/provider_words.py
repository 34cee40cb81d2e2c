"""What each email service (ESP) means by its words: Anymail makes few kinds of events of them, and loses whether a
failure is for good.

| meaning      | in the world                                                | what follows                      |
|--------------|-------------------------------------------------------------|-----------------------------------|
| `DELIVERED`  | the recipient's server took it                              | delivered                         |
| `DELAYED`    | the service still tries                                     | a line of history                 |
| `HARD`       | it gave up, and says that the address is dead               | failed; may suppress              |
| `SOFT`       | it gave up; the address may work another time               | failed; never suppresses at once  |
| `FAILED`     | it gave up, and does not say which                          | failed; the server's words decide |
| `LISTED`     | it did not try: the address is on its own suppression list  | failed: suppressed                |
| `COMPLAINED` | the recipient reported it as unwanted                       | complained; suppresses            |
| a `why`      | it is not about delivery                                    | nothing                           |

`PATHS` says where in the raw event the words stand; what is found there, joined by `/`, is looked up in `WORDS`, first
whole, then without its last part, and so on; then Anymail's kind of event decides (`KINDS`). An ESP that is not here
works by its kinds and by what the recipient's servers say. `MTA` says where the words of those stand, where Anymail
does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from undelivered.bounces import Cause
from undelivered.delivery.feedback import Said


@dataclass(frozen=True, slots=True)
class Meaning:
    """`cause`: where the recipient's server said nothing that tells more. `soft`: the address is not dead.

    `why`: the sentence where nothing follows. `only_with_words`: without words of a server nothing follows, either.
    """

    said: Said | None = None
    cause: Cause = Cause.ON_HOLD
    soft: bool = False
    sure: bool = False  # the cause, whatever a server may have said
    why: str = ""
    only_with_words: bool = False

    def by(self, cause: Cause) -> Meaning:
        return replace(self, cause=cause)


DELIVERED = Meaning(Said.DELIVERED)
DELAYED = Meaning(Said.DELAYED)
HARD = Meaning(Said.BOUNCED, Cause.USER_UNKNOWN)
SOFT = Meaning(Said.BOUNCED, soft=True)
FAILED = Meaning(Said.BOUNCED)
LISTED = Meaning(Said.BOUNCED, Cause.SUPPRESSED, sure=True)
COMPLAINED = Meaning(Said.COMPLAINED)

NOT_TRACKED = Meaning(why="Opens and clicks are not tracked.")
ON_ITS_WAY = Meaning(why="The service has taken the mail and works on it; what becomes of it comes later.")
UNSUBSCRIBED = Meaning(
    why="The recipient unsubscribed at the service, which will not mail them any more. Nothing changed here: "
    "take the address off the service's list if they want mail again."
)
ANSWERED = Meaning(why="An automatic answer of the recipient's: the mail was delivered.")
OTHER = Meaning(why="The event says nothing about the delivery of a mail.")
HELD = Meaning(why="The service holds the mail back; it has to be released there.")
PERHAPS_ANSWERED = Meaning(
    Said.BOUNCED,
    soft=True,
    only_with_words=True,
    why="The service calls it a bounce, and no mail server said anything: most of these are automatic answers.",
)

#: Anymail's kinds of events.
KINDS: dict[str, Meaning] = {
    "delivered": DELIVERED,
    "deferred": DELAYED,
    "bounced": FAILED,
    "failed": FAILED,
    "rejected": FAILED,
    "complained": COMPLAINED,
    "unsubscribed": UNSUBSCRIBED,
    "subscribed": OTHER,
    "opened": NOT_TRACKED,
    "clicked": NOT_TRACKED,
    "queued": ON_ITS_WAY,
    "sent": ON_ITS_WAY,
    "autoresponded": ANSWERED,
}
#: Anymail's reasons for `rejected`: the address bounced, complained or unsubscribed before.
LISTED_FOR = frozenset({"bounced", "spam", "unsubscribed", "blocked", "timed_out"})

PATHS: dict[str, tuple[str, ...]] = {
    "amazon_ses": (
        "eventType|notificationType",
        "bounce.bounceType|complaint.complaintSubType",
        "bounce.bounceSubType",
    ),
    "brevo": ("event",),
    "mailersend": ("data.type",),
    "mailgun": ("event-data.event", "event-data.severity", "event-data.reason"),
    "mailjet": ("event", "hard_bounce", "error"),
    "mandrill": ("event|type", "msg.bounce_description"),
    "postal": ("payload.status|event",),
    "postmark": ("RecordType", "Type"),
    "resend": ("type", "data.bounce.type", "data.bounce.subType"),
    "sendgrid": ("event", "type|reason"),
    "sparkpost": ("msys.*.type", "msys.*.bounce_class"),
    "unisender_go": ("status", "delivery_info.delivery_status"),
}
MTA: dict[str, tuple[str, ...]] = {
    "amazon_ses": ("bounce.bouncedRecipients.*.diagnosticCode", "deliveryDelay.delayedRecipients.*.diagnosticCode"),
    "mailersend": ("data.morph.reason",),
    "mailgun": ("event-data.delivery-status.message", "event-data.delivery-status.description"),
    "mailjet": ("smtp_reply", "comment"),
    "postal": ("payload.output", "payload.details"),
    "resend": ("data.bounce.diagnosticCode",),
}
#: When it happened, where Anymail has the time at which the event was published.
WHEN: dict[str, tuple[str, ...]] = {
    "amazon_ses": ("bounce.timestamp", "complaint.timestamp", "delivery.timestamp", "deliveryDelay.timestamp"),
}

_C = Cause
_SES_BOUNCES = {
    "permanent": HARD,
    "permanent/suppressed": LISTED,
    "permanent/onaccountsuppressionlist": LISTED,
    "permanent/unsubscribedrecipient": LISTED,
    "transient": SOFT,
    "transient/general": PERHAPS_ANSWERED,
    "transient/mailboxfull": SOFT.by(_C.MAILBOX_FULL),
    "transient/messagetoolarge": SOFT.by(_C.EMAIL_TOO_LARGE),
    "transient/contentrejected": SOFT.by(_C.SPAM_DETECTED),
    "transient/attachmentrejected": SOFT.by(_C.VIRUS_DETECTED),
    "transient/customtimeoutexceeded": SOFT.by(_C.EXPIRED),
    "undetermined": FAILED.by(_C.UNDEFINED),
}
#: Bounce classes of SparkPost.
_CLASSES = {
    "1": FAILED,
    "10": HARD,
    "20": SOFT,
    "21": SOFT.by(_C.NETWORK_ERROR),
    "22": SOFT.by(_C.MAILBOX_FULL),
    "23": SOFT.by(_C.EMAIL_TOO_LARGE),
    "24": SOFT.by(_C.EXPIRED),
    "25": FAILED.by(_C.POLICY_VIOLATION),
    "30": HARD,
    "40": FAILED,
    "50": SOFT.by(_C.BLOCKED),
    "51": SOFT.by(_C.SPAM_DETECTED),
    "52": SOFT.by(_C.SPAM_DETECTED),
    "53": SOFT.by(_C.VIRUS_DETECTED),
    "54": SOFT.by(_C.NO_RELAYING),
    "60": ANSWERED,
    "70": SOFT,
    "80": OTHER,
    "90": UNSUBSCRIBED,
    "100": ANSWERED,
}
#: What Mailjet calls errors. Those of an event `blocked` are earlier ones: it did not try.
_MAILJET_ERRORS = {
    "user unknown": _C.USER_UNKNOWN,
    "mailbox inactive": _C.SUSPEND,
    "quota exceeded": _C.MAILBOX_FULL,
    "invalid domain": _C.HOST_UNKNOWN,
    "no mail host": _C.HOST_UNKNOWN,
    "relay/access denied": _C.NO_RELAYING,
    "blacklisted": _C.BLOCKED,
    "sender blocked": _C.BLOCKED,
    "content blocked": _C.SPAM_DETECTED,
    "policy issue": _C.POLICY_VIOLATION,
    "connection issue": _C.NETWORK_ERROR,
    "system issue": _C.SYSTEM_ERROR,
    "protocol issue": _C.SYNTAX_ERROR,
    "duplicate in campaign": _C.POLICY_VIOLATION,
}

WORDS: dict[str, dict[str, Meaning]] = {
    "amazon_ses": {
        "delivery": DELIVERED,
        "deliverydelay": DELAYED,
        **{f"bounce/{word}": meaning for word, meaning in _SES_BOUNCES.items()},
        "complaint": COMPLAINED,
        "complaint/onaccountsuppressionlist": LISTED,
        "reject": FAILED.by(_C.VIRUS_DETECTED),  # the one reason that it has
        "rendering failure": FAILED.by(_C.CONTENT_ERROR),
        "subscription": UNSUBSCRIBED,
    },
    "brevo": {
        "hard_bounce": HARD,
        "soft_bounce": SOFT,
        "invalid_email": HARD,
        "blocked": LISTED,
        "error": FAILED.by(_C.SYSTEM_ERROR),
    },
    "mailersend": {"hard_bounced": HARD, "soft_bounced": SOFT, "deferred": DELAYED},
    "mailgun": {
        "failed/temporary": DELAYED,
        "failed/permanent": FAILED,
        "failed/permanent/bounce": HARD,
        "failed/permanent/hardfail": HARD,
        "failed/permanent/suppress-bounce": LISTED,
        "failed/permanent/suppress-complaint": LISTED,
        "failed/permanent/suppress-unsubscribe": LISTED,
        "failed/permanent/espblock": SOFT.by(_C.BLOCKED),
        "failed/permanent/greylisted": SOFT.by(_C.EXPIRED),
        "failed/permanent/old": SOFT.by(_C.EXPIRED),
        "rejected": FAILED.by(_C.POLICY_VIOLATION),
    },
    "mailjet": {
        "bounce": SOFT,
        "bounce/true": HARD,
        "bounce/false": SOFT,
        "bounce/false/greylisted": DELAYED,
        **{f"bounce/true/{word}": HARD.by(cause) for word, cause in _MAILJET_ERRORS.items()},
        **{f"bounce/false/{word}": SOFT.by(cause) for word, cause in _MAILJET_ERRORS.items()},
        "blocked": LISTED,
        **{
            f"blocked/{hard}/{word}": FAILED.by(_MAILJET_ERRORS[word])
            for hard in ("true", "false")
            for word in ("sender blocked", "content blocked", "policy issue", "duplicate in campaign")
        },
    },
    "mandrill": {
        "hard_bounce": HARD,
        "hard_bounce/bad_mailbox": HARD,
        "hard_bounce/invalid_domain": HARD.by(_C.HOST_UNKNOWN),
        "soft_bounce": SOFT,
        "soft_bounce/mailbox_full": SOFT.by(_C.MAILBOX_FULL),
        "soft_bounce/relay_denied": SOFT.by(_C.NO_RELAYING),
        "soft_bounce/spam": SOFT.by(_C.SPAM_DETECTED),
        "soft_bounce/virus": SOFT.by(_C.VIRUS_DETECTED),
        "soft_bounce/message_too_long": SOFT.by(_C.EMAIL_TOO_LARGE),
        "reject": LISTED,
    },
    "postal": {
        "sent": DELIVERED,
        "softfail": DELAYED,
        "hardfail": FAILED,
        "held": HELD,
        "messagebounced": FAILED,
    },
    "postmark": {
        "delivery": DELIVERED,
        "spamcomplaint": COMPLAINED,
        "subscriptionchange": OTHER,  # it follows from a bounce or complaint that is told by itself
        "bounce/hardbounce": HARD,
        "bounce/bademailaddress": HARD,
        "bounce/transient": DELAYED,
        "bounce/dnserror": DELAYED,
        "bounce/softbounce": SOFT,
        "bounce/blocked": SOFT.by(_C.BLOCKED),
        "bounce/spamnotification": SOFT.by(_C.SPAM_DETECTED),
        "bounce/virusnotification": SOFT.by(_C.VIRUS_DETECTED),
        "bounce/dmarcpolicy": SOFT.by(_C.AUTH_FAILURE),
        "bounce/manuallydeactivated": LISTED,
        "bounce/autoresponder": ANSWERED,
        "bounce/addresschange": ANSWERED,
        "bounce/challengeverification": ANSWERED,
        "bounce/unsubscribe": UNSUBSCRIBED,
        "bounce/subscribe": OTHER,
        "bounce/unconfirmed": OTHER,
        "bounce/openrelaytest": OTHER,
        "bounce/unknown": FAILED.by(_C.UNDEFINED),
        "bounce/smtpapierror": FAILED.by(_C.SYSTEM_ERROR),
        "bounce/templaterenderingfailed": FAILED.by(_C.CONTENT_ERROR),
    },
    "resend": {
        **{f"email.bounced/{word}": meaning for word, meaning in _SES_BOUNCES.items()},
        "email.suppressed": LISTED,
        "email.failed": FAILED.by(_C.SYSTEM_ERROR),
        "email.scheduled": ON_ITS_WAY,
    },
    "sendgrid": {
        "bounce/bounce": HARD,
        "bounce/blocked": SOFT.by(_C.BLOCKED),
        "bounce/expired": SOFT.by(_C.EXPIRED),
        "dropped/bounced address": LISTED,
        "dropped/bounce": LISTED,
        "dropped/blocked": LISTED,
        "dropped/expired": LISTED,
        "dropped/spam reporting address": LISTED,
        "dropped/unsubscribed address": LISTED,
        "dropped/invalid": HARD,
        "dropped/spam content": FAILED.by(_C.SPAM_DETECTED),
    },
    "sparkpost": {
        "delay": DELAYED,
        **{f"{kind}/{word}": meaning for kind in ("bounce", "out_of_band") for word, meaning in _CLASSES.items()},
        "policy_rejection": FAILED.by(_C.POLICY_VIOLATION),
        "generation_failure": FAILED.by(_C.CONTENT_ERROR),
        "generation_rejection": FAILED.by(_C.POLICY_VIOLATION),
    },
    "unisender_go": {
        "soft_bounced": DELAYED,
        "hard_bounced": FAILED,
        "hard_bounced/err_user_unknown": HARD,
        "hard_bounced/err_mailbox_discarded": HARD,
        "hard_bounced/err_user_inactive": SOFT.by(_C.SUSPEND),
        "hard_bounced/err_domain_inactive": HARD.by(_C.HOST_UNKNOWN),
        "hard_bounced/err_mailbox_full": SOFT.by(_C.MAILBOX_FULL),
        "hard_bounced/err_spam_rejected": SOFT.by(_C.SPAM_DETECTED),
        "hard_bounced/err_spam_skipped": SOFT.by(_C.SPAM_DETECTED),
        "hard_bounced/err_too_large": SOFT.by(_C.EMAIL_TOO_LARGE),
        "hard_bounced/err_destination_misconfigured": SOFT.by(_C.SYSTEM_ERROR),
        "hard_bounced/err_lost": SOFT.by(_C.SYSTEM_ERROR),
        "hard_bounced/err_will_retry": DELAYED,
        "hard_bounced/err_blacklisted": LISTED,
        "hard_bounced/err_unsubscribed": LISTED,
        "hard_bounced/err_unreachable": LISTED,
        "hard_bounced/err_skip_letter": LISTED,
    },
}  # fmt: skip


def words_of(esp: str, raw: Any) -> list[str]:
    """The ESP's own words for an event, the most general first."""
    return [word for path in PATHS.get(esp, ()) if (word := first(raw, path))]


def meaning_of(esp: str, words: list[str], kind: str, reject_reason: str) -> Meaning:
    """`kind` and `reject_reason` are Anymail's."""
    known = WORDS.get(esp, {})
    for length in range(len(words), 0, -1):
        if found := known.get("/".join(words[:length]).lower()):
            return found
    if kind == "rejected" and reject_reason in LISTED_FOR:
        return LISTED
    return KINDS.get(kind, OTHER)


def first(raw: Any, paths: str) -> str:
    """What stands at the first of these paths (`a.b|c`); `*` is any field, or any entry of a list."""
    for path in paths.split("|"):
        for found in _at(raw, path.split(".")):
            if isinstance(found, bool):
                return str(found).lower()
            if isinstance(found, str | int | float) and str(found).strip():
                return str(found)
    return ""


def _at(value: Any, names: list[str]) -> Iterator[Any]:
    if not names:
        yield from value if isinstance(value, list) else [value]
        return
    name, rest = names[0], names[1:]
    if name == "*":
        inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else []
        for one in inside:
            yield from _at(one, rest)
    elif isinstance(value, Mapping) and name in value:
        yield from _at(value[name], rest)
