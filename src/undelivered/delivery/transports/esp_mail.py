"""A mail of ours, read again from its bytes, as Anymail wants it: that is what an ESP's API builds a new mail from.

What leaves by an API is then what leaves by SMTP, and whoever adds a header does so once (`mime`). Only our own mails
come here, so that no more is read than what `mime` writes: text, or text and HTML.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Iterable, Mapping
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import getaddresses
from functools import lru_cache
from importlib import import_module
from typing import Any

from anymail.backends.base import BasePayload
from anymail.message import AnymailStatus
from django.core.mail import EmailMultiAlternatives

from undelivered.delivery.transports.esps import Esp

#: What names the notification among the metadata that an ESP keeps, and brings back with its events.
METADATA = "undelivered_id"
#: Headers that the ESP writes itself from what it is told, or that describe how the bytes were packed.
_REBUILT = frozenset({"from", "to", "cc", "bcc", "sender", "subject", "reply-to", "date", "mime-version"})
#: Headers that an ESP needs to keep ours.
_ASKS_FOR = {"postmark": {"X-PM-KeepID": "true"}}
_FOLD = re.compile(r"\r?\n[ \t]")
_BOUNDARY = re.compile(r'boundary="([^"]+)"', re.IGNORECASE)
#: `Generator` would write ">From " into bodies.
_POLICY = policy.compat32.clone(mangle_from_=False)


class OwnMail(EmailMultiAlternatives):
    """Keeps the bytes that it was read from: an API that takes bytes gets those."""

    source: bytes
    metadata: dict[str, str]
    tags: list[str]
    esp_extra: dict[str, Any]
    track_opens: bool
    track_clicks: bool
    anymail_status: AnymailStatus

    def message(self, **policy: Any) -> Any:
        return message_from_bytes(self.source, policy=_POLICY)

    def new_status(self) -> AnymailStatus:
        self.anymail_status = AnymailStatus()
        return self.anymail_status


def read(
    raw: bytes, recipient: str, token: str, esp: Esp, extra: Mapping[str, Any], *, headers: bool = True
) -> OwnMail:
    """`token` names the notification to the ESP. Without `headers`, none but those that every mail has."""
    fields, body = _entity(raw)
    named = {name.lower(): value for name, value in fields}
    own = {name: _text(value) for name, value in fields if _is_own(name)} if headers else {}
    names = [name for name, _ in getaddresses([named.get("to", "")])]
    mail = OwnMail(
        subject=_text(named.get("subject", "")),
        from_email=", ".join(_mailboxes(named.get("from", ""))),
        to=[_mailbox(_text(names[0]) if names else "", recipient)],
        reply_to=_mailboxes(named.get("reply-to", "")),
        headers=own | (_ASKS_FOR.get(esp.name, {}) if own else {}),
    )
    mail.source = raw
    for kind, words in _bodies(named, body):
        if kind.startswith("text/html"):
            mail.attach_alternative(words, "text/html")
        else:
            mail.body = words
    _name(mail, token, esp)
    _track_nothing(mail, esp)
    if extra:
        mail.esp_extra = {name: _value(value) for name, value in extra.items()}
    return mail


@lru_cache(maxsize=256)
def can(esp: Esp, what: str) -> bool:
    """Whether Anymail can tell this ESP so: its payload has a method of that name."""
    module = import_module(f"anymail.backends.{esp.name}")
    payloads = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, BasePayload)]
    usual = getattr(BasePayload, what)
    return any(getattr(one, what) is not usual for one in payloads)


def _name(mail: OwnMail, token: str, esp: Esp) -> None:
    """Some ESPs keep no metadata, but a tag."""
    if can(esp, "set_metadata"):
        mail.metadata = {METADATA: token}
    elif can(esp, "set_tags"):
        mail.tags = [token]


def _track_nothing(mail: OwnMail, esp: Esp) -> None:
    """No pixels, and links stay what they are: some of them let a customer in."""
    if can(esp, "set_track_opens"):
        mail.track_opens = False
    if can(esp, "set_track_clicks"):
        mail.track_clicks = False


# --- reading ----------------------------------------------------------------------------------------------------------


def _entity(data: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """Headers, each on one line, and the body (RFC 5322, 2.2)."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = _FOLD.sub(" ", head.decode("utf-8", "replace")).split("\r\n")
    return [(name, value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon], body


def _bodies(fields: Mapping[str, str], body: bytes) -> Iterable[tuple[str, str]]:
    """(content type, words) of each part (RFC 2046, 5.1)."""
    kind = fields.get("content-type", "text/plain").lower()
    if not kind.startswith("multipart/"):
        return [(kind, _words(fields, body))]
    boundary = _BOUNDARY.search(fields["content-type"])
    assert boundary, "no boundary"
    found: list[tuple[str, str]] = []
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())[1:-1]:
        inner, words = _entity(part.removeprefix(b"\r\n"))
        found += _bodies({name.lower(): value for name, value in inner}, words)
    return found


def _words(fields: Mapping[str, str], body: bytes) -> str:
    encoding = fields.get("content-transfer-encoding", "7bit").lower()
    data = binascii.a2b_qp(body) if encoding == "quoted-printable" else body
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def _is_own(name: str) -> bool:
    lower = name.lower()
    return lower not in _REBUILT and not lower.startswith("content-")


def _text(value: str) -> str:
    """A header's value as people read it."""
    return str(make_header(decode_header(value))) if "=?" in value else value


def _mailboxes(value: str) -> list[str]:
    """With their names in plain letters, quoted."""
    return [_mailbox(_text(name), address) for name, address in getaddresses([value]) if address] if value else []


def _mailbox(name: str, address: str) -> str:
    if not name:
        return address
    quoted = re.sub(r'([\\"])', r"\\\1", name)
    return f'"{quoted}" <{address}>'


def _value(text: str) -> Any:
    """`true`, numbers, lists and objects as JSON has them; anything else is a text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
