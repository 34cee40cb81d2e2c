"""How many returned mails a second the bounce library reads, against flufl.bounce on the same mails in the same run.

CPU time of one process, best of several rounds. The mails are the shared corpus where it is present
(`UNDELIVERED_SHARED` or `../shared`), else the library's own samples. flufl.bounce finds addresses only; ours also
says why.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from flufl.bounce import scan_message

from undelivered.bounces import read

ROUNDS = 5
ROOT = Path(__file__).resolve().parents[1]


def mails() -> tuple[str, list[bytes]]:
    shared = Path(os.environ.get("UNDELIVERED_SHARED") or ROOT.parent / "shared") / "bounce-corpus" / "mails"
    folder = shared if shared.is_dir() else ROOT / "tests" / "bounces" / "samples"
    files = sorted(f for f in folder.iterdir() if f.suffix in {".eml", ".txt"})
    return ("the shared corpus" if folder == shared else "the library's samples"), [f.read_bytes() for f in files]


def best_rate(work: Callable[[bytes], object], raws: list[bytes]) -> float:
    """Mails a second of CPU time, the best of several rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for raw in raws:
            work(raw)
        best = min(best, time.process_time() - started)
    return len(raws) / best


def slowest(raws: list[bytes]) -> float:
    """Milliseconds of the slowest mail, each at its best of three."""
    worst = 0.0
    for raw in raws:
        times = []
        for _ in range(3):
            started = time.process_time()
            read(raw)
            times.append(time.process_time() - started)
        worst = max(worst, min(times))
    return worst * 1000


def with_flufl(raw: bytes) -> object:
    message: Message = message_from_bytes(raw)
    try:
        return scan_message(message)
    except Exception:  # it raises on a few of the broken ones; that is its answer
        return None


def main() -> None:
    where, raws = mails()
    ours = best_rate(read, raws)
    theirs = best_rate(with_flufl, raws)
    parse_alone = best_rate(message_from_bytes, raws)
    mean = sum(map(len, raws)) / len(raws) / 1000
    print(f"{len(raws)} mails of {where}, {mean:.1f} kB each on average, CPU time of one process")
    print(f"{'undelivered.bounces.read':32} {ours:8.0f} mails/s")
    print(f"{'flufl.bounce':32} {theirs:8.0f} mails/s")
    print(f"{'email.message_from_bytes alone':32} {parse_alone:8.0f} mails/s")
    print(f"slowest mail: {slowest(raws):.1f} ms")
    print(
        json.dumps(
            {
                "name": "bounces",
                "value": round(ours),
                "unit": "mails/s",
                "peer": "flufl.bounce",
                "peer_value": round(theirs),
                "ratio": round(ours / theirs, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
