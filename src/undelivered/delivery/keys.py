"""The site's secret keys as the running program knows them: the one that signs, and those before it that still open.

What one use derives from a key never serves another: each gives its own name.
"""

from __future__ import annotations

import hashlib

from django.conf import settings


def known() -> tuple[str, ...]:
    """Every key that opens, the one in use first."""
    return (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))


def derived(key: str, use: bytes) -> bytes:
    """32 bytes for one use, named in at most 16. Nothing of the key can be told from them."""
    return hashlib.blake2b(key.encode(), digest_size=32, person=use).digest()
