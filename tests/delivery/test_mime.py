"""The mail as sent: parsed again it says what was meant, and no value can add a header or break a line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from html import escape
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undelivered.delivery import mime, signing
from undelivered.delivery.personal import Personal, fill, mark
from undelivered.delivery.signing import Purpose

ID = UUID("01948e00-0000-7000-8000-000000000001")
AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@dataclass
class Words:
    from_name: str = "IT Help"
    from_address: str = "help@desk.example"
    reply_to: str = ""
    subject: str = "Hello"
    text: str = "Hello"
    html: str = "<p>Hello</p>"
    headers: list[list[str]] = field(default_factory=list)


@dataclass
class Row:
    recipient: str = "ann@x.example"
    recipient_name: str = "Ann"
    project_id: int = 1
    request_id: int | None = None
    customer_id: int | None = None
    personal: dict[str, str] = field(default_factory=dict)


def write(words: Words | None = None, row: Row | None = None) -> bytes:
    return mime.write(words or Words(), row or Row(), id=ID, at=AT)


def parse(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.SMTP.clone(utf8=True))


def header(raw: bytes, name: str) -> str:
    """As a mail program decodes it: by the old parser, which repairs nothing."""
    return str(make_header(decode_header(message_from_bytes(raw)[name])))


def mailbox(raw: bytes, name: str) -> tuple[str, str]:
    """(display name, address). The newer parser of the standard library keeps blanks between encoded words."""
    shown, address = parseaddr(message_from_bytes(raw)[name].replace("\r\n", ""))
    return str(make_header(decode_header(shown))), address


def names(raw: bytes) -> list[str]:
    return list(message_from_bytes(raw).keys())


PLAIN = ["From", "To", "Subject", "Date", "Message-ID", "X-Undelivered-Id", "MIME-Version", "Content-Type"]
# Everything that a person may type; a NUL cannot come out of the database.
TYPED = st.text(st.characters(blacklist_characters="\x00\ue000\ue001"), max_size=300)


def test_it_has_two_parts_and_says_what_was_meant():
    raw = write(Words(headers=[["References", "<a@b>"], ["Auto-Submitted", "auto-generated"]]))
    mail = parse(raw)
    assert mail["From"] == "IT Help <help@desk.example>"
    assert mail["To"] == "Ann <ann@x.example>"
    assert (mail["Subject"], mail["References"], mail["Auto-Submitted"]) == ("Hello", "<a@b>", "auto-generated")
    assert mail["Date"].datetime == AT
    assert mail["Message-ID"] == mime.message_id(ID, "help@desk.example")
    assert signing.read(Purpose.HEADER, mail["X-Undelivered-Id"]) == ID
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail.get_body(("plain",)).get_content().rstrip() == "Hello"
    assert mail.get_body(("html",)).get_content().rstrip() == "<p>Hello</p>"
    assert mail.defects == []


def test_without_html_it_is_one_part():
    mail = parse(write(Words(html="")))
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().rstrip() == "Hello"


def test_the_same_mail_is_written_again_byte_for_byte():
    assert write() == write()


def test_what_is_personal_is_filled_in_and_escaped_in_html_only():
    words = Words(
        subject=f"For {mark(Personal.RECIPIENT_NAME)}",
        text=f"Dear {mark(Personal.RECIPIENT_NAME)}",
        html=f"<b>{mark(Personal.RECIPIENT_NAME)}</b>",
    )
    mail = parse(write(words, Row(recipient_name="Ann <b>&</b>")))
    assert mail["Subject"] == "For Ann <b>&</b>"
    assert mail.get_body(("plain",)).get_content().rstrip() == "Dear Ann <b>&</b>"
    assert mail.get_body(("html",)).get_content().rstrip() == "<b>Ann &lt;b&gt;&amp;&lt;/b&gt;</b>"


@given(TYPED, TYPED, TYPED, TYPED)
def test_no_text_can_add_a_header_or_end_the_headers(subject, name, from_name, value):
    words = Words(subject=subject, from_name=from_name, headers=[["References", value]])
    raw = write(words, Row(recipient_name=name))
    assert names(raw) == [*PLAIN[:6], "References", *PLAIN[6:]]
    assert [part.get_content_type() for part in parse(raw).iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize(
    "where", ["subject", "from_name", "from_address", "reply_to", "recipient", "recipient_name", "header"]
)
def test_an_injected_header_stays_text(end, where):
    evil = f"a{end}Bcc: evil@x.example{end}{end}<script>"
    words, row = Words(reply_to="help@desk.example"), Row()
    if where == "header":
        words.headers = [["References", evil]]
    elif where.startswith("recipient"):
        setattr(row, where, evil)
    else:
        setattr(words, where, evil)
    raw = write(words, row)
    assert "Bcc" not in message_from_bytes(raw)
    head = raw.partition(b"\r\n\r\n")[0]
    assert not re.search(rb"(?m)^Bcc", head)
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", head)


@pytest.mark.parametrize("name", ["", "Two words", "X:Y", "X\r\nBcc", "Ünicode", "a" * 80])
def test_a_header_without_a_proper_name_is_a_mistake(name):
    with pytest.raises(ValueError, match="no name of a header"):
        write(Words(headers=[[name, "x"]]))


@given(TYPED)
def test_a_subject_is_read_as_it_was_meant(subject):
    meant = " ".join(mime._line(subject).split())
    assert " ".join(header(write(Words(subject=subject)), "Subject").split()) == meant


@given(TYPED)
def test_a_name_is_read_as_it_was_meant_and_the_address_stays(name):
    raw = write(Words(), Row(recipient_name=name))
    meant = " ".join(mime._line(name).split())[:200]
    assert mailbox(raw, "To") == (meant, "ann@x.example")


@pytest.mark.parametrize(
    "name",
    [
        "O'Hara, Ann",
        'Ann "Annie" Jones',
        "Jürgen Müller",
        "山田 太郎",
        "👩‍💻 Ann",
        "=?utf-8?q?evil?=",
        "a@b, c@d",
        "back\\slash",
        "名" * 150,
        "a" * 200,
        "ann@x.example",
    ],
)
def test_difficult_names(name):
    raw = write(Words(from_name=name), Row(recipient_name=name))
    for field_name in ("From", "To"):
        assert mailbox(raw, field_name)[0] == name
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_joiners_of_letters_and_emoji_survive():
    assert header(write(Words(subject="👩‍💻 می‌خواهم")), "Subject") == "👩‍💻 می‌خواهم"


@given(TYPED.map(lambda text: text * 9))
def test_encoded_words_are_as_short_as_rfc_2047_wants(text):
    raw = write(Words(subject=text, from_name=text), Row(recipient_name=text))
    head = raw.partition(b"\r\n\r\n")[0]
    assert all(len(word) <= 75 for word in re.findall(rb"=\?utf-8\?[bq]\?[^? ]*\?=", head))
    assert max(map(len, head.split(b"\r\n"))) <= 998


@given(TYPED.map(lambda text: text * 20), TYPED)
def test_no_line_is_too_long_and_every_line_ends_in_crlf(long, short):
    for body in (long, long.replace("\n", " "), short + "\r" + long, "x" * 5000, short + "\r\n" + "é" * 2000):
        raw = write(Words(subject=long, text=body, html=f"<p>{body}</p>"))
        assert max(map(len, raw.split(b"\r\n"))) <= mime.LONGEST_LINE
        assert not re.search(rb"\r(?!\n)|(?<!\r)\n", raw)


@given(TYPED)
def test_a_body_is_read_as_it_was_meant(body):
    meant = "\n".join(re.split("\r\n|\r|\n", body.encode("utf-8", "replace").decode())).rstrip("\n")
    mail = message_from_bytes(write(Words(text=body, html=f"{body}.")))
    plain, html = (part.get_payload(decode=True).decode().replace("\r\n", "\n") for part in mail.get_payload())
    assert plain.rstrip("\n") == meant
    assert html.rstrip("\n").removesuffix(".").rstrip("\n") == meant


def test_a_long_word_in_a_subject_is_cut_into_lines():
    raw = write(Words(subject="x" * 3000))
    assert header(raw, "Subject") == "x" * 3000


def test_many_references_are_folded_between_them():
    value = " ".join(f"<{n:032x}@desk.example>" for n in range(40))
    raw = write(Words(headers=[["References", value]]))
    folded = re.search(rb"References: ((?:.+\r\n )*.+)\r\n", raw)[1]
    assert folded.replace(b"\r\n", b"").decode().split() == value.split()
    assert b"=?" not in folded


def test_a_body_outside_ascii_is_quoted_printable_and_one_in_ascii_stays_readable():
    assert b"Content-Transfer-Encoding: 7bit\r\n\r\nHello" in write()
    assert b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe" in write(Words(text="Grüße"))


def test_dots_are_left_to_the_transport():
    assert b"\r\n.\r\n" in write(Words(text="a\n.\nb"))


def test_an_international_local_part_stays_as_it_is_and_asks_for_smtputf8():
    raw = write(Words(), Row(recipient="jürgen@bücher.example", recipient_name="Jürgen"))
    [address] = parse(raw)["To"].addresses
    assert "jürgen@xn--bcher-kva.example".encode() in raw
    assert address.display_name == "Jürgen"
    assert mime.needs_smtputf8("help@desk.example", "jürgen@bücher.example")


def test_an_international_domain_alone_travels_in_ascii():
    raw = write(Words(), Row(recipient="ann@bücher.example"))
    assert raw.isascii()
    assert b"<ann@xn--bcher-kva.example>" in raw
    assert not mime.needs_smtputf8("help@desk.example", "ann@bücher.example")


@pytest.mark.parametrize(
    ("from_address", "domain"),
    [
        ("help@desk.example", "desk.example"),
        ("help@bücher.example", "xn--bcher-kva.example"),
        ("help@[192.0.2.1]", "[192.0.2.1]"),
        ("", "undelivered.invalid"),
        ("help@desk.example>\r\nBcc: x", "undelivered.invalid"),
    ],
)
def test_the_message_id_names_the_notification_signed_at_the_senders_domain(from_address, domain):
    token, _, right = mime.message_id(ID, from_address).strip("<>").partition("@")
    assert right == domain
    assert signing.read(Purpose.MESSAGE_ID, token) == ID


def test_a_message_id_that_was_made_already_is_not_made_again():
    assert parse(mime.write(Words(), Row(), id=ID, at=AT, named="<1@desk.example>"))["Message-ID"] == "<1@desk.example>"


def test_replies_go_where_the_content_says():
    assert parse(write(Words(reply_to="it@desk.example")))["Reply-To"] == "it@desk.example"
    assert "Reply-To" not in parse(write())


MARKED = f"Dear {mark(Personal.RECIPIENT_NAME)},\n\nall is well.  \n.\n{mark(Personal.REQUEST_URL)}\n"
lines = st.lists(
    st.text(max_size=90) | st.sampled_from([*MARKED.split("\n"), "ü" * 70, "x" * 1200, "trailing \t", "=", "a\0b"])
).map("\n".join)


@given(lines, st.sampled_from(["Ann", "Änne", "x" * 990, "two\r\nlines", ""]), st.sampled_from([str, escape]))
def test_what_is_common_to_all_recipients_is_encoded_as_if_it_were_written_for_each(body, name, escaping):
    found = {"recipient.name": name, "request.url": "https://desk.example/r/1"}
    assert mime._Common(body).filled(found, escaping) == mime._encoded(fill(body, found, escaping))
