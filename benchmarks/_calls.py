"""A program that calls over HTTP as quickly as it is answered, over connections that are kept.

`python -m benchmarks._calls PORT CONNECTIONS SECONDS`; the request, bytes and all, comes in by stdin. Prints JSON: how
many answers a second, and the 50th and 99th hundredth of the time that they took, in milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from typing import Any, cast

from benchmarks._helper import ROOT


def calls(port: int, request: bytes, *, connections: int = 16, seconds: float = 4.0) -> dict[str, float]:
    """Runs it in a process of its own."""
    command = [sys.executable, "-m", "benchmarks._calls", str(port), str(connections), str(seconds)]
    done = subprocess.run(command, input=request, stdout=subprocess.PIPE, cwd=ROOT, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def request(path: str, body: Any, token: str = "") -> bytes:
    data = json.dumps(body).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(data)}",
    ]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*lines, "", ""]).encode() + data


class _Caller(asyncio.Protocol):
    """One connection: asks again as soon as it has its answer."""

    def __init__(self, request: bytes, took: list[float]) -> None:
        self.request, self.took, self.rest = request, took, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._ask()

    def _ask(self) -> None:
        self.asked = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.rest += data
        head, found, body = self.rest.partition(b"\r\n\r\n")
        if not found:
            return
        at = head.lower().find(b"content-length:")
        if at >= 0:
            if len(body) < int(head[at + 15 :].split(b"\r\n", 1)[0]):
                return
        elif not body.endswith(b"0\r\n\r\n"):  # chunked
            return
        if head.split(b" ", 2)[1] != b"202":
            raise SystemExit(self.rest[:500].decode())
        self.took.append(time.perf_counter() - self.asked)
        self.rest = b""
        self._ask()


async def _run(port: int, connections: int, seconds: float, request: bytes) -> None:
    loop = asyncio.get_running_loop()
    took: list[float] = []
    for _ in range(connections):
        await loop.create_connection(lambda: _Caller(request, took), "127.0.0.1", port)
    await asyncio.sleep(1.0)  # every thread of the server has its connection to the database by then
    took.clear()
    begun = time.perf_counter()
    await asyncio.sleep(seconds)
    rate = len(took) / (time.perf_counter() - begun)
    ordered = sorted(took)
    shown = {"rate": rate, "p50": 1000 * ordered[len(took) // 2], "p99": 1000 * ordered[int(len(took) * 0.99)]}
    print(json.dumps(shown))


if __name__ == "__main__":
    import uvloop

    uvloop.run(_run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.stdin.buffer.read()))
