"""The bytes of a mail as they travel."""

from __future__ import annotations


def canonical(content: bytes) -> bytes:
    """Lines end in CRLF and in nothing else (RFC 5321, 2.3.8): a lone CR or LF is a line end to some servers and none
    to others, and so a way to smuggle in an end of the mail."""
    lines = content.count(b"\r\n")
    if content.count(b"\n") != lines or content.count(b"\r") != lines:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def dot_stuffed(content: bytes) -> bytes:
    """A leading dot is doubled (RFC 5321, 4.5.2). `content` is canonical."""
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed
