"""Tokens that name a notification where its mail comes back: short, signed, readable without the database.

A token is two characters that say which secret key, the id in base32 (RFC 4648, section 6, in lower case), `-`, and 80
bits of a keyed BLAKE2b. That is 45 characters of `[a-z2-7-]`, which every mail server carries, in whatever case.
Each purpose signs for itself: who sees a token in a header cannot make a return path of it.

What an earlier key signed still opens. A Message-ID goes on being signed by the key of the time when its notification
was made: a mail that is sent twice, before and after a rotation, has the same one both times.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from hmac import compare_digest
from uuid import UUID

from undelivered.database.ids import created_at
from undelivered.delivery import keys

LENGTH = 45
#: The header that names a notification on every mail, ours or relayed: most bounces quote it.
HEADER = "X-Undelivered-Id"
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
#: The standard library encodes byte by byte; ten bits at a time is several times as quick, and every mail has three.
_PAIRS = [one + two for one in _ALPHABET for two in _ALPHABET]
_ID_SHIFTS = range(120, -1, -10)
_MAC_SHIFTS = range(70, -1, -10)
_TOKEN = re.compile(r"([a-z2-7]{2})([a-z2-7]{26})-([a-z2-7]{16})", re.ASCII | re.IGNORECASE)


class Purpose(Enum):
    """What a token is for. The value goes into the signature: never change one."""

    RETURN_PATH = b"return path"  # the envelope sender: bounces come to it
    MESSAGE_ID = b"message-id"  # the Message-ID of our own mails
    HEADER = b"header"  # X-Undelivered-Id, on every mail
    METADATA = b"metadata"  # handed to an email service with the mail; its events bring it back
    FEEDBACK_LOOP = b"feedback loop"  # a project's address for reports of unwanted mail
    PROBE = b"probe"  # the recipient of the mail that tests a provider
    UNSUBSCRIBE = b"unsubscribe"  # the link in List-Unsubscribe


def token(purpose: Purpose, id: UUID) -> str:
    """The id, signed with the secret key in use."""
    ring = _ring(keys.known())
    lasting = len(ring) > 1 and purpose is Purpose.MESSAGE_ID
    return _token(ring[keys.for_what_was_made(created_at(id)) if lasting else 0], purpose, id)


def read(purpose: Purpose, text: str) -> UUID | None:
    """The id of a token, under any of the known keys; None for one that is altered, forged, or of another purpose."""
    found = _TOKEN.fullmatch(text) if len(text) == LENGTH and text.isascii() else None
    if found is None:
        return None
    name, spelt, _ = (part.lower() for part in found.groups())
    id = UUID(bytes=base64.b32decode(f"{spelt.upper()}======"))
    while True:
        for key in _ring(keys.known()):
            # The whole of it is compared: each id has one spelling.
            if key.name == name and compare_digest(_token(key, purpose, id), text.lower()):
                return id
        if not keys.look_again():
            return None


@dataclass(frozen=True, slots=True)
class _Key:
    """A secret key as signing needs it. Two keys may have the same name: then both are tried."""

    name: str
    macs: dict[Purpose, hashlib.blake2b]


@lru_cache(maxsize=8)
def _ring(known: tuple[str, ...]) -> tuple[_Key, ...]:
    return tuple(_key(secret) for secret in known)


def _key(secret: str) -> _Key:
    name = int.from_bytes(keys.derived(secret, b"undelivered-name")[:2]) & 1023
    mac = keys.derived(secret, b"undelivered-sign")
    return _Key(_PAIRS[name], {p: hashlib.blake2b(key=mac, digest_size=10, person=p.value) for p in Purpose})


def _token(key: _Key, purpose: Purpose, id: UUID) -> str:
    mac = key.macs[purpose].copy()
    mac.update(id.bytes)
    return f"{key.name}{_spelt(id)}-{_text(int.from_bytes(mac.digest()), _MAC_SHIFTS)}"


@lru_cache(maxsize=512)  # a mail's tokens are made together
def _spelt(id: UUID) -> str:
    return _text(id.int << 2, _ID_SHIFTS)


def _text(number: int, shifts: range) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in shifts])
