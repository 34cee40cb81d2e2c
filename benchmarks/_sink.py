"""A place for mail to end in, as another process on loopback: Postfix's smtp-sink, or a small one of our own.

smtp-sink and smtp-source are taken from the path, or out of Debian's package (unpacked into a temporary folder, nothing
is installed). `python -m benchmarks._sink PORT` is our own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

UNPACKED = Path(tempfile.gettempdir()) / "undelivered-benchmark-postfix"


@dataclass(frozen=True)
class Tool:
    """A program and the environment that it needs."""

    path: str
    env: dict[str, str] = field(default_factory=dict)


def tool(name: str) -> Tool | None:
    """smtp-sink or smtp-source, if this machine has it or can get it."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found:
        return Tool(found)
    unpacked = UNPACKED / "usr" / "sbin" / name
    if not unpacked.exists():
        _unpack()
    if not unpacked.exists():
        return None
    return Tool(str(unpacked), {**os.environ, "LD_LIBRARY_PATH": str(UNPACKED / "usr" / "lib" / "postfix")})


def _unpack() -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        return
    with tempfile.TemporaryDirectory() as folder:
        quiet = {"cwd": folder, "capture_output": True, "timeout": 60}
        try:
            subprocess.run(["apt-get", "download", "postfix"], check=True, **quiet)  # type: ignore[call-overload]
            package = next(Path(folder).glob("postfix_*.deb"))
            subprocess.run(["dpkg", "-x", str(package), str(UNPACKED)], check=True, **quiet)  # type: ignore[call-overload]
        except (OSError, subprocess.SubprocessError, StopIteration):
            return


@contextmanager
def sink() -> Iterator[tuple[str, int]]:
    """Its name and port, as long as it runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = tool("smtp-sink")
    as_user = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to run as root
    if found:
        name, command, env = "smtp-sink", [found.path, *as_user, f"127.0.0.1:{port}", "1000"], found.env or None
    else:
        name, command, env = "our own sink", [sys.executable, "-m", "benchmarks._sink", str(port)], None
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield name, port
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the sink does not answer")


class _Sink(asyncio.Protocol):
    """Says yes to everything, keeps nothing, looks at nothing but the ends of commands and mails."""

    ANSWERS = {
        b"EHLO": b"250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
        b"DATA": b"354 Go on\r\n",
        b"QUIT": b"221 Bye\r\n",
    }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.rest, self.in_data = cast("asyncio.Transport", transport), b"", False
        self.transport.write(b"220 sink.example ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        out = []
        while True:
            end, length = (b"\r\n.\r\n", 5) if self.in_data else (b"\r\n", 2)
            position = data.find(end)
            if position < 0:
                break
            answer = b"250 2.0.0 Ok\r\n" if self.in_data else self.ANSWERS.get(data[:4].upper(), b"250 2.0.0 Ok\r\n")
            out.append(answer)
            self.in_data = answer.startswith(b"354")
            data = data[position + length :]
        self.rest = data
        self.transport.write(b"".join(out))


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Sink, "127.0.0.1", port, backlog=1000)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(int(sys.argv[1])))
