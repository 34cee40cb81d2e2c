"""Passwords at rest, of providers and mailboxes: encrypted with a key derived from the site's secret key."""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from undelivered.delivery import keys


class Unreadable(Exception):
    """The secret was encrypted with another secret key: it has to be entered again."""


def encrypt(text: str) -> str:
    return _fernet(keys.known()[0]).encrypt(text.encode()).decode("ascii") if text else ""


def decrypt(stored: str) -> str:
    """The password, whichever of the known keys it was stored under."""
    if not stored:
        return ""
    while True:
        try:
            return MultiFernet([_fernet(key) for key in keys.known()]).decrypt(stored.encode()).decode()
        except InvalidToken as error:
            if not keys.look_again():
                raise Unreadable("The password was stored under another secret key. Enter it again.") from error


def renewed(stored: str) -> str | None:
    """The same password under the key in use; None where it is stored so, or where there is none."""
    if not stored:
        return None
    try:
        _fernet(keys.known()[0]).decrypt(stored.encode())
    except InvalidToken:
        return encrypt(decrypt(stored))
    return None


@lru_cache(maxsize=8)
def _fernet(key: str) -> Fernet:
    # One use, one key: what signs sessions never encrypts passwords.
    return Fernet(base64.urlsafe_b64encode(keys.derived(key, b"undelivered-prov")))
