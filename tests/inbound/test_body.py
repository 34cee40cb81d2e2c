"""The mail after DATA: its one true end, its dots, its limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undelivered.delivery.relayed import HEAD_LIMIT
from undelivered.inbound.body import Body, Fault


def read(*pieces: bytes, limit: int = 1_000_000) -> tuple[Body, bytes | None]:
    body, rest = Body(limit), None
    for piece in pieces:
        assert rest is None, "it has ended already"
        rest = body.feed(piece)
    return body, rest


@pytest.mark.parametrize(
    ("sent", "mail"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"Hi\r\n.\r\n", b"Hi\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"a\r\n...b\r\n.\r\n", b"a\r\n..b\r\n"),
        (b"a\r\n.b\r\n.\r\n", b"a\r\nb\r\n"),  # RFC 5321, 4.5.2: the dot goes, whatever follows it
        (b"a\r\n..\r\n..\r\n.\r\n", b"a\r\n.\r\n.\r\n"),
        (b"a\nb\rc\r\n.\r\n", b"a\nb\rc\r\n"),
        (b"\x00\xff\r\n.\r\n", b"\x00\xff\r\n"),
    ],
)
def test_a_mail_is_what_was_written_without_the_doubled_dots(sent: bytes, mail: bytes) -> None:
    body, rest = read(sent)
    assert (body.content, body.fault, rest) == (mail, None, b"")


def test_what_comes_after_the_end_is_handed_back() -> None:
    assert read(b"Hi\r\n.\r\nMAIL FROM:<>\r\n")[1] == b"MAIL FROM:<>\r\n"


@given(st.binary(max_size=200).map(lambda text: text.replace(b"\n", b"").replace(b"\r", b"")), st.integers(1, 9))
def test_every_line_survives_in_whatever_pieces_it_comes(line: bytes, size: int) -> None:
    mail = b"\r\n".join([line, b"." + line, b".", line, b""])
    stuffed = b"".join(b"." + one if one.startswith(b".") else one for one in mail.splitlines(keepends=True))
    sent = stuffed + b".\r\n"
    body, rest = read(*(sent[n : n + size] for n in range(0, len(sent), size)))
    assert (body.content, body.fault, rest) == (mail, None, b"")


@pytest.mark.parametrize(
    "dot",
    [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\n.\r", b"\r.\n", b"\r\n..\n", b"\r\n..\rx"],
)
def test_a_lone_dot_between_loose_line_ends_ends_nothing_and_is_refused(dot: bytes) -> None:
    smuggled = b"From: a@b.example\r\n\r\nHi" + dot + b"MAIL FROM:<admin@b.example>\r\n"
    body, rest = read(smuggled)
    assert (body.fault, rest) == (None, None)
    rest = body.feed(b"RCPT TO:<x@y.example>\r\nDATA\r\n\r\n.\r\nNOOP\r\n")
    assert (body.fault, rest) == (Fault.LOOSE_DOT, b"NOOP\r\n")
    assert body.content == b""


@pytest.mark.parametrize("start", [b".\n", b".\r"])
def test_so_is_one_at_the_very_beginning(start: bytes) -> None:
    assert read(start + b"x\r\n.\r\n")[0].fault is Fault.LOOSE_DOT


def test_a_mail_of_just_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    assert read(b"x" * 98 + b"\r\n.\r\n", limit=100)[0].fault is None
    body, rest = read(b"x" * 99 + b"\r\n.\r\nNOOP\r\n", limit=100)
    assert (body.fault, body.content, rest) == (Fault.TOO_BIG, b"", b"NOOP\r\n")


def test_doubled_dots_do_not_count_for_the_limit() -> None:
    assert read(b"..\r\n" * 25 + b".\r\n", limit=75)[0].fault is None


def test_memory_stays_small_when_a_mail_is_too_large() -> None:
    body = Body(10_000)
    for _ in range(30):
        assert body.feed(b"x" * 1000) is None
        assert body.held < 13_000
    assert body.feed(b"\r\n.\r\n") == b""
    assert body.fault is Fault.TOO_BIG


def test_a_mail_far_too_large_is_not_waited_for() -> None:
    body = Body(1000)
    for _ in range(50):
        if body.feed(b"x" * 100) is not None:
            break
    assert body.fault is Fault.EXCESSIVE


def test_headers_without_end_are_refused_before_they_fill_the_memory() -> None:
    body = Body(25_000_000)
    for _ in range(HEAD_LIMIT // 10_000 + 2):
        assert body.feed(b"X-Filler: " + b"x" * 9_988 + b"\r\n") is None
    assert body.fault is Fault.ENDLESS_HEADERS
    assert body.held < 10_000
    assert body.feed(b"\r\n\r\n.\r\n") == b""


def test_headers_without_end_are_refused_when_they_come_all_at_once() -> None:
    body = Body(25_000_000)
    assert body.feed((b"X-Filler: " + b"x" * 988 + b"\r\n") * (HEAD_LIMIT // 1000 + 2) + b".\r\n") == b""
    assert body.fault is Fault.ENDLESS_HEADERS


def test_a_large_body_after_short_headers_is_welcome() -> None:
    mail = b"Subject: x\r\n\r\n" + b"y" * 76 * 10_000 + b"\r\n"
    assert read(mail + b".\r\n")[0].content == mail
