from __future__ import annotations

import pytest

from undelivered.delivery.transports.oauth_url import Grant
from undelivered.inbound.mailbox_url import Done, Security, Take, parse, without_password

OAUTH = "auth=xoauth2&client_id=us&token_url=https://login.example.com/token"


def test_a_short_url_says_enough():
    found = parse("imaps://support%40example.com:p%40ss@imap.example.com")
    assert (found.host, found.port, found.security) == ("imap.example.com", 993, Security.TLS)
    assert (found.username, found.password, found.folder) == ("support@example.com", "p@ss", "INBOX")
    assert (found.take, found.done, found.every_s, found.verify) == (Take.RETURNED, Done.MARK, 60, True)


def test_a_long_url_says_everything():
    url = f"imap+starttls://bounce@mail.example.com:1143/Bo%26unces?take=all&done=move:Read/2026&every=300&verify=no&{OAUTH}"
    found = parse(url + "&grant=refresh_token&scope=mail")
    assert (found.port, found.security, found.folder) == (1143, Security.STARTTLS, "Bo&unces")
    assert (found.take, found.done, found.moved_to, found.every_s) == (Take.ALL, Done.MOVE, "Read/2026", 300)
    assert found.oauth is not None
    assert (found.oauth.client_id, found.oauth.grant, found.oauth.host) == ("us", Grant.REFRESH, "login.example.com")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("imap.example.com", "starts with one of"),
        ("pop3://me@mail.example.com", "starts with one of"),
        ("imaps://mail.example.com", "names a user and a host"),
        ("imaps://me@mail.example.com:port", "cannot be read"),
        ("imaps://me@mail.example.com?done=burn", "done"),
        ("imaps://me@mail.example.com?done=move", "done"),
        ("imaps://me@mail.example.com?done=delete:Old", "done"),
        ("imaps://me@mail.example.com/Old?done=move:Old", "folder that is read"),
        ("imaps://me@mail.example.com?take=some", "take"),
        ("imaps://me@mail.example.com?every=1", "every"),
        ("imaps://me@mail.example.com?every=soon", "every"),
        ("imaps://me@mail.example.com?verify=maybe", "verify"),
        ("imaps://me@mail.example.com?color=red", "unknown option"),
        ("imaps://me@mail.example.com?client_id=us", "auth=xoauth2"),
        ("imaps://me@mail.example.com?auth=xoauth2&client_id=us&token_url=http://login.example.com", "https://"),
        ("imaps://me%0d%0aA1%20DELETE@mail.example.com", "control characters"),
        ("imaps://me@mail.example.com/IN%0aBOX", "control characters"),
        ("imaps://me@mail.example.com?done=move:a%0d%0ab", "control characters"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(url, words):
    with pytest.raises(ValueError, match=words) as error:
        parse(url)
    assert "mailbox" in str(error.value)


def test_an_error_does_not_quote_the_password():
    with pytest.raises(ValueError) as error:
        parse("imaps://me:top-secret@[mail.example.com")
    assert "top-secret" not in str(error.value)


def test_the_password_is_taken_out_and_the_user_stays():
    shown = without_password("imaps://support%40example.com:p%40ss@imap.example.com/INBOX?take=all")
    assert shown == "imaps://support%40example.com@imap.example.com/INBOX?take=all"
    assert without_password(shown) == shown
