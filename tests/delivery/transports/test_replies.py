"""Replies are read from bytes in whatever pieces they come."""

from __future__ import annotations

import pytest

from undelivered.delivery.outcomes import REPLY_LIMIT
from undelivered.delivery.transports.replies import REPLY_BYTES, NotSmtp, Reply, ReplyReader

GROUP = b"250 2.1.0 Ok\r\n550-5.1.1 The account\r\n550 5.1.1 does not exist\r\n503 5.5.1 No recipients\r\n"
REPLIES = [
    Reply(250, "250 2.1.0 Ok"),
    Reply(550, "550-5.1.1 The account\n550 5.1.1 does not exist"),
    Reply(503, "503 5.5.1 No recipients"),
]


@pytest.mark.parametrize("cut", range(1, len(GROUP)))
def test_a_packet_may_end_anywhere(cut: int) -> None:
    reader = ReplyReader()
    assert reader.feed(GROUP[:cut]) + reader.feed(GROUP[cut:]) == REPLIES
    assert reader.unread == b""


def test_replies_may_come_byte_by_byte() -> None:
    reader = ReplyReader()
    assert [reply for byte in GROUP for reply in reader.feed(bytes([byte]))] == REPLIES


@pytest.mark.parametrize(
    ("raw", "code", "text"),
    [
        (b"250\r\n", 250, "250"),
        (b"250 \r\n", 250, "250"),
        (b"250 Ok\n", 250, "250 Ok"),
        (b"250-\r\n250 Ok\r\n", 250, "250-\n250 Ok"),
        (b"250-some were fine\r\n550 none was\r\n", 550, "250-some were fine\n550 none was"),
        (b"550 no\x00\x1b[2J\r\n", 550, "550 no\ufffd\ufffd[2J"),
        (b"550 nein, \xc3\xbc\xff\r\n", 550, "550 nein, ü\ufffd"),
        (b"250 2.1.5 a\rb\r\n", 250, "250 2.1.5 a\ufffdb"),
    ],
)
def test_servers_may_be_careless_as_long_as_they_are_understood(raw: bytes, code: int, text: str) -> None:
    assert ReplyReader().feed(raw) == [Reply(code, text)]


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n",
        b"25\r\n",
        b"2500 Ok\r\n",
        b"250_Ok\r\n",
        b"199 Ok\r\n",
        b"600 Ok\r\n",
        b"+OK ready\r\n",
        b" 250 Ok\r\n",
        b"250-half of it\r\nand nonsense\r\n",
        "２５０ Ok\r\n".encode(),
    ],
)
def test_what_is_no_reply_ends_the_reading(raw: bytes) -> None:
    reader = ReplyReader()
    assert reader.feed(b"220 hello\r\n" + raw + b"250 Ok\r\n") == [Reply(220, "220 hello")]
    assert reader.broken
    assert reader.feed(b"250 Ok\r\n") == []
    assert NotSmtp(reader.unread).shown.startswith(raw.decode().replace("\r\n", "\n").strip("\n"))


def test_a_long_reply_is_cut_and_keeps_its_code() -> None:
    (reply,) = ReplyReader().feed(b"550-%b\r\n" % (b"x" * 9000) * 3 + b"550 5.7.1 the end\r\n")
    assert reply.code == 550
    assert len(reply.text) == REPLY_LIMIT


@pytest.mark.parametrize("piece", [b"x" * 1000, b"250-and more\r\n", b"2" * 1000])
def test_a_reply_without_end_is_given_up_and_fills_no_memory(piece: bytes) -> None:
    reader = ReplyReader()
    for _ in range(200 * 1000 // len(piece)):
        assert reader.feed(piece) == []
    assert reader.broken
    assert len(reader.unread) <= REPLY_BYTES


def test_half_a_reply_is_not_taken_for_garbage() -> None:
    reader = ReplyReader()
    reader.feed(b"250-one\r\n25")
    assert not reader.hopeless
    assert reader.unread == b"250-one\n25"
    reader.feed(b"x")
    assert reader.hopeless
    assert not reader.broken


@pytest.mark.parametrize(
    ("text", "enhanced"),
    [
        ("550 5.1.1 No", "5.1.1"),
        ("550 No", None),
        ("550-4.2.2 x\n550 5.1.1 y", "5.1.1"),
        ("550 4.2.2 x", "4.2.2"),
        ("550 5.1.1234 x", None),
    ],
)
def test_the_enhanced_code_is_the_one_of_the_replys_own_class(text: str, enhanced: str | None) -> None:
    assert Reply(550, text).enhanced == enhanced
