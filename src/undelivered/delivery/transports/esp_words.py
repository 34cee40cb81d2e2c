"""What an ESP's API answers -> an outcome.

| answer                                                  | outcome                                    |
|---------------------------------------------------------|--------------------------------------------|
| the recipient is accepted                               | `Accepted`                                 |
| the recipient is refused                                | `Refused`, at RCPT                         |
| about this mail: its sender, recipient, content or size | `Refused`                                  |
| our key, our account, an address that is no API         | `Unreachable`, our fault                   |
| too many requests                                       | `TryLater`, after the pause it asks for    |
| a failure of its own                                    | `TryLater`; as a gateway, `Unreachable`    |
| 504, or a success that cannot be read                   | `Unknown`: the mail may have been taken    |

No two ESPs mean the same by a status, so few statuses decide by themselves; then the ESP's own words do, and then what
is left of the statuses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from undelivered.delivery.outcomes import REPLY_LIMIT, Accepted, Outcome, Refused, Stage, TryLater, Unknown, Unreachable
from undelivered.delivery.transports.replies import clean

LONGEST_PAUSE_S = 30.0


class Means(Enum):
    """What an answer that is no acceptance says."""

    THIS_MAIL = auto()  # it is refused, and would be again
    OUR_FAULT = auto()  # somebody has to mend the settings or the account
    BUSY = auto()  # it takes no more just now
    LATER = auto()  # it failed, and may do better another time
    AWAY = auto()  # it is not there
    UNCLEAR = auto()  # it may have taken the mail
    NOT_KNOWN = auto()  # it says that it took it, in words that are none of this ESP's


#: What these mean with every ESP.
SURE = {
    401: Means.OUR_FAULT,
    402: Means.OUR_FAULT,
    404: Means.OUR_FAULT,
    405: Means.OUR_FAULT,
    413: Means.THIS_MAIL,
    420: Means.BUSY,  # SparkPost
    429: Means.BUSY,
    504: Means.UNCLEAR,
}
#: Asked in this order; the first that is found in the ESP's words decides.
WORDS = tuple(
    (re.compile(pattern, re.IGNORECASE), means)
    for pattern, means in (
        (r"validation_?error|parameter-error|invalid_parameter|messagerejected|unauthenticatedfrom", Means.THIS_MAIL),
        (r"too ?many ?requests|throttl|rate.?(limit|exceed)|quota|limit ?(exceeded|reached)", Means.BUSY),
        (r"(invalid|bad|wrong|missing|unknown|expired|revoked)[\s\w]{0,20}(key|token|credential)", Means.OUR_FAULT),
        (r"un(authorized|authorised|authenticated|recognizedclient)|access ?denied|signaturedoesnot", Means.OUR_FAULT),
        (r"suspended|sending ?paused|payment ?required|credits|not allowed to send", Means.OUR_FAULT),
        (r"account[\s\w]{0,20}(paused|disabled|inactive|deactivated|blocked|pending)", Means.OUR_FAULT),
    )
)
#: Where neither decided.
USUAL = {
    403: Means.OUR_FAULT,
    408: Means.LATER,
    409: Means.LATER,
    425: Means.LATER,
    502: Means.AWAY,
    503: Means.AWAY,
}
CLASSES = {2: Means.NOT_KNOWN, 3: Means.OUR_FAULT, 4: Means.THIS_MAIL, 5: Means.LATER}
#: A 403 about whom the mail is from: this mail's own trouble, not that of all mail.
_SENDER = re.compile(r"sender|from address|domain|identity|verif", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,500}>")
#: Fields that hold words, in the JSON of any ESP.
_FIELDS = re.compile(
    r"(error_?)?(messages?|code)|errors?|details?|description|reason|title|name|status|warnings|failed_emails",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an API said. `status`: of HTTP; `text`: the body; `wait_s`: how long it asks to be left alone."""

    status: int
    text: str
    reason: str = ""
    wait_s: float | None = None

    @property
    def words(self) -> str:
        """The ESP's own, without the JSON around them."""
        try:
            found = list(dict.fromkeys(_said(json.loads(self.text))))
        except (ValueError, RecursionError):
            found = []
        return " ".join(clean(" ".join(found) or _TAG.sub(" ", self.text)).split())[:REPLY_LIMIT]

    @property
    def line(self) -> str:
        return f"HTTP {self.status} {self.reason}".rstrip()

    @property
    def shown(self) -> str:
        """All that it said."""
        return f"{self.line}: {self.words}" if self.words else self.line

    @property
    def about_the_mail(self) -> str:
        """Without HTTP's number, as long as there are words: it would be taken for one of SMTP's."""
        return self.words or self.line

    @property
    def means(self) -> Means:
        """Asked of an answer that is no acceptance."""
        if self.status in SURE:
            return SURE[self.status]
        words = self.words
        said = next((means for pattern, means in WORDS if pattern.search(words)), None)
        if said is None and self.status == 403 and _SENDER.search(words):
            return Means.THIS_MAIL
        return said or USUAL.get(self.status) or CLASSES.get(self.status // 100, Means.LATER)

    @property
    def about_headers(self) -> bool:
        """Whether it refuses a header of ours, which it could do without."""
        return 400 <= self.status < 500 and "header" in self.words.lower()


def accepted(answer: Answer, label: str, message_id: str, facts: Mapping[str, Any]) -> Outcome:
    name = f", as {message_id}" if message_id else ""
    return Accepted(f"{label} took it (HTTP {answer.status}){name}", **{**facts, "stage": Stage.AFTER_DOT})


def recipient_refused(answer: Answer, label: str, status: str, facts: Mapping[str, Any]) -> Outcome:
    """`status`: Anymail's word. A rejected recipient is on the ESP's own list: it did not even try.

    An invalid one is what this ESP takes for no address, which says nothing of the mailbox: its words, which may well
    sound like that, are among the technical details.
    """
    said = {"rejected": f"{label} has the address on its suppression list. {answer.words}"}
    text = said.get(status, f"{label} does not take this for an address that it can send to")
    return Refused(text.strip()[:REPLY_LIMIT], **{**facts, "stage": Stage.RCPT})


def judged(answer: Answer, facts: Mapping[str, Any]) -> Outcome:
    """What follows from an answer that is no acceptance."""
    shown = answer.shown[:REPLY_LIMIT]
    match answer.means:
        case Means.THIS_MAIL:
            return Refused(answer.about_the_mail, **{**facts, "enhanced": "5.3.4" if answer.status == 413 else None})
        case Means.OUR_FAULT:
            return Unreachable(shown, our_fault=True, **facts)
        case Means.AWAY:
            return Unreachable(shown, **facts)
        case Means.UNCLEAR:
            return Unknown(shown, final=False, **facts)
        case Means.NOT_KNOWN:
            return Unknown(
                f"The answer is none that is known of this service. {shown}"[:REPLY_LIMIT], final=True, **facts
            )
    return TryLater(answer.about_the_mail, **facts)


def pause_s(retry_after: str | None) -> float | None:
    """Of a header Retry-After in seconds (RFC 9110, 10.2.3); dates are rare."""
    try:
        return max(0.0, min(float(retry_after or ""), LONGEST_PAUSE_S))
    except ValueError:
        return None


def _said(value: Any, field: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _said(one, field if field == "failed_emails" else str(name))
    elif isinstance(value, list):
        for one in value:
            yield from _said(one, field)
    elif isinstance(value, str) and _FIELDS.fullmatch(field) and not value.isdecimal():
        yield value
