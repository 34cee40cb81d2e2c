"""The lean reader of mail takes what is broken as it is."""

from __future__ import annotations

import base64

from undelivered.bounces import mime


def test_headers_are_unfolded_and_names_lowered() -> None:
    mail = mime.parse(b"Subject: one\n two\nX-A : b\nSubject: again\n\nbody")
    assert mail.headers["subject"] == ["one two", "again"]
    assert mail.header("x-a") == "b"
    assert mail.body == b"body"


def test_parts_are_found_at_any_depth() -> None:
    raw = (
        b'Content-Type: multipart/mixed; boundary="a"\n\n'
        b"--a\nContent-Type: multipart/alternative; boundary=b\n\n"
        b"--b\nContent-Type: text/plain\n\none\n--b\nContent-Type: text/html\n\n<p>two</p>\n--b--\n"
        b"--a\n\nthree\n--a--\n"
    )
    assert [p.type for p in mime.parse(raw).parts] == ["text/plain", "text/html", "text/plain"]
    assert mime.parse(raw).parts[1].text().strip() == "two"


def test_a_missing_boundary_is_guessed() -> None:
    raw = b"Content-Type: multipart/report\n\n--lost-and-found\nContent-Type: text/plain\n\nhello\n--lost-and-found--\n"
    assert mime.parse(raw).parts[0].text().strip() == "hello"


def test_base64_is_decoded_as_far_as_it_goes() -> None:
    good = base64.b64encode(b"hello world, this is a text")
    assert mime.from_base64(good[:-7]).startswith(b"hello world")
    assert mime.from_base64(b"!!" + good) == b"hello world, this is a text"


def test_charsets_that_lie_or_are_unknown_do_no_harm() -> None:
    assert mime.to_text("Drücker".encode(), "no-such-charset") == "Drücker"
    assert mime.to_text("Drücker".encode("latin-1"), "utf-8") == "Dr�cker"
    assert mime.to_text("Drücker".encode("latin-1"), "") == "Drücker"
    assert mime.to_text("日本".encode("iso2022_jp"), "") == "日本"
    assert mime.to_text(b"abc", "hex") == "abc"


def test_encoded_words_are_decoded_and_joined() -> None:
    assert mime.decode_words("=?utf-8?q?Dr=C3=BC?= =?utf-8?b?Y2tlcg==?= x") == "Drücker x"
    assert mime.decode_words("=?nonsense?q?a?=") == "a"


def test_html_is_reduced_to_its_words() -> None:
    html = "<style>p{}</style><p>To &lt;ann@example.com&gt;:<br>no <b>such</b> user</p><!-- x -->"
    assert mime.from_html(html).split() == ["To", "<ann@example.com>:", "no", "such", "user"]
