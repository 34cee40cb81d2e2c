"""Providers' passwords at rest: encrypted with a key derived from the site's secret key."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


class Unreadable(Exception):
    """The secret was encrypted with another secret key: it has to be entered again."""


def encrypt(text: str) -> str:
    return _fernet().encrypt(text.encode()).decode("ascii") if text else ""


def decrypt(stored: str) -> str:
    try:
        return _fernet().decrypt(stored.encode()).decode() if stored else ""
    except InvalidToken as error:
        raise Unreadable("The provider's password was stored under another secret key. Enter it again.") from error


def _fernet() -> Fernet:
    # One use, one key: what signs sessions never encrypts passwords.
    key = hashlib.blake2b(settings.SECRET_KEY.encode(), digest_size=32, person=b"undelivered-prov").digest()
    return Fernet(base64.urlsafe_b64encode(key))
