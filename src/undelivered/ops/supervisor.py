"""Runs the program's processes as children: starts them, starts again what died, stops them in order.

A child lives in a session of its own, so that Ctrl-C reaches us alone and everything ends in the right order; it ends
by itself when we are killed (`processes.end_with`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
#: A child that lived so long was well; its next death is its first again.
WELL_S = 60.0


@dataclass(slots=True)
class Child:
    """A process of ours. `deaths` in a row lengthen the pause before it is started again."""

    name: str
    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    once: bool = False  # ends by itself, and is not started again
    started: float = 0.0
    deaths: int = 0
    due: float = 0.0

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """`check` is one turn. `say` tells a person what happened to a child; `on_death` may do something about it."""

    def __init__(self, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
        self.environ, self.say = dict(environ), say
        self.on_death: Callable[[Child], None] = lambda child: None
        self.children: list[Child] = []

    def add(self, name: str, *arguments: str) -> Child:
        """Starts `undelivered ARGUMENTS` and keeps it running."""
        child = Child(name, arguments)
        self.children.append(child)
        self._start(child)
        return child

    def add_once(self, name: str, *arguments: str) -> Child:
        """Starts `undelivered ARGUMENTS`, which ends by itself."""
        child = Child(name, arguments, once=True)
        self.children.append(child)
        self._start(child)
        return child

    def check(self, now: float | None = None) -> None:
        """Starts again what died, after a pause that grows with every death in a row."""
        now = time.monotonic() if now is None else now
        for child in self.children:
            if child.alive:
                continue
            if child.process is not None:
                self._ended(child, now)
            if now >= child.due and not child.once:
                self._start(child)

    def stop(self, seconds: float = 25.0) -> None:
        """SIGTERM to all, newest first; SIGKILL to those that do not end in time."""
        deadline = time.monotonic() + seconds
        for child in reversed(self.children):
            if child.alive and child.process:
                child.process.send_signal(signal.SIGTERM)
        for child in reversed(self.children):
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.say(f"The {child.name} did not end in time and was killed. Nothing is lost.")
                child.process.kill()
                child.process.wait()
            child.process = None

    def _start(self, child: Child) -> None:
        command = [sys.executable, "-m", "undelivered", *child.arguments, "--parent", str(os.getpid())]
        child.process = subprocess.Popen(  # noqa: S603 # our own program
            command, env=self.environ, start_new_session=True, stdin=subprocess.DEVNULL
        )
        child.started = time.monotonic()

    def _ended(self, child: Child, now: float) -> None:
        assert child.process is not None
        code = child.process.returncode
        if child.once:
            if code:
                self.say(f"The {child.name} ended early (exit code {code}); it goes on at the next start.")
            child.process = None
            return
        child.deaths = 1 if now - child.started > WELL_S else child.deaths + 1
        pause = min(FIRST_PAUSE_S * 2 ** (child.deaths - 1), LONGEST_PAUSE_S)
        self.say(f"The {child.name} ended (exit code {code}); it is started again.")
        child.process, child.due = None, now + pause
        self.on_death(child)
