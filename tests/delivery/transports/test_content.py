"""The bytes of a mail as they travel: nothing inside can end it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undelivered.delivery.transports.content import canonical, dot_stuffed

ENDS = (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n.\r", b"\r\n.\r\n")


def received(travelled: bytes) -> tuple[bytes, bytes]:
    """What an RFC 5321 server makes of it: the mail, and what comes after its end."""
    mail, _, after = (b"\r\n" + travelled).partition(b"\r\n.\r\n")
    return (mail + b"\r\n").replace(b"\r\n.", b"\r\n")[2:], after


@pytest.mark.parametrize("end", ENDS)
def test_no_spelling_of_the_end_inside_a_mail_ends_it_for_any_server(end: bytes) -> None:
    travelled = dot_stuffed(canonical(b"Subject: x\r\n\r\nbefore" + end + b"MAIL FROM:<evil@example.com>\r\n"))
    assert not any(spelling in travelled for spelling in ENDS)
    mail, after = received(travelled + b".\r\n")
    assert mail.endswith(b"MAIL FROM:<evil@example.com>\r\n")
    assert after == b""


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b"\0", b"\xff"])).map(b"".join))
def test_what_arrives_is_the_mail_with_proper_line_ends(content: bytes) -> None:
    proper = canonical(content)
    assert proper.endswith(b"\r\n")
    assert proper.count(b"\r") == proper.count(b"\n") == proper.count(b"\r\n")
    assert b"".join(proper.split(b"\r\n")) == content.replace(b"\r", b"").replace(b"\n", b"")
    assert received(dot_stuffed(proper) + b".\r\n") == (proper, b"")


def test_a_proper_mail_is_not_touched() -> None:
    content = b"Subject: x\r\n\r\nHello\r\n"
    assert canonical(content) is content
