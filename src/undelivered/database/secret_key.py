"""The site's secret key: given, or generated once and kept in the data folder."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress

from undelivered.env import Env, SettingError

FILE = "secret-key"


def read(env: Env) -> str:
    """The key, or an empty text where none was made yet."""
    if env.secret_key:
        return env.secret_key
    try:
        return (env.data_dir / FILE).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"Cannot read the secret key in {env.data_dir / FILE}: {error}.") from error


def ensure(env: Env) -> str:
    """The key, made now if there is none. Two programs that start at once agree on one."""
    if key := read(env):
        return key
    try:
        env.data_dir.mkdir(parents=True, exist_ok=True)
        own = env.data_dir / f".{FILE}.{secrets.token_hex(4)}"
        try:
            with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(48) + "\n")
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):  # never over a key that another program has made meanwhile
                os.link(own, env.data_dir / FILE)
        finally:
            own.unlink(missing_ok=True)
    except OSError as error:
        raise SettingError(
            f"Cannot keep a secret key in {env.data_dir}: {error}. Set UNDELIVERED_SECRET_KEY."
        ) from error
    return read(env)


def fingerprint(key: str) -> str:
    """Tells two keys apart without telling either: machines that share a database must share the key."""
    return hmac.digest(key.encode(), b"undelivered: which secret key", hashlib.sha256).hex()[:12]
