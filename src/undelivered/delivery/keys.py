"""The site's secret keys as the running program knows them: the one that signs, and those before it that still open.

What one use derives from a key never serves another: each gives its own name.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.conf import settings

from undelivered.database import secret_key
from undelivered.database.secret_key import Keys
from undelivered.env import SettingError

#: Programs go on with the key that they started with. By then all of them have been started again.
ALL_STARTED_AGAIN = timedelta(days=1)
_looked_at: tuple[int, int] | None = None


def known() -> tuple[str, ...]:
    """Every key that opens, the one in use first."""
    return (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))


def for_what_was_made(at: datetime) -> int:
    """Which of the known keys signs for what was made at that moment: always the same, whichever is in use by now."""
    ends = settings.SECRET_KEY_ENDS
    then = [(ends[key], n) for n, key in enumerate(known()) if key in ends and at < ends[key] + ALL_STARTED_AGAIN]
    return min(then)[1] if then else 0


def look_again() -> bool:
    """Takes up keys that were made since this program started, since others may use them already; whether any."""
    global _looked_at
    env = settings.ENV
    if env.secret_key or (stamp := secret_key.stamp(env)) == _looked_at:
        return False
    _looked_at = stamp
    try:
        found = secret_key.keys(env)
    except SettingError:
        return False
    fresh = [key for key in (found.current, *(one.key for one in found.former)) if key and key not in known()]
    settings.SECRET_KEY_FALLBACKS.extend(fresh)  # Django's own signatures look there, too
    return bool(fresh)


def take(found: Keys) -> None:
    """This program uses these keys from now on."""
    settings.SECRET_KEY = found.current
    settings.SECRET_KEY_FALLBACKS = [one.key for one in found.former]
    settings.SECRET_KEY_ENDS = {one.key: one.until for one in found.former if one.until}


def derived(key: str, use: bytes) -> bytes:
    """32 bytes for one use, named in at most 16. Nothing of the key can be told from them."""
    return hashlib.blake2b(key.encode(), digest_size=32, person=use).digest()
