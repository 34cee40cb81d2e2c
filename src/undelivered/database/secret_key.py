"""The site's secret keys: the one in use, given or generated once and kept in the data folder, and those before it.

The file has the key in use in its first line, and below it those before, newest first, each with the moment when it was
replaced. It is replaced as a whole, so that nobody ever reads half of it.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from undelivered.env import Env, FormerKey, SettingError, former_keys

FILE = "secret-key"


class Keys(NamedTuple):
    """`current` is empty where none was made yet. `former`: without it, and each once."""

    current: str
    former: tuple[FormerKey, ...] = ()


class Given(Exception):
    """The key is a setting: this program cannot change it."""


def keys(env: Env) -> Keys:
    """The key in use and those before it. A file is not looked at where the key in use is a setting."""
    kept = Keys(env.secret_key) if env.secret_key else _kept(env)
    former = {one.key: one for one in (*kept.former, *env.secret_key_previous)}
    former.pop(kept.current, None)
    return Keys(kept.current, tuple(former.values()))


def read(env: Env) -> str:
    """The key in use, or an empty text where none was made yet."""
    return keys(env).current


def stamp(env: Env) -> tuple[int, int] | None:
    """Changes whenever the file is replaced; None where there is none."""
    try:
        found = (env.data_dir / FILE).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def ensure(env: Env) -> str:
    """The key, made now if there is none. Two programs that start at once agree on one."""
    if key := read(env):
        return key
    with _in_words(env):
        env.data_dir.mkdir(parents=True, exist_ok=True)
        own = _written(env, Keys(secrets.token_urlsafe(48)))
        try:
            with suppress(FileExistsError):  # never over a key that another program has made meanwhile
                os.link(own, env.data_dir / FILE)
        finally:
            own.unlink(missing_ok=True)
    return read(env)


def rotate(env: Env) -> Keys:
    """A new key is in use from the next start of each program on; the one until now is the first of those before."""
    ensure(env)
    with _alone(env):
        old = _kept(env)
        if len(old.current.split()) > 1:
            raise SettingError(
                f"The secret key in {env.data_dir / FILE} has blanks in it, and cannot be kept beside another."
            )
        before = FormerKey(old.current, datetime.now(UTC).replace(microsecond=0))
        return _replace(env, Keys(secrets.token_urlsafe(48), (before, *old.former)))


def forget(env: Env) -> Keys:
    """The keys before the one in use open nothing any more, as far as they are kept in the data folder."""
    with _alone(env):
        return _replace(env, Keys(_kept(env).current))


def fingerprint(key: str) -> str:
    """Tells two keys apart without telling either: machines that share a database must share the key."""
    return hmac.digest(key.encode(), b"undelivered: which secret key", hashlib.sha256).hex()[:12]


def _kept(env: Env) -> Keys:
    """What the file says."""
    file = env.data_dir / FILE
    try:
        current, _, former = file.read_text(encoding="ascii").strip().partition("\n")
        return Keys(current.strip(), former_keys(former))
    except FileNotFoundError:
        return Keys("")
    except (OSError, ValueError) as error:  # a UnicodeDecodeError is a ValueError, too
        raise SettingError(f"Cannot read the secret key in {file}: {error}.") from error


def _replace(env: Env, found: Keys) -> Keys:
    """The file in the place of the one that is there: with the same owner, since programs run as another user too."""
    with _in_words(env):
        own, file = _written(env, found), env.data_dir / FILE
        try:
            was = file.stat()
            os.chown(own, was.st_uid, was.st_gid)
            own.chmod(was.st_mode & 0o777)
            own.replace(file)
        finally:
            own.unlink(missing_ok=True)
        _sync(env.data_dir)
    return found


def _written(env: Env, found: Keys) -> Path:
    """A file beside the real one, on the disk and readable by its owner alone."""
    own = env.data_dir / f".{FILE}.{secrets.token_hex(4)}"
    former = [f"{one.key} {one.until:%Y-%m-%dT%H:%M:%SZ}" if one.until else one.key for one in found.former]
    with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write("\n".join([found.current, *former, ""]))
        file.flush()
        os.fsync(file.fileno())
    return own


@contextmanager
def _alone(env: Env) -> Iterator[None]:
    """Two rotations at once would lose the key that one of them made. Raises `Given`."""
    if env.secret_key:
        raise Given
    folder = os.open(env.data_dir, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def _in_words(env: Env) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SettingError(
            f"Cannot keep a secret key in {env.data_dir}: {error}. Set UNDELIVERED_SECRET_KEY."
        ) from error
