"""How many mails a second the SMTP transport hands over, against aiosmtplib in the same run.

4 KB mails to a sink in another process on loopback, over connections that are kept; uvloop for both. Rounds are
interleaved, and medians are compared: the machine's own speed changes from minute to minute. smtplib over one
connection and, where Postfix's tools are at hand, smtp-source (the limit of C) show what the figures are worth.
"""

from __future__ import annotations

import asyncio
import json
import smtplib
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from statistics import median
from typing import Any

import aiosmtplib
import uvloop

from benchmarks._sink import sink, tool
from undelivered.delivery.outcomes import Accepted
from undelivered.delivery.transports.smtp import Security, SmtpSettings, SmtpTransport

ROUNDS = 5
MAILS = 2000
CONNECTIONS = 16
SENDER, RECIPIENT = "b-1@bounces.example.com", "ann@customer.example"
HEAD = b"From: desk@example.com\r\nTo: ann@customer.example\r\nSubject: [IT-12] Printer\r\n\r\n"
MAIL = HEAD + b"The printer on the second floor works again, said the one who mended it.\r\n" * 54


async def _shared(hands: list[Callable[[], Coroutine[Any, Any, object]]]) -> None:
    """`MAILS` mails, taken by so many hands as they become free."""
    left = iter(range(MAILS))

    async def work(send: Callable[[], Coroutine[Any, Any, object]], todo: Iterator[int]) -> None:
        for _ in todo:
            await send()

    await asyncio.gather(*(work(send, left) for send in hands))


async def ours(port: int, mails: Callable[[], None]) -> None:
    settings = SmtpSettings("127.0.0.1", port, Security.NONE, max_connections=CONNECTIONS, helo_name="desk.example.com")
    transport = SmtpTransport(settings)

    async def send() -> None:
        outcome = await transport.send(SENDER, RECIPIENT, MAIL)
        assert isinstance(outcome, Accepted), outcome

    await send()
    mails()
    await _shared([send] * CONNECTIONS)
    await transport.close()


async def with_aiosmtplib(port: int, mails: Callable[[], None]) -> None:
    clients = [aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) for _ in range(CONNECTIONS)]
    for client in clients:
        await client.connect()
    mails()
    await _shared([lambda client=client: client.sendmail(SENDER, [RECIPIENT], MAIL) for client in clients])  # type: ignore[misc]
    for client in clients:
        await client.quit()


def with_smtplib(port: int, mails: Callable[[], None]) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.ehlo()
        mails()
        for _ in range(MAILS // 2):
            client.sendmail(SENDER, [RECIPIENT], MAIL)


def with_smtp_source(port: int, mails: Callable[[], None]) -> None:
    found = tool("smtp-source")
    assert found is not None
    command = [found.path, "-d", "-s", "10", "-m", str(4 * MAILS), "-l", str(len(MAIL)), f"127.0.0.1:{port}"]
    mails()
    subprocess.run(command, check=True, env=found.env or None)


CLIENTS: dict[str, tuple[int, Callable[[int, Callable[[], None]], object]]] = {
    "undelivered": (MAILS, lambda port, mails: uvloop.run(ours(port, mails))),
    "aiosmtplib": (MAILS, lambda port, mails: uvloop.run(with_aiosmtplib(port, mails))),
    "smtplib, 1 connection": (MAILS // 2, with_smtplib),
    "smtp-source, 10 connections": (4 * MAILS, with_smtp_source),
}


def measured(name: str, port: int) -> tuple[float, float]:
    """Mails a second, and milliseconds of processor a mail in this process."""
    mails, run = CLIENTS[name]
    started = cpu = 0.0

    def begin() -> None:
        nonlocal started, cpu
        started, cpu = time.perf_counter(), time.process_time()

    run(port, begin)
    return mails / (time.perf_counter() - started), (time.process_time() - cpu) / mails * 1000


def main() -> None:
    names = [name for name in CLIENTS if "smtp-source" not in name or tool("smtp-source")]
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    with sink() as (where, port):
        for _ in range(ROUNDS):
            for name in names:
                found[name].append(measured(name, port))
    rates = {name: median(rate for rate, _ in results) for name, results in found.items()}
    print(f"{len(MAIL)} bytes a mail, {CONNECTIONS} connections, to {where}; medians of {ROUNDS} rounds")
    for name, results in found.items():
        slowest, fastest = min(results)[0], max(results)[0]
        cpu = "" if "smtp-source" in name else f"{median(cpu for _, cpu in results):8.3f} ms of processor a mail"
        print(f"{name:28} {rates[name]:8.0f} mails/s ({slowest:.0f}-{fastest:.0f}){cpu}")
    ratios = [a / b for (a, _), (b, _) in zip(found["undelivered"], found["aiosmtplib"], strict=True)]
    print(
        json.dumps(
            {
                "name": "smtp_out",
                "value": round(rates["undelivered"]),
                "unit": "mails/s",
                "peer": "aiosmtplib",
                "peer_value": round(rates["aiosmtplib"]),
                "ratio": round(median(ratios), 2),
            }
        )
    )


if __name__ == "__main__":
    main()
