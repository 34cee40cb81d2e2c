"""A mail that came back, seen as a notice: its own words apart from the mail it returns.

Every reader (the standard report, the dialects) looks at a mail through this: subject, who wrote it, the words before
the returned mail, the machine-readable part, and what was returned.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from undelivered.bounces import mime

MAX_OWN_TEXT = 32 * 1024  # characters of a notice's own words
MAX_OWN_LINES = 600

# What never stands in an unquoted address; full-width marks too, which stand beside addresses in East Asian notices.
_NEVER = '\\s<>()\\[\\]\\\\",;:@|\uff1a\uff0c\u3002\uff08\uff09\u300c\u300d\u3001\uff1b\u3010\u3011\u300a\u300b\u060c'
ADDRESS = re.compile(rf"(?:\"[^\"\n]{{1,64}}\"|[^{_NEVER}]{{1,128}})@[^{_NEVER}!?*'`]{{1,253}}")

STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status", "message/delivery-notification"})
ORIGINAL_TYPES = frozenset(
    {
        "message/rfc822",
        "message/rfc822-headers",
        "text/rfc822-headers",
        "text/rfc822",
        "text/headers",
        "message/global",
        "message/global-headers",
        "message/partial",
        "message/external-body",
    }
)

# Words that begin a line (after dashes and the like) where the returned mail starts.
ORIGINAL_FOLLOWS = (
    "below this line is a copy of",
    "below is a copy of",
    "this is a copy of",
    "original message",
    "original mail",
    "the original message",
    "original headers",
    "original message headers",
    "message headers follow",
    "message header follow",
    "headers of the original",
    "header of the original",
    "the header of the original",
    "the header and top",
    "the headers of the message",
    "returned message",
    "returned mail",
    "unsent message follows",
    "unsent message",
    "undelivered message",
    "included is a copy of the message",
    "enclosed is a copy of",
    "enclosed are the original",
    "attached is a copy of",
    "attachment is a copy of",
    "a copy of the original message",
    "a copy of your message",
    "copy of message",
    "here is a copy of",
    "the following is a copy of",
    "the first ",
    "the text you sent follows",
    "the body of your message",
    "the body of the message",
    "message text follows",
    "the message that could not be delivered",
    "your message reads",
    "your original message",
    "your message follows",
    "your message was:",
    "your message has been enclosed",
    "message body follows",
    "message follows",
    "message contents follow",
    "---- start of forwarded message",
    "forwarded message",
    "begin message",
    "begin forwarded message",
    "start of returned message",
    "start of message",
    "text of message",
    "mensaje original",
    "mensagem original",
    "message d'origine",
    "ursprungliche nachricht",
    "ursprüngliche nachricht",
    "originalnachricht",
    "der header der original",
    "kopfzeilen",
    "元のメッセージ",
    "原始邮件",
    "оригинал сообщения",
    "исходное сообщение",
    "messaggio originale",
    "headers of your message",
    "rfc 822 header",
    "end of message",
)
_DELAY_SUBJECTS = (
    "delayed",
    "warning: could",
    "warning: message",
    "warning--could",
    "still being retried",
    "delay)",
    "will be retried",
    "temporary delivery",
)
_DELAY_WORDS = (
    "this is a warning message only",
    "this is a warning only",
    "you do not need to resend",
    "has been delayed and is still",
    "has not yet been delivered",
    "will be retried",
    "will keep trying",
    "will continue trying",
    "will continue to be made",
    "still trying to deliver",
    "delivery attempts will continue",
    "is only a warning",
    "temporary failure report",
)
_HEADER_START = re.compile(
    r"(?:received|return-path|x-[a-z-]{2,40}|dkim-signature|message-id|mime-version|content-type):", re.IGNORECASE
)
_EDGE = " \t-=*#_>+.|~!\u2500"


@dataclass(slots=True)
class Returned:
    """The mail that was returned, as far as it was."""

    headers: mime.Headers = field(default_factory=dict)

    def header(self, name: str) -> str:
        values = self.headers.get(name)
        return values[0] if values else ""


class Notice:
    """A mail that came in, with what readers ask of it worked out once."""

    def __init__(self, mail: mime.Mail, depth: int = 0) -> None:
        self.mail = mail
        self.depth = depth
        self.status_parts = [p for p in mail.parts if p.type in STATUS_TYPES] or _unlabelled_status_parts(mail)
        self.feedback_parts = [p for p in mail.parts if p.type == "message/feedback-report"]

    @cached_property
    def subject(self) -> str:
        return mime.decode_words(self.mail.header("subject"))

    @cached_property
    def sender(self) -> str:
        """Who wrote the notice: the From header, lower case."""
        return mime.decode_words(self.mail.header("from")).lower()

    @cached_property
    def own_addresses(self) -> frozenset[str]:
        """Addresses that are hardly failed recipients: who wrote the notice and who it came to."""
        found: set[str] = set()
        for name in ("from", "sender", "to", "reply-to", "return-path"):
            for value in self.mail.headers.get(name, ())[:3]:
                found.update(a.lower() for a in ADDRESS.findall(value[:2000]))
        return frozenset(found)

    @cached_property
    def text(self) -> str:
        """The notice's words, all readable parts, the returned mail too if it stands in the same part."""
        plain = [
            p for p in self.mail.parts if p.type == "text/plain" and p.header("content-disposition")[:6] != "attach"
        ]
        if not plain or not any(p.body.strip() for p in plain):
            plain = [p for p in self.mail.parts if p.type == "text/html"] or plain
        if not plain:
            plain = [p for p in self.mail.parts if p.type.startswith("text/") and p.type not in ORIGINAL_TYPES][:2]
        if not plain and len(self.mail.parts) == 1 and self.mail.parts[0].type not in STATUS_TYPES | ORIGINAL_TYPES:
            plain = self.mail.parts
        return "\n".join(p.text()[: MAX_OWN_TEXT * 2] for p in plain[:4])

    @cached_property
    def _split(self) -> tuple[str, str]:
        """The notice's own words, and the returned mail below them."""
        lines = self.text.split("\n")
        for number, line in enumerate(lines[:MAX_OWN_LINES]):
            if not line or line.isspace():
                continue
            if (
                _HEADER_START.match(line)
                and number
                and not (lines[number - 1].strip() and ":" not in lines[number - 1])
            ):
                return _cut(lines, number, number)
            start = line.strip(_EDGE)[:60].lower()
            if start.startswith(ORIGINAL_FOLLOWS) and (len(line) < 100) and not _is_talk(start, line):
                return _cut(lines, number, number + 1)
        return _cut(lines, MAX_OWN_LINES, len(lines))

    @property
    def own_text(self) -> str:
        return self._split[0]

    @cached_property
    def own_words(self) -> str:
        """The own words in lower case, with single spaces, to look for sentences."""
        return " ".join(self.own_text.lower().split())

    @cached_property
    def is_delay(self) -> bool:
        """Whether it says that the mail is still being tried."""
        subject = self.subject.lower()
        if any(word in subject for word in _DELAY_SUBJECTS):
            return True
        return any(word in self.own_words for word in _DELAY_WORDS)

    @cached_property
    def returned(self) -> Returned:
        """The headers of the mail that was returned."""
        for part in self.mail.parts:
            if part.type in ORIGINAL_TYPES:
                data = part.decoded().lstrip(b"\n \t")
                headers = mime.split_headers(data)[0]
                if headers:
                    return Returned(headers)
        below = self._split[1].lstrip("\n \t")
        if below:
            block = below[: mime.MAX_HEADER_BYTES].encode("utf-8", "replace")
            headers = mime.split_headers(_unindented(block))[0]
            if "from" in headers or "to" in headers or "message-id" in headers or "subject" in headers:
                return Returned(headers)
        return Returned()


def _unlabelled_status_parts(mail: mime.Mail) -> list[mime.Part]:
    """Machine-readable parts that were sent under another type, as gateways do that rewrite attachments."""
    if len(mail.parts) < 2:
        return []
    return [
        p
        for p in mail.parts
        if p.type not in ORIGINAL_TYPES
        and b"inal-recipient:" in p.body[:20_000].lower()
        and b"reporting-mta:" in p.body[:20_000].lower()
    ]


def _is_talk(start: str, line: str) -> bool:
    """`The original message was received at ...` opens Sendmail's notices; it does not introduce the original."""
    return start.startswith(("the original message was", "original message was", "the first ")) and (
        "was" in start[:40] and not start.startswith("the first ")
    )


def _cut(lines: list[str], own: int, rest: int) -> tuple[str, str]:
    return "\n".join(lines[:own])[:MAX_OWN_TEXT], "\n".join(lines[rest : rest + 400])


def _unindented(block: bytes) -> bytes:
    """Some mailers indent or quote the original's headers."""
    first = block.split(b"\n", 1)[0]
    indent = len(first) - len(first.lstrip(b" >\t|"))
    if not indent:
        return block
    prefix = first[:indent]
    return b"\n".join(line[indent:] if line.startswith(prefix) else line for line in block.split(b"\n"))
