"""A loopback API for the benchmarks of ESPs: answers every request after a while, as Postmark does. In its own process.

python -m benchmarks._api LATENCY_S        prints its port
"""

from __future__ import annotations

import asyncio
import re
import sys

import uvloop

BODY = b'{"To": "ann@customer.example", "MessageID": "b7bc2f4a-e38e-4336", "ErrorCode": 0, "Message": "OK"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Conversation(asyncio.Protocol):
    latency_s = 0.05

    def __init__(self) -> None:
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self.data, 0, end + 2)
            whole = end + 4 + int(found[1] if found else 0)
            if len(self.data) < whole:
                return
            self.data = self.data[whole:]
            asyncio.get_running_loop().call_later(self.latency_s, self.transport.write, ANSWER)  # type: ignore[attr-defined]


async def serve(latency_s: float) -> None:
    Conversation.latency_s = latency_s
    server = await asyncio.get_running_loop().create_server(Conversation, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(float(sys.argv[1])))
