"""A look into a mailbox, against an IMAP server on loopback: what becomes an arrival, and what happens to it there."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from tests import make
from tests.inbound.imap_server import ImapServer, imap_server
from undelivered.database import ids
from undelivered.delivery import signing, wake
from undelivered.delivery.signing import Purpose
from undelivered.inbound import arrivals, mailbox_url
from undelivered.inbound.mailbox import LARGE, LOCK, Trouble, look
from undelivered.inbound.models import Arrival, Door, Mailbox

LETTER = b"From: ann@customer.example\r\nTo: support@example.com\r\nSubject: Printer\r\n\r\nIt burns.\r\n"


def bounce(header: str = "") -> bytes:
    """A delivery status notification, quoting the headers of the mail that it is about."""
    return (
        "From: MAILER-DAEMON@mx.customer.example\r\nTo: support@example.com\r\nSubject: Undelivered mail\r\n"
        "Message-ID: <1@mx.customer.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.customer.example\r\n\r\n"
        "Final-Recipient: rfc822; ann@customer.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: IT-1\r\n{header}\r\n--b--\r\n"
    ).encode()


def ours() -> bytes:
    return bounce(f"X-Undelivered-Id: {signing.token(Purpose.HEADER, ids.uuid7())}\r\n")


@pytest.fixture
def server():
    with imap_server() as one:
        yield one


@pytest.fixture
def box(committed, server: ImapServer) -> Mailbox:
    return Mailbox.objects.create(
        project=make.project(), url=f"imap+plain://support%40example.com@127.0.0.1:{server.port}"
    )


def looked(box: Mailbox, options: str = "", secret: str = "secret"):
    return look(box, mailbox_url.parse(box.url + options), secret)


def test_a_bounce_becomes_an_arrival_and_is_marked_as_read(box, server):
    raw = ours()
    uid = server.inbox.put(raw)
    found = looked(box)
    arrival = Arrival.objects.get()
    assert (found.taken, found.left, found.more) == (1, 0, False)
    assert (arrival.door, bytes(arrival.raw)) == (Door.MAILBOX, raw)
    assert arrival.about == {"mailbox": box.pk, "folder": "INBOX", "uid": uid, "project": box.project_id}
    assert server.inbox.of(uid).flags == {"\\Seen"}


def test_a_persons_mail_is_left_unread_and_counted(box, server):
    uid = server.inbox.put(LETTER)
    found = looked(box)
    box.refresh_from_db()
    assert (found.taken, found.left) == (0, 1)
    assert (box.taken, box.left, box.last_uid) == (0, 1, uid)
    assert not server.inbox.of(uid).flags
    assert not Arrival.objects.exists()


def test_a_bounce_of_somebody_elses_mail_is_kept_here_and_stays_as_it_is_there(box, server):
    uid = server.inbox.put(bounce())
    assert looked(box, "?done=delete").taken == 1
    assert Arrival.objects.count() == 1
    assert not server.inbox.of(uid).flags


def test_a_mailbox_of_its_own_gives_everything(box, server):
    server.inbox.put(LETTER)
    server.inbox.put(bounce())
    assert looked(box, "?take=all&done=delete").taken == 2
    assert not server.inbox.mails


def test_what_was_taken_is_moved_to_a_folder_that_is_made(box, server):
    server.inbox.put(ours())
    server.inbox.put(LETTER)
    looked(box, "?done=move:Bounces")
    assert [mail.raw for mail in server.inbox.mails] == [LETTER]
    assert len(server.folders["Bounces"].mails) == 1


def test_a_server_that_cannot_move_copies_and_removes_only_what_was_taken(box, server):
    server.capabilities = "IMAP4rev1 UIDPLUS"
    server.inbox.put(ours())
    flagged = server.inbox.put(LETTER)
    server.inbox.of(flagged).flags.add("\\Deleted")  # by somebody else, who may change their mind
    looked(box, "?done=move:Bounces")
    assert [mail.raw for mail in server.inbox.mails] == [LETTER]


def test_without_uidplus_nothing_is_expunged(box, server):
    server.capabilities = "IMAP4rev1"
    uid = server.inbox.put(ours())
    looked(box, "?done=delete")
    assert server.inbox.of(uid).flags == {"\\Deleted"}
    assert not any(line.startswith("EXPUNGE") for line in server.said)


def test_a_second_look_takes_only_what_is_new(box, server):
    server.inbox.put(ours())
    looked(box)
    assert looked(box).taken == 0
    server.inbox.put(ours())
    assert looked(box).taken == 1
    assert Arrival.objects.count() == 2


def test_a_folder_whose_numbers_began_anew_is_looked_at_from_its_beginning(box, server):
    server.inbox.put(ours())
    looked(box)
    server.inbox.validity += 1
    assert looked(box).taken == 1


def test_what_cannot_be_marked_is_stored_all_the_same_and_marked_later(box, server):
    server.refuses = {"STORE"}
    uid = server.inbox.put(ours())
    with pytest.raises(Trouble, match="not here"):
        looked(box)
    box.refresh_from_db()
    assert (Arrival.objects.count(), box.to_do) == (1, [uid])
    server.refuses = set()
    looked(box)
    box.refresh_from_db()
    assert (Arrival.objects.count(), box.to_do) == (1, [])
    assert server.inbox.of(uid).flags == {"\\Seen"}


def test_nothing_is_marked_where_it_could_not_be_stored(box, server, monkeypatch):
    def broken(found):
        raise RuntimeError("no room")

    monkeypatch.setattr(arrivals, "keep", broken)
    uid = server.inbox.put(ours())
    with pytest.raises(RuntimeError):
        looked(box)
    box.refresh_from_db()
    assert (box.last_uid, box.to_do, box.taken) == (0, [], 0)
    assert not server.inbox.of(uid).flags


def test_of_a_giant_mail_the_beginning_is_kept(box, server):
    raw = ours() + b"x" * LARGE
    server.inbox.put(raw)
    looked(box)
    arrival = Arrival.objects.get()
    assert arrival.about["size"] == len(raw)
    assert len(arrival.raw) < LARGE


def test_an_answer_without_end_is_refused(box, server):
    server.announces = 5 * 1024**3
    server.inbox.put(ours())
    with pytest.raises(Trouble, match="5,368,709,120 bytes"):
        looked(box)


def test_more_than_a_transaction_holds_is_taken_in_order(box, server):
    for _ in range(120):
        server.inbox.put(ours())
    assert looked(box).taken == 120
    uids = [arrival.about["uid"] for arrival in Arrival.objects.order_by("id")]
    assert uids == sorted(uids)


def test_a_mailbox_is_looked_into_by_one_at_a_time(box, server):
    server.inbox.put(ours())

    with psycopg.connect(wake.url(), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK, box.pk])
        assert looked(box) is None
        other.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, box.pk])  # the end of a connection is noticed later
    assert looked(box).taken == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s", [LOCK])
        assert cursor.fetchone()[0] == 0


def test_a_token_logs_in_with_xoauth2(box, server):
    server.inbox.put(ours())
    oauth = "?auth=xoauth2&client_id=us&token_url=https://login.example.com/token"
    assert looked(box, oauth, "a-token").taken == 1
    with pytest.raises(Trouble, match=r"refuses the login of support@example\.com"):
        looked(box, oauth, "an-old-token")


@pytest.mark.parametrize(
    ("options", "secret", "words"),
    [("", "wrong", "refuses the login"), ("/Elsewhere", "secret", "no such folder")],
)
def test_trouble_is_said_in_words_for_a_person(box, server, options, secret, words):
    with pytest.raises(Trouble, match=words) as trouble:
        looked(box, options, secret)
    assert "wrong" not in str(trouble.value)


def test_a_server_that_is_not_there_is_trouble(committed):
    box = Mailbox.objects.create(url="imap+plain://me@127.0.0.1:1")
    with pytest.raises(Trouble, match="cannot be reached"):
        looked(box)


def test_a_server_without_tls_is_trouble_where_tls_is_wanted(box, server):
    box.url = box.url.replace("imap+plain", "imaps")
    with pytest.raises(Trouble, match=r"127\.0\.0\.1"):
        looked(box)


@pytest.mark.parametrize(
    "raw", [b"\xff\x00\xfe" * 100, b"From: x\r\n" + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b", b"\r\n"]
)
def test_a_mail_that_nobody_can_read_is_no_obstacle(box, server, raw):
    server.inbox.put(raw)
    server.inbox.put(ours())
    looked(box)
    assert Arrival.objects.filter(raw=Arrival.objects.order_by("-id")[0].raw).exists()
    box.refresh_from_db()
    assert box.last_uid == 2
