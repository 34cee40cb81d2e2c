"""`undelivered run` as a person uses it: a real process with its own data and port; commands beside it; its API."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

COMMAND = str(Path(sys.executable).parent / "undelivered")
#: A machine that does much else at the same time.
PATIENCE_S = 60.0


class Program:
    """One `undelivered run` at a time, on one data directory that stays."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {"DATA_DIR": str(self.data_dir), "WEB_PORT": str(self.port), "SMTP_PORT": "0", **settings}
        self.process: subprocess.Popen[bytes] | None = None
        self.runs = 0
        self.seen: list[psutil.Process] = []

    # --- life ---

    def start(self) -> float:
        """Starts it and waits for its greeting; how many seconds that took."""
        began = time.monotonic()
        self.launch()
        try:
            until(lambda: "Ctrl-C" in self.said or not self.runs_still)
            assert self.runs_still
        except AssertionError:
            raise AssertionError(self.said) from None
        return time.monotonic() - began

    def launch(self) -> None:
        """Starts it, and waits for nothing."""
        self.runs += 1
        with self.words.open("wb") as words:
            self.process = subprocess.Popen(
                [COMMAND, "run"],
                env=self.environ(),
                stdout=words,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,  # the strictest that is usual: PostgreSQL's own account must get through all the same
            )

    def until_ready(self) -> None:
        until(lambda: self.get("/readyz")[0] == 200)

    def stop(self, number: signal.Signals = signal.SIGINT) -> float:
        """Ends it as Ctrl-C does: the signal reaches all of its process group; how many seconds that took."""
        assert self.process is not None
        self.tree()
        began = time.monotonic()
        os.killpg(self.process.pid, number)
        self.process.wait(PATIENCE_S)
        return time.monotonic() - began

    def end(self) -> None:
        """Whatever is left of it is gone afterwards."""
        if self.runs_still:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop()
        for process in self.seen:
            with contextlib.suppress(psutil.Error):
                process.kill()

    @property
    def runs_still(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def tree(self) -> dict[str, psutil.Process]:
        """Its processes by what they do: "run", "web", "serving", "worker", "smtp", "rehearsal", "postgres" ..."""
        assert self.process is not None
        main = psutil.Process(self.process.pid)
        found = {"run": main}
        for child in main.children():
            with contextlib.suppress(psutil.Error):
                found["postgres" if child.name() == "postgres" else _command_of(child)] = child
                for grandchild in child.children() if "web" in _command_of(child) else ():
                    found["serving"] = grandchild
        self.seen += [*main.children(recursive=True), main]
        return found

    def alive(self) -> list[psutil.Process]:
        """Those of its processes, of all its runs, that have not ended."""
        return [process for process in self.seen if not _ended(process)]

    # --- what it says, and what is said to it ---

    @property
    def words(self) -> Path:
        return self.folder / f"words-{self.runs}"

    @property
    def said(self) -> str:
        """Everything that this run has printed."""
        return self.words.read_text()

    def named(self, row: str) -> str:
        """A row of the greeting: "Open", "Password" ..."""
        found = re.search(rf"^  {row} +(.+)$", self.said, re.MULTILINE)
        assert found, self.said
        return found[1]

    def environ(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("UNDELIVERED_", "DJANGO_"))}
        return kept | {f"UNDELIVERED_{name}": value for name, value in {**self.settings, **more}.items()}

    def command(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """`undelivered ARGUMENTS` from another shell of the same user."""
        return subprocess.run(
            [COMMAND, *arguments], env=self.environ(**more), capture_output=True, text=True, timeout=PATIENCE_S
        )

    def get(self, path: str) -> tuple[int, str]:
        """A page as a stranger gets it; status 0 where nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""


class Api:
    """The REST API, as a script uses it."""

    def __init__(self, program: Program, project: str = "IT") -> None:
        made = program.command("token", "create", "--project", project)
        assert made.returncode == 0, made.stderr
        self.token = made.stdout.strip()
        assert made.stdout == self.token + "\n", "the token is printed alone"
        self.url = f"{program.url}/api/v1"

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def post(self, path: str, **body: Any) -> Any:
        return self.call("POST", path, body)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def all(self, path: str) -> list[dict[str, Any]]:
        """Every row of a list, page by page."""
        rows: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.get(path + ("&" if "?" in path else "?") + "limit=100" + cursor)
            rows += page["items"]
            if page["next"] is None:
                return rows
            cursor = f"&cursor={page['next']}"


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own account can pass through, unlike pytest's."""
    made = Path(tempfile.mkdtemp(prefix="undelivered-journey-"))
    made.chmod(0o711)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def until(done: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Waits for what another process does."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _command_of(process: psutil.Process) -> str:
    words = process.cmdline()
    return str(words[words.index("undelivered") + 1] if "undelivered" in words else process.name())


def _ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True
