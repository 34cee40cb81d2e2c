"""A small IMAP server on loopback (RFC 9051 as far as a poller needs it), with mails that tests put into it.

One thread a connection, for the few seconds that a test lasts. It knows what it was told: flags, moves, expunges.
"""

from __future__ import annotations

import base64
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Stored:
    uid: int
    raw: bytes
    flags: set[str] = field(default_factory=set)


class Folder:
    def __init__(self, validity: int = 7) -> None:
        self.validity = validity
        self.mails: list[Stored] = []
        self.next_uid = 1

    def put(self, raw: bytes) -> int:
        self.mails.append(Stored(self.next_uid, raw))
        self.next_uid += 1
        return self.next_uid - 1

    def of(self, uid: int) -> Stored:
        return next(mail for mail in self.mails if mail.uid == uid)


class ImapServer:
    """`folders` is what it holds, `said` the commands that it got; `refuses` names commands that it answers with NO."""

    def __init__(self) -> None:
        self.folders = {"INBOX": Folder()}
        self.capabilities = "IMAP4rev1 AUTH=XOAUTH2 MOVE UIDPLUS"
        self.user, self.password, self.token = "support@example.com", "secret", "a-token"
        self.said: list[str] = []
        self.refuses: set[str] = set()
        self.announces: int | None = None  # a literal of so many bytes instead of a mail
        self.port = 0

    @property
    def inbox(self) -> Folder:
        return self.folders["INBOX"]


class _Session(socketserver.StreamRequestHandler):
    server: Any
    folder: Folder | None = None

    def handle(self) -> None:
        self.imap: ImapServer = self.server.imap
        self.line("* OK ready")
        while data := self.rfile.readline():
            tag, _, rest = data.decode().rstrip("\r\n").partition(" ")
            command, _, arguments = rest.partition(" ")
            if command.upper() == "UID":
                command, _, arguments = arguments.partition(" ")
            self.imap.said.append(f"{command.upper()} {arguments}" if command.upper() != "LOGIN" else "LOGIN")
            if command.upper() in self.imap.refuses:
                self.line(f"{tag} NO not here")
                continue
            try:
                answer = getattr(self, f"do_{command.lower()}")(arguments)
            except (ConnectionError, BrokenPipeError):
                return
            self.line(f"{tag} {answer or 'OK done'}")
            if command.upper() == "LOGOUT":
                return

    def line(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    def do_capability(self, _: str) -> None:
        self.line(f"* CAPABILITY {self.imap.capabilities}")

    def do_login(self, arguments: str) -> str | None:
        good = [self.imap.user, self.imap.password]
        return (
            None if arguments.replace('"', "").split(" ") == good else "NO [AUTHENTICATIONFAILED] Invalid credentials"
        )

    def do_authenticate(self, arguments: str) -> str | None:
        self.line("+ ")
        given = base64.b64decode(self.rfile.readline()).decode()
        good = f"user={self.imap.user}\x01auth=Bearer {self.imap.token}\x01\x01"
        return None if given == good else "NO [AUTHENTICATIONFAILED] token expired"

    def do_select(self, arguments: str) -> str | None:
        self.folder = self.imap.folders.get(arguments.strip('"'))
        if self.folder is None:
            return "NO [NONEXISTENT] there is no such folder"
        self.line("* FLAGS (\\Seen \\Deleted)")
        self.line(f"* {len(self.folder.mails)} EXISTS")
        self.line(f"* OK [UIDVALIDITY {self.folder.validity}] valid")
        return "OK [READ-WRITE] done"

    do_examine = do_select

    def do_search(self, arguments: str) -> None:
        assert self.folder is not None
        found = re.search(r"UID (\d+):\*", arguments)
        assert found is not None, arguments
        uids = [mail.uid for mail in self.folder.mails]
        chosen = [uid for uid in uids if uid >= int(found[1])] or uids[-1:]
        self.line("* SEARCH " + " ".join(map(str, chosen)))

    def chosen(self, text: str) -> list[Stored]:
        assert self.folder is not None
        wanted: set[int] = set()
        for part in text.split(","):
            low, _, high = part.partition(":")
            wanted |= set(range(int(low), int(high or low) + 1))
        return [mail for mail in self.folder.mails if mail.uid in wanted]

    def do_fetch(self, arguments: str) -> None:
        assert self.folder is not None
        uids, _, parts = arguments.partition(" ")
        for mail in self.chosen(uids):
            n = self.folder.mails.index(mail) + 1
            if "RFC822.SIZE" in parts:
                self.line(f"* {n} FETCH (UID {mail.uid} RFC822.SIZE {len(mail.raw)})")
                continue
            assert "PEEK" in parts, "a look must not mark what it looks at"
            cut = re.search(r"<0\.(\d+)>", parts)
            raw = mail.raw[: int(cut[1])] if cut else mail.raw
            size = self.imap.announces or len(raw)
            self.wfile.write(f"* {n} FETCH (UID {mail.uid} BODY[]{'<0>' if cut else ''} {{{size}}}\r\n".encode())
            self.wfile.write(raw + b")\r\n")

    def do_store(self, arguments: str) -> None:
        uids, _, rest = arguments.partition(" ")
        flags = re.findall(r"\\\w+", rest)
        for mail in self.chosen(uids):
            mail.flags |= set(flags)

    def do_list(self, arguments: str) -> None:
        for name in self.imap.folders:
            if f'"{name}"' in arguments or name in arguments.split():
                self.line(f'* LIST () "/" "{name}"')

    def do_create(self, arguments: str) -> None:
        self.imap.folders[arguments.strip('"')] = Folder()

    def do_copy(self, arguments: str) -> None:
        uids, _, name = arguments.partition(" ")
        for mail in self.chosen(uids):
            self.imap.folders[name.strip('"')].put(mail.raw)

    def do_move(self, arguments: str) -> None:
        self.do_copy(arguments)
        assert self.folder is not None
        gone = self.chosen(arguments.partition(" ")[0])
        self.folder.mails = [mail for mail in self.folder.mails if mail not in gone]

    def do_expunge(self, arguments: str) -> None:
        assert self.folder is not None
        gone = [mail for mail in self.chosen(arguments) if "\\Deleted" in mail.flags]
        self.folder.mails = [mail for mail in self.folder.mails if mail not in gone]

    def do_noop(self, _: str) -> None: ...

    def do_logout(self, _: str) -> None:
        self.line("* BYE")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    imap: ImapServer


@contextmanager
def imap_server() -> Iterator[ImapServer]:
    """Listens until the end of the block."""
    server = _Server(("127.0.0.1", 0), _Session)
    server.imap = ImapServer()
    server.imap.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.imap
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
