"""The door over real sockets. In most tests PostgreSQL is away: mail is spooled, and answered all the same."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.inbound import reports
from tests.inbound.fake_line import base64_of
from tests.inbound.own_door import MAIL, Client, OwnDoor, certificate, door, know_one_login, trust_loopback
from undelivered.delivery.relayed import Relayed
from undelivered.inbound import limits, smtpd
from undelivered.inbound.arrivals import NewArrival
from undelivered.inbound.envelope import Terms
from undelivered.inbound.listening import Taken
from undelivered.inbound.smtpd import RETURNED_S, STRANGER_S


@pytest.fixture
def trusting(tmp_path: Path) -> Iterator[OwnDoor]:
    trust_loopback(tmp_path)
    with door(tmp_path) as made:
        yield made


def spooled(made: OwnDoor) -> list[bytes]:
    spool = made.door.spool
    return [mail.raw for _, mail in spool.read(spool.waiting())]


def test_a_mail_is_taken_and_kept_although_postgresql_is_away(trusting: OwnDoor) -> None:
    with trusting.client().greeted() as client:
        reply = client.send(b"ann@b.example", b"bob@b.example")
    assert reply.startswith("250 2.0.0 Ok: queued as ")
    ((_, mail),) = trusting.door.spool.read(trusting.door.spool.waiting())
    assert isinstance(mail, Relayed)
    assert (mail.raw, str(mail.id)) == (MAIL, reply.split()[-1])
    assert [to for _, to in mail.recipients] == ["ann@b.example", "bob@b.example"]


def test_the_clients_that_help_desks_use_get_through(tmp_path: Path) -> None:
    know_one_login(tmp_path)
    with door(tmp_path) as made, smtplib.SMTP("127.0.0.1", made.port, timeout=15) as client:
        client.login("it-1", "secret")
        assert client.sendmail("www-data@vm", ["ann@b.example"], MAIL) == {}
        assert client.sendmail("", ["ann@b.example"], MAIL + b".\r\n..\r\n") == {}
        assert spooled(made) == [MAIL, MAIL + b".\r\n..\r\n"]


def test_a_wrong_password_is_answered_late_and_the_right_one_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FIRST_DELAY_S", 0.3)
    know_one_login(tmp_path)
    with door(tmp_path) as made, made.client().greeted() as client:
        began = time.monotonic()
        assert client.say(b"AUTH PLAIN " + base64_of("", "it-1", "wrong")).startswith("535 5.7.8")
        assert time.monotonic() - began > 0.3
        assert client.say(b"AUTH PLAIN " + base64_of("", "it-1", "secret")).startswith("235")


def test_nobody_relays_through_it(tmp_path: Path) -> None:
    know_one_login(tmp_path)
    with door(tmp_path) as made:
        for probe in (
            b"victim@elsewhere.example",
            b"@door.example:victim@elsewhere.example",
            b"victim%elsewhere@it.example",
        ):
            with made.client().greeted() as client:
                assert client.say(b"MAIL FROM:<it@it.example>").startswith("250")
                assert client.say(b"RCPT TO:<%s>" % probe).startswith("550 5.7.1")
                assert client.say(b"DATA").startswith("503")
        assert spooled(made) == []


def test_before_anything_is_known_of_logins_they_are_put_off_and_not_refused(tmp_path: Path) -> None:
    with door(tmp_path) as made, made.client().greeted() as client:
        assert client.say(b"AUTH PLAIN " + base64_of("", "it-1", "secret")).startswith("454 4.7.0")


def test_a_from_of_another_domain_is_refused(trusting: OwnDoor) -> None:
    with trusting.client().greeted() as client:
        assert client.send(mail=b"From: boss@evil.example\r\n\r\nHi\r\n").startswith("550 5.7.1")
        assert client.send().startswith("250")


def test_smuggling_is_refused_and_nothing_of_it_is_a_command(trusting: OwnDoor) -> None:
    with trusting.client().greeted() as client:
        smuggled = MAIL + b"\r\n.\nMAIL FROM:<a@it.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n" + MAIL
        assert client.send(mail=smuggled).startswith("554 5.6.0")
        assert client.send().startswith("250")
    assert spooled(trusting) == [MAIL]


def test_starttls_then_everything_anew(tmp_path: Path) -> None:
    know_one_login(tmp_path)
    made_certificate = certificate(tmp_path)
    context = ssl._create_unverified_context()
    with (
        door(tmp_path, certificate=made_certificate) as made,
        smtplib.SMTP("127.0.0.1", made.port, timeout=15) as client,
    ):
        client.ehlo()
        assert client.has_extn("starttls")
        assert client.starttls(context=context)[0] == 220
        client.ehlo()
        assert not client.has_extn("starttls")
        client.login("it-1", "secret")
        large = MAIL + (b"x" * 76 + b"\r\n") * 20_000
        assert client.sendmail("it@it.example", ["ann@b.example"], large) == {}
        assert spooled(made) == [large]
        ((_, mail),) = made.door.spool.read(made.door.spool.waiting())
        assert mail.source["protocol"] == "ESMTPSA"


def test_tls_from_the_start(tmp_path: Path) -> None:
    know_one_login(tmp_path)
    with door(tmp_path, certificate=certificate(tmp_path)) as made:
        assert made.tls_port is not None
        context = ssl._create_unverified_context()
        with smtplib.SMTP_SSL("127.0.0.1", made.tls_port, timeout=15, context=context) as client:
            client.login("it-1", "secret")
            assert client.sendmail("it@it.example", ["ann@b.example"], MAIL) == {}
        assert spooled(made) == [MAIL]


def test_what_follows_starttls_in_the_clear_is_never_taken(tmp_path: Path) -> None:
    trust_loopback(tmp_path)
    with door(tmp_path, certificate=certificate(tmp_path)) as made, made.client().greeted() as client:
        client.socket.sendall(b"STARTTLS\r\nMAIL FROM:<evil@it.example>\r\n")
        assert client.reply().startswith("503")
        assert client.ended()


def test_garbage_instead_of_a_handshake_harms_nobody(tmp_path: Path) -> None:
    trust_loopback(tmp_path)
    with door(tmp_path, certificate=certificate(tmp_path)) as made:
        with made.client().greeted() as client:
            assert client.say(b"STARTTLS").startswith("220")
            client.socket.sendall(b"MAIL FROM:<it@it.example>\r\n" * 10)
            client.socket.settimeout(10)
            assert client.ended() or True
        with made.client().greeted() as client:
            assert client.send().startswith("250")


def test_a_renewed_certificate_is_used_without_a_restart_and_half_a_renewal_is_not(tmp_path: Path) -> None:
    first = certificate(tmp_path)
    with door(tmp_path, certificate=first) as made:
        assert made.tls_port is not None
        old = ssl.get_server_certificate(("127.0.0.1", made.tls_port))
        key = (tmp_path / "key.pem").read_bytes()
        certificate(tmp_path)
        new_key = (tmp_path / "key.pem").read_bytes()
        (tmp_path / "key.pem").write_bytes(key)
        assert not first.refresh()
        assert ssl.get_server_certificate(("127.0.0.1", made.tls_port)) == old
        (tmp_path / "key.pem").write_bytes(new_key)
        assert first.refresh()
        assert not first.refresh()
        assert ssl.get_server_certificate(("127.0.0.1", made.tls_port)) == (tmp_path / "cert.pem").read_text()


def test_one_connection_too_many_is_told_so(tmp_path: Path) -> None:
    trust_loopback(tmp_path)
    with door(tmp_path, connections=4) as made:
        first, second = made.client().greeted(), made.client().greeted()
        with made.client() as third:
            assert third.reply().startswith("421 4.7.0")
            assert third.ended()
        first.say(b"QUIT")
        assert first.ended()
        with made.client() as fourth:
            fourth.greeted()
        first.socket.close()
        with second:
            assert second.say(b"NOOP").startswith("250")
        first.__exit__()


@pytest.mark.parametrize(
    ("trusted", "said", "since", "code"),
    [
        (False, b"NOOP", {"opened": smtpd.STRANGER_S + 1}, "421 4.4.2"),
        (True, b"NOOP", {"opened": smtpd.STRANGER_S + 1}, "250"),
        (True, b"NOOP", {"heard": smtpd.IDLE_S + 1}, "421 4.4.2"),
        (True, b"MAIL FROM:<it@it.example>", {"mail_since": smtpd.MAIL_S + 1}, "421 4.4.2"),
    ],
)
def test_deadlines(tmp_path: Path, trusted: bool, said: bytes, since: dict[str, float], code: str) -> None:
    (trust_loopback if trusted else know_one_login)(tmp_path)
    with door(tmp_path) as made, made.client().greeted() as client:
        client.say(said)

        async def later() -> None:
            made.door.sweep_once()
            (connection,) = made.door.connections
            for name, seconds in since.items():
                setattr(connection.clock, name, connection.loop.time() - seconds)
            made.door.sweep_once()
            if code == "250":
                connection.data_received(b"NOOP\r\n")

        made.do(later())
        assert client.reply().startswith(code)


def test_a_client_that_sends_a_byte_now_and_then_has_its_time_too(trusting: OwnDoor) -> None:
    with trusting.client().greeted() as client:
        client.say(b"MAIL FROM:<it@it.example>", b"RCPT TO:<ann@b.example>")
        client.say(b"DATA")
        client.socket.sendall(b"x")

        async def later() -> None:
            (connection,) = trusting.door.connections
            trusting.door.sweep_once()
            connection.clock.mail_since -= smtpd.MAIL_S + 1
            connection.data_received(b"y")
            trusting.door.sweep_once()

        trusting.do(later())
        assert client.reply().startswith("421 4.4.2")


def test_without_room_on_the_disk_mail_is_put_off(tmp_path: Path) -> None:
    trust_loopback(tmp_path)
    with door(tmp_path, least_free=10**18) as made, made.client().greeted() as client:
        assert client.say(b"MAIL FROM:<it@it.example>").startswith("452 4.3.1")


def test_large_mails_take_turns_and_all_of_them_come_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust_loopback(tmp_path)
    large = MAIL + (b"y" * 76 + b"\r\n") * 15_000
    with door(tmp_path) as made:
        made.door.places.free = 1
        replies: list[str] = []

        def send() -> None:
            with made.client().greeted() as client:
                replies.append(client.send(mail=large))

        threads = [threading.Thread(target=send) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert [reply[:3] for reply in replies] == ["250"] * 5
        assert spooled(made) == [large] * 5
        assert made.door.places.free == 1


def test_a_large_mail_that_breaks_off_gives_its_place_back(trusting: OwnDoor) -> None:
    free = trusting.door.places.free
    with trusting.client().greeted() as client:
        client.say(b"MAIL FROM:<it@it.example>", b"RCPT TO:<ann@b.example>")
        client.say(b"DATA")
        client.socket.sendall(b"x" * 300_000)
        _until(lambda: trusting.door.places.free == free - 1)
    _until(lambda: trusting.door.places.free == free)
    assert spooled(trusting) == []


def test_25_megabytes_are_taken_and_one_byte_more_is_not(tmp_path: Path) -> None:
    trust_loopback(tmp_path)
    limit = 25 * 1024 * 1024
    with door(tmp_path, terms=Terms("door.example", size_limit=limit)) as made, made.client().greeted() as client:
        lines = MAIL + (b"z" * 78 + b"\r\n") * (limit // 80)
        largest = lines[: limit - 2] + b"\r\n"
        assert len(largest) == limit
        assert client.send(mail=largest).startswith("250")
        assert client.send(mail=b"X: y\r\n" + largest).startswith("552 5.3.4")
        assert client.send().startswith("250")
        assert [len(mail) for mail in spooled(made)] == [limit, len(MAIL)]


def test_a_thousand_recipients_in_one_mail(trusting: OwnDoor) -> None:
    with trusting.client().greeted() as client:
        assert client.send(*(b"customer%d@b.example" % n for n in range(1000))).startswith("250")
    ((_, mail),) = trusting.door.spool.read(trusting.door.spool.waiting())
    assert len(mail.recipients) == 1000


def test_a_stopping_door_lets_conversations_finish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust_loopback(tmp_path)
    made = OwnDoor(tmp_path).start()
    busy, idle = made.client().greeted(), made.client().greeted()
    busy.say(b"MAIL FROM:<it@it.example>", b"RCPT TO:<ann@b.example>")
    assert busy.say(b"DATA").startswith("354")
    stopping = threading.Thread(target=made.stop, args=(20.0,))
    stopping.start()
    assert idle.reply().startswith("421 4.3.2"), "nothing is under way there"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", made.port), timeout=5)
    busy.socket.sendall(MAIL + b".\r\n")
    assert busy.reply().startswith("250")
    assert busy.reply().startswith("421 4.3.2")
    stopping.join(20)
    assert not stopping.is_alive()
    assert len(made.door.spool.waiting()) == 1
    for client in (busy, idle):
        client.__exit__()


def test_a_new_door_overlaps_the_old_one_and_nobody_is_turned_away(tmp_path: Path) -> None:
    trust_loopback(tmp_path)
    old = OwnDoor(tmp_path).start()
    old.door.limits.connections = 10_000
    replies: list[str] = []
    stopped = threading.Event()

    def keep_sending() -> None:
        while not stopped.is_set():
            with old.client().greeted() as client:
                replies.append(client.send())

    senders = [threading.Thread(target=keep_sending) for _ in range(3)]
    for sender in senders:
        sender.start()
    new = OwnDoor(tmp_path)
    try:
        _until(lambda: len(replies) > 20)
        new.start(old.port)
        before = len(replies)
        old.stop(10.0)
        _until(lambda: len(replies) > before + 20)
    finally:
        stopped.set()
        for sender in senders:
            sender.join(10)
    assert {reply[:3] for reply in replies} == {"250"}
    assert len(new.door.spool.waiting()) == len(replies)
    new.stop()


def test_a_port_of_another_program_is_not_shared(tmp_path: Path) -> None:
    other = socket.socket()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    other.bind(("127.0.0.1", 0))
    other.listen()
    made = OwnDoor(tmp_path)
    with pytest.raises(Taken, match="Another program listens"):
        made.start(other.getsockname()[1])
    made.stop()
    other.close()


def _until(true, seconds: float = 15.0) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


# --- what comes back, while PostgreSQL is away ------------------------------------------------------------------------


def test_a_mail_that_comes_back_is_on_disk_when_it_is_answered(tmp_path: Path) -> None:
    path = reports.path(uuid4()).encode()
    with door(tmp_path) as made:
        with made.client().greeted() as client:
            reply = client.send(path, mail=reports.report())
            forged = path.replace(b"b-", b"b-a", 1)
            assert client.say(b"MAIL FROM:<>", b"RCPT TO:<%s>" % forged).startswith("550 5.1.1")
        [(_, one)] = made.door.spool.read(made.door.spool.waiting())
    assert isinstance(one, NewArrival)
    assert reply == f"250 2.0.0 Ok: queued as {one.id}"
    assert one.about["to"] == path.decode()


def test_who_brings_something_back_is_not_sent_away_after_a_minute(tmp_path: Path) -> None:
    with door(tmp_path) as made, made.client().greeted() as client:
        client.send(reports.path(uuid4()).encode())
        [connection] = made.door.connections
        clock, talk = connection.clock, connection.talk
        assert talk
        assert not clock.late(talk, clock.opened + 2 * STRANGER_S)
        client.say(b"MAIL FROM:<>", b"RCPT TO:<%s>" % reports.path(uuid4()).encode())
        clock.late(talk, now := clock.heard)
        clock.heard = now + RETURNED_S  # it talks on
        assert clock.late(talk, now + RETURNED_S + 1)


def test_who_brings_something_back_does_not_hold_up_who_submits(tmp_path: Path) -> None:
    trust_loopback(tmp_path)
    large = b"From: it@it.example\r\n\r\n" + b"x" * 78 + b"\r\n"
    with door(tmp_path) as made:
        made.door.return_places.free = 0
        with made.client().greeted() as client:
            assert client.send(mail=large * 10_000).startswith("250")


def test_the_postmaster_is_not_flooded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "POSTMASTER_AN_HOUR", 1)
    with door(tmp_path, bounce_domain="bounces.example") as made, made.client().greeted() as client:
        assert client.send(b"postmaster").startswith("250")
        assert client.send(b"postmaster@bounces.example").startswith("450 4.7.1")
        assert client.send(reports.path(uuid4()).encode()).startswith("250")


def test_the_socket_for_lmtp_goes_over_to_the_next_door(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    with door(tmp_path, lmtp=path) as old:
        with door(tmp_path, lmtp=path), Client(path) as client:
            old.stop()
            assert client.reply().startswith("220")
            with Client(path) as other:
                assert other.reply().startswith("220")
        assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".lmtp")] == []


def test_a_client_of_lmtp_that_others_use_gets_through(tmp_path: Path) -> None:
    path = reports.path(uuid4())
    with door(tmp_path, lmtp=tmp_path / "lmtp") as made:
        with smtplib.LMTP(str(tmp_path / "lmtp")) as client:
            assert client.sendmail("", [path], reports.report()) == {}
        [(_, one)] = made.door.spool.read(made.door.spool.waiting())
    assert isinstance(one, NewArrival)
    assert (one.door, one.about["to"], one.about["protocol"]) == ("lmtp", path, "LMTP")
