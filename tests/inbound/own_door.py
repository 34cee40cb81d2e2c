"""A real door on loopback, in a thread with a loop of its own, and what a client says to it."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.inbound.fake_line import GRANT, MAIL
from undelivered.inbound.access import Access, Grant, digest, save
from undelivered.inbound.door import Door, Plan
from undelivered.inbound.envelope import Terms
from undelivered.inbound.tls import Certificate

T = TypeVar("T")
NOWHERE = "postgresql://undelivered@/undelivered?host=/nonexistent"


class OwnDoor:
    """`port` and `tls_port` once it runs. `do` runs something in its loop."""

    def __init__(self, folder: Path, url: Callable[[], str] = lambda: NOWHERE, **values: Any) -> None:
        terms = values.pop("terms", Terms(name="door.example"))
        plan = {"url": url, "zone": ZoneInfo("UTC"), "spool": folder / "spool", "terms": terms, "least_free": 1}
        self.plan = Plan(**{**plan, **values})
        self.loop = uvloop.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.stopped = False

    def start(self, port: int = 0) -> OwnDoor:
        async def start() -> tuple[int, int | None]:
            self.door = Door(self.plan)
            return await self.door.start("127.0.0.1", port, 0 if self.plan.certificate else None)

        self.port, self.tls_port = self.do(start())
        return self

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def stop(self, grace_s: float = 0.0) -> None:
        if not self.stopped:
            self.stopped = True
            self.do(self.door.stop(grace_s))
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(10)
            self.loop.close()

    def client(self) -> Client:
        return Client(self.port)


class Client:
    """A socket that says bytes and reads replies, without any opinion on what is right. To a port, or to a path."""

    def __init__(self, where: int | Path) -> None:
        if isinstance(where, Path):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(15)
            self.socket.connect(str(where))
        else:
            self.socket = socket.create_connection(("127.0.0.1", where), timeout=15)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()
        self.socket.close()

    def reply(self) -> str:
        """One reply, its last line; empty at the end of the connection."""
        while True:
            line = self.file.readline().decode()
            if not line or line[3:4] == " ":
                return line.rstrip("\r\n")

    def say(self, *lines: bytes) -> str:
        """Says lines at once, and reads as many replies; the last one."""
        self.socket.sendall(b"".join(line + b"\r\n" for line in lines))
        return [self.reply() for _ in lines][-1]

    def greeted(self) -> Client:
        assert self.reply().startswith("220")
        assert self.say(b"EHLO desk.it.example").startswith("250")
        return self

    def send(self, *recipients: bytes, mail: bytes = MAIL) -> str:
        """One mail, from MAIL to the reply to its dot."""
        self.say(b"MAIL FROM:<it@it.example>", *(b"RCPT TO:<%s>" % to for to in recipients or (b"ann@b.example",)))
        assert self.say(b"DATA").startswith("354")
        self.socket.sendall(mail + b".\r\n")
        return self.reply()

    def ended(self) -> bool:
        """Whether the other side has closed the connection."""
        try:
            return self.file.read(1) == b""
        except ConnectionError:
            return True


@contextlib.contextmanager
def door(folder: Path, url: Callable[[], str] = lambda: NOWHERE, **values: Any) -> Iterator[OwnDoor]:
    made = OwnDoor(folder, url, **values).start()
    try:
        yield made
    finally:
        made.stop()


def certificate(folder: Path, name: str = "door.example") -> Certificate:
    """A self-signed certificate in two files, written anew."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return Certificate(folder / "cert.pem", folder / "key.pem")


def trust_loopback(folder: Path) -> None:
    """What a door finds that starts while PostgreSQL is away: loopback may submit, and one login is known."""
    (folder / "spool").mkdir(parents=True, exist_ok=True)
    grant = Grant(1, ("it.example",), "127.0.0.0/8")
    known = Access({"it-1": (digest("secret"), GRANT)}, ((ipaddress.ip_network("127.0.0.0/8"), grant),))
    save(known, folder / "spool" / "access.json")


def know_one_login(folder: Path) -> None:
    (folder / "spool").mkdir(parents=True, exist_ok=True)
    save(Access({"it-1": (digest("secret"), GRANT)}), folder / "spool" / "access.json")
