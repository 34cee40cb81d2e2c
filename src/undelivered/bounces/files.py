"""Where raw mails lie: single files, folders of them, maildirs, mboxes, standard input. Yields (name, bytes)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MAX_MAIL = 32 * 1024 * 1024  # bytes that are read of one file with one mail
_MBOX_START = b"From "


def mails_in(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every mail in a file or folder, folders in order of names."""
    for file in files_in(path):
        yield from mails_of(file, file.name if file == path else str(file.relative_to(path)))


def files_in(path: Path) -> list[Path]:
    """The files to read: of a maildir those in `cur` and `new`, of a folder all but hidden ones."""
    if not path.is_dir():
        return [path]
    if (path / "cur").is_dir() and (path / "new").is_dir():
        return sorted(f for sub in ("cur", "new") for f in (path / sub).iterdir() if f.is_file())
    return sorted(f for f in path.rglob("*") if f.is_file() and not f.name.startswith("."))


def mails_of(file: Path, name: str) -> Iterator[tuple[str, bytes]]:
    """The mails of one file: several if it is an mbox (named `name#1`, `name#2` ...)."""
    with file.open("rb") as stream:
        if stream.read(len(_MBOX_START)) != _MBOX_START:
            stream.seek(0)
            yield name, stream.read(MAX_MAIL)
            return
        stream.seek(0)
        mails = list_first_two(stream)
        if len(mails) < 2:
            yield name, mails[0] if mails else b""
            return
        stream.seek(0)
        for number, raw in enumerate(split_mbox(stream), 1):
            yield f"{name}#{number}", raw


def list_first_two(stream: BinaryIO) -> list[bytes]:
    """Enough of a file to tell one saved mail from an mbox of several."""
    found: list[bytes] = []
    for raw in split_mbox(stream):
        found.append(raw)
        if len(found) == 2:
            break
    return found


def split_mbox(stream: BinaryIO) -> Iterator[bytes]:
    """The mails of an mbox: each begins with a `From ` line after an empty one and headers below it."""
    lines: list[bytes] = []
    size = 0
    blank = True
    for line in stream:
        if blank and line.startswith(_MBOX_START) and lines and _is_separator(line):
            yield b"".join(lines)
            lines, size = [], 0
        blank = not line.strip()
        size += len(line)
        if size <= MAX_MAIL:
            lines.append(line)
    if lines:
        yield b"".join(lines)


def _is_separator(line: bytes) -> bool:
    """`From ann@example.com Mon Nov  2 09:00:00 2026`: a time of day and no more than a few words."""
    return line.count(b":") >= 1 and 4 <= len(line.split()) <= 12
