"""Mails on disk, for as long as PostgreSQL is away: one file each, complete and synced, or not there at all.

Two kinds: mails to be relayed, and mails that came back.

A file is a line that says what it is, a line of JSON, and the mail's bytes, with a checksum over both. It is written
under another name, synced, renamed, and its folder is synced. What cannot be read is put aside and reported, never
deleted.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from undelivered.delivery.relayed import Relayed
from undelivered.inbound.arrivals import NewArrival

_log = logging.getLogger(__name__)
Item = Relayed | NewArrival
#: A file without its final name that is so old belongs to nobody: its client was never told 250.
OLD_S = 3600.0


class Unreadable(Exception):
    """A file is not what was written."""


@dataclass(frozen=True, slots=True)
class Form:
    """How one kind is written. A door that is older than a kind does not see its files: they have their own suffix."""

    name: bytes
    suffix: str
    made: Callable[[dict[str, Any], bytes], Item]


def _relayed(known: dict[str, Any], raw: bytes) -> Relayed:
    recipients = tuple((UUID(id), to) for id, to in known["recipients"])
    headers = tuple((name, value) for name, value in known["headers"])
    return Relayed(**{**known, "id": UUID(known["id"]), "recipients": recipients, "headers": headers, "raw": raw})


def _arrival(known: dict[str, Any], raw: bytes) -> NewArrival:
    return NewArrival(**{**known, "id": UUID(known["id"]), "raw": raw})


FORMS: dict[type[Item], Form] = {
    Relayed: Form(b"undelivered-spool 1", ".mail", _relayed),
    NewArrival: Form(b"undelivered-arrival 1", ".arrival", _arrival),
}
SUFFIXES = frozenset(form.suffix for form in FORMS.values())


@dataclass(frozen=True, slots=True)
class Summary:
    """What waits, for the health page: files, their bytes, seconds since the oldest was written, files put aside."""

    files: int
    size: int
    oldest_s: float
    aside: int


class Spool:
    """The folder. Any number of doors may write to it; one at a time drains it (`turn`)."""

    def __init__(self, folder: Path, least_free: int) -> None:
        self.folder, self.aside, self.least_free = folder, folder / "aside", least_free

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.aside.mkdir(exist_ok=True, mode=0o700)
        for left in self.folder.glob(".*.new"):
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > OLD_S:
                    left.unlink()

    def full(self) -> bool:
        """Whether so little is free that mail is refused rather than lost."""
        try:
            return shutil.disk_usage(self.folder).free < self.least_free
        except OSError:
            return True

    def write(self, mails: Sequence[Item]) -> None:
        """Makes mails durable: when it returns, they survive a loss of power. Raises OSError, and then none counts."""
        for mail in mails:
            self._write(mail)
        _sync(self.folder)

    def _write(self, mail: Item) -> None:
        new = self.folder / f".{mail.id}.new"
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(packed(mail))
                file.flush()
                os.fsync(file.fileno())
            new.rename(self.folder / f"{mail.id}{FORMS[type(mail)].suffix}")
        except OSError:
            new.unlink(missing_ok=True)
            raise

    def waiting(self) -> list[Path]:
        """The files, oldest first: names begin with the id, which begins with the time."""
        return sorted(_files(self.folder))

    def read(self, paths: Sequence[Path]) -> list[tuple[Path, Item]]:
        """What can be read of these; the rest is put aside."""
        found = []
        for path in paths:
            try:
                found.append((path, unpacked(path.read_bytes())))
            except FileNotFoundError:
                continue  # another door has drained it
            except Unreadable as error:
                self.put_aside(path, str(error))
        return found

    def put_aside(self, path: Path, why: str) -> None:
        _log.error("the spooled mail %s was put aside in %s: %s", path.name, self.aside, why)
        with suppress(FileNotFoundError):
            path.rename(self.aside / path.name)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Whether it is our turn to drain: doors that overlap at an upgrade share the folder."""
        with open(self.folder / ".lock", "a", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True

    def summary(self) -> Summary:
        stats = []
        for path in self.waiting():
            with suppress(FileNotFoundError):
                stats.append(path.stat())
        aside = sum(1 for _ in _files(self.aside))
        oldest = max((time.time() - one.st_mtime for one in stats), default=0.0)
        return Summary(len(stats), sum(one.st_size for one in stats), max(0.0, oldest), aside)


def packed(mail: Item) -> bytes:
    known = {name: value for name, value in asdict(mail).items() if name != "raw"}
    text = json.dumps(known, default=str).encode("utf-8", "surrogatepass")
    checksum = hashlib.sha256(text + mail.raw).hexdigest()
    first = b"%s %s %d %d" % (FORMS[type(mail)].name, checksum.encode(), len(text), len(mail.raw))
    return b"%s\n%s\n%s" % (first, text, mail.raw)


def unpacked(data: bytes) -> Item:
    """The mail of a file. Raises `Unreadable` for anything that `packed` did not write."""
    first, _, rest = data.partition(b"\n")
    words = first.split(b" ")
    try:
        name, checksum, size, raw_size = b" ".join(words[:2]), words[2], int(words[3]), int(words[4])
    except (IndexError, ValueError):
        raise Unreadable("its first line is damaged") from None
    form = next((one for one in FORMS.values() if one.name == name), None)
    if form is None:
        raise Unreadable("it has another form")
    text, raw = rest[:size], rest[size + 1 :]
    if len(raw) != raw_size or hashlib.sha256(text + raw).hexdigest().encode() != checksum:
        raise Unreadable("its checksum is wrong")
    return form.made(json.loads(text), raw)


def _files(folder: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        yield from (path for path in folder.iterdir() if path.suffix in SUFFIXES)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
