"""What the door reads of a mail; above all, every address that could pass for the sender."""

from __future__ import annotations

import pytest

from undelivered.inbound.headers import LONGEST_SUBJECT, look


def mail(*headers: bytes) -> bytes:
    return b"\r\n".join([*headers, b"", b"From: in-the-body@evil.example", b""])


@pytest.mark.parametrize(
    ("header", "name", "senders"),
    [
        (b"From: it@it.example", "", ["it@it.example"]),
        (b"From: <it@it.example>", "", ["it@it.example"]),
        (b"from: IT Help <it@it.example>", "IT Help", ["it@it.example"]),
        (b'FROM: "IT Help" <it@it.example>', "IT Help", ["it@it.example"]),
        (b'From: "Help, IT" <it@it.example>', "Help, IT", ["it@it.example"]),
        (b"From: =?utf-8?q?B=C3=BCro?= <it@it.example>", "Büro", ["it@it.example"]),
        ("From: Büro <it@it.example>".encode(), "Büro", ["it@it.example"]),
        (b"From: IT\r\n Help\r\n\t<it@it.example>", "IT Help", ["it@it.example"]),
        (b"From : IT <it@it.example>", "IT", ["it@it.example"]),
        (b"From: it@it.example (IT Help)", "IT Help", ["it@it.example"]),
        (b"From: a@it.example, b@other.example", "", ["a@it.example", "b@other.example"]),
        (b"From: a@it.example\r\nFrom: b@other.example", "", ["a@it.example", "b@other.example"]),
        (b"From: =?broken?= <it@it.example>", "=?broken?=", ["it@it.example"]),
        (b"From: nobody", "", []),
        (b"Subject: no sender", "", []),
    ],
)
def test_senders(header: bytes, name: str, senders: list[str]) -> None:
    seen = look(mail(header))
    assert (seen.name.replace("\t", " "), list(seen.senders)) == (name, senders)


@pytest.mark.parametrize(
    "header",
    [
        b"From: boss@evil.example <it@it.example>",
        b"From: <it@it.example> <boss@evil.example>",
        b"From: it@it.example\r\n\tboss@evil.example",
        b"From: Group: it@it.example, boss@evil.example;",
        b"From: it@it.example (x) boss@evil.example",
        b"From: it@it.example\rFrom: boss@evil.example",  # each bare CR is a line end by the time it leaves
        b"Subject: x\rFrom: boss@evil.example\r\nFrom: it@it.example",
        b"Subject: x\nFrom: boss@evil.example\r\nFrom: it@it.example",
    ],
)
def test_a_second_sender_never_hides(header: bytes) -> None:
    assert "boss@evil.example" in look(mail(header)).senders


def test_a_name_that_looks_like_an_address_is_no_second_sender() -> None:
    assert look(mail(b'From: "it@elsewhere.example" <it@it.example>')).senders == ("it@it.example",)


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        (b"Subject: [#12] Printer", "[#12] Printer"),
        (b"subject:\r\n [#12]\r\n Printer", "[#12] Printer"),
        (b"Subject: =?utf-8?b?RHJ1Y2tlciBsw6R1ZnQ=?=", "Drucker läuft"),
        ("Subject: Drucker läuft".encode(), "Drucker läuft"),
        (b"Subject: \xff", "\ufffd"),
        (b"Subject: =?no-such-charset?q?x?=", "=?no-such-charset?q?x?="),
        (b"X: y", ""),
        (b"Subject: " + b"x" * 2000, "x" * LONGEST_SUBJECT),
    ],
)
def test_subjects(header: bytes, subject: str) -> None:
    assert look(mail(header)).subject == subject


def test_the_body_is_not_looked_at() -> None:
    assert look(mail(b"Subject: x")).senders == ()


def test_hops_are_counted() -> None:
    assert look(mail(*[b"Received: from a by b; now"] * 7)).hops == 7


def test_lines_that_end_with_lf_alone_are_lines() -> None:
    seen = look(b"From: it@it.example\nSubject: Hi\n\nFrom: x@evil.example\n")
    assert (seen.senders, seen.subject) == (("it@it.example",), "Hi")
