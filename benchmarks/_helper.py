"""A process that measures: told what to do line by line, it answers with numbers. So nothing shares an interpreter.

Moments are of the machine's monotonic clock, which all processes share.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]


class Helper:
    """`python -m MODULE` in a process of its own; `ask` has it do one thing."""

    def __init__(self, module: str, env: Mapping[str, str], python: str = sys.executable) -> None:
        self.process = subprocess.Popen(
            [python, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **env},
        )

    def ask(self, what: str, **values: Any) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"do": what, **values}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args} ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        end(self.process)


def serve(deeds: Mapping[str, Callable[..., dict[str, Any] | None]]) -> None:
    """The other side: does what it is told until its input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not be taken for an answer
    for line in sys.stdin:
        order = json.loads(line)
        answer = deeds[order.pop("do")](**order) or {}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def end(process: subprocess.Popen[Any], patience_s: float = 30.0) -> None:
    """Asks a process to end, and waits for it."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def cpu_s(*pids: int | None) -> float:
    """Seconds of processor that processes and their children have used; those of children that ended count too."""
    import psutil  # the peers' interpreter has none

    total = 0.0
    for pid in pids:
        if pid is None:
            continue
        try:
            mother = psutil.Process(pid)
            family = [mother, *mother.children(recursive=True)]
            own = mother.cpu_times()
            total += own.children_user + own.children_system
            total += sum(sum(one.cpu_times()[:2]) for one in family)
        except psutil.Error:
            continue
    return total


def load() -> str:
    return " ".join(f"{figure:.1f}" for figure in os.getloadavg())
