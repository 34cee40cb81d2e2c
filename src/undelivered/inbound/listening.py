"""Listening sockets that a new door may share with the old one, and with nobody else.

SO_REUSEPORT lets any program of the same user share a port, also one of another installation, which would then get half
of our mail. So a lock in the spool folder says which port is ours; a port that is in use without it is taken.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

BACKLOG = 1024
HANDSHAKE_S = 30.0


class Taken(Exception):
    """Another program listens on the port."""


@dataclass(slots=True)
class Open:
    """One listening socket. `copy` keeps it alive for a moment when the server closes its own."""

    server: asyncio.Server
    copy: socket.socket
    made: Callable[[], asyncio.Protocol]
    tls: ssl.SSLContext | None


class Listening:
    """`open` any number of ports, `close` them together."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: list[Open] = []
        self._locks: list[int] = []

    async def open(
        self, host: str, port: int, made: Callable[[], asyncio.Protocol], tls: ssl.SSLContext | None = None
    ) -> int:
        """Listens; the port, where any free one was wanted."""
        listener = self._bind(host, port)
        bound: int = listener.getsockname()[1]
        server = await asyncio.get_running_loop().create_server(
            made, sock=listener, backlog=BACKLOG, ssl=tls, ssl_handshake_timeout=HANDSHAKE_S if tls else None
        )
        self._open.append(Open(server, listener.dup(), made, tls))
        return bound

    async def open_local(self, where: int | Path, made: Callable[[], asyncio.Protocol]) -> None:
        """Listens for programs on this machine alone: on a port of loopback, or on a socket.

        A socket belongs to the door that was started last; whoever may open its path may use it.
        """
        if isinstance(where, int):
            await self.open("127.0.0.1", where, made)
            return
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        new = where.with_name(f".{where.name}.{os.getpid()}")
        try:
            new.unlink(missing_ok=True)
            listener.bind(str(new))
            new.chmod(0o666)
            listener.listen(BACKLOG)
            new.rename(where)
        except OSError as error:
            listener.close()
            new.unlink(missing_ok=True)
            raise Taken(f"The socket {where} cannot be used: {error.strerror or error}.") from error
        listener.setblocking(False)
        server = await asyncio.get_running_loop().create_unix_server(made, sock=listener, backlog=BACKLOG)
        self._open.append(Open(server, listener.dup(), made, None))

    def _bind(self, host: str, port: int) -> socket.socket:
        lock = self._lock_of(port) if port else None
        if lock is not None and _locked(lock):
            self._require_free(host, port)
        listener = _socket(host)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            listener.bind((host, port))
            listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            raise Taken(f"Port {port} on {host} cannot be used: {error.strerror}.") from error
        listener.setblocking(False)
        fcntl.flock(self._lock_of(listener.getsockname()[1]) if lock is None else lock, fcntl.LOCK_SH)
        return listener

    def _lock_of(self, port: int) -> int:
        """The file that is locked while a door of ours has the port; held until we end."""
        lock = os.open(self._folder / f".port-{port}", os.O_RDWR | os.O_CREAT, 0o600)
        self._locks.append(lock)
        return lock

    def _require_free(self, host: str, port: int) -> None:
        with _socket(host) as probe:
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise Taken(f"Port {port} on {host} cannot be used: {error.strerror}.") from error
                raise Taken(f"Another program listens on port {port} of {host} already.") from error

    async def close(self) -> None:
        """No new connections. Those that the kernel has taken for us already are served."""
        loop = asyncio.get_running_loop()
        for one in self._open:
            one.server.close()
            # Connections that the kernel has taken and nobody has accepted would be reset with the last copy.
            with suppress(BlockingIOError):
                while True:
                    accepted, _ = one.copy.accept()
                    accepted.setblocking(False)
                    with suppress(OSError):
                        await loop.connect_accepted_socket(one.made, accepted, ssl=one.tls)
            one.copy.close()
        for lock in self._locks:
            os.close(lock)
        self._open.clear()
        self._locks.clear()


def _locked(lock: int) -> bool:
    """Whether no other door of ours has this port."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _socket(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made
