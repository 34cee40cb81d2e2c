"""Children are started, started again after a growing pause, and stopped in order: with processes that only pretend."""

from __future__ import annotations

import signal
import subprocess
from typing import Any

import pytest

from undelivered.ops import supervisor
from undelivered.ops.supervisor import FIRST_PAUSE_S, LONGEST_PAUSE_S, WELL_S, Child, Supervisor


class Pretended:
    """What the supervisor needs of a process. `stubborn`: SIGTERM means nothing to it."""

    made: list[Pretended]

    def __init__(self, command: list[str], **options: Any) -> None:
        self.command, self.options = command, options
        self.returncode: int | None = None
        self.signals: list[int] = []
        self.stubborn = False
        self.made.append(self)

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        self.signals.append(number)
        if not self.stubborn:
            self.returncode = -number

    def kill(self) -> None:
        self.signals.append(signal.SIGKILL)
        self.returncode = -signal.SIGKILL

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.command, timeout or 0)
        return self.returncode


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Pretended]:
    Pretended.made = []
    monkeypatch.setattr(supervisor.subprocess, "Popen", Pretended)
    return Pretended.made


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def watching(processes: list[Pretended], said: list[str]) -> Supervisor:
    return Supervisor({"A": "b"}, said.append)


def started(child: Child) -> float:
    assert child.process is not None
    return child.started


def test_a_child_gets_our_environment_a_session_of_its_own_and_our_process_id(watching, processes):
    watching.add("worker", "worker")
    assert processes[0].command[1:5] == ["-m", "undelivered", "worker", "--parent"]
    assert processes[0].options["env"] == {"A": "b"}
    assert processes[0].options["start_new_session"]


def test_a_child_that_lives_is_left_alone(watching, processes, said):
    watching.add("worker", "worker")
    watching.check()
    assert len(processes) == 1
    assert said == []


def test_a_child_that_died_is_started_again_after_a_pause_and_somebody_is_told(watching, processes, said):
    child = watching.add("worker", "worker")
    now = started(child) + 1
    processes[0].returncode = -9
    watching.check(now)
    assert said == ["The worker ended (exit code -9); it is started again."]
    watching.check(now + FIRST_PAUSE_S / 2)
    assert len(processes) == 1
    watching.check(now + FIRST_PAUSE_S)
    assert len(processes) == 2


def test_the_pause_grows_with_every_death_in_a_row_up_to_a_limit(watching, processes):
    child = watching.add("worker", "worker")
    pauses = []
    for _ in range(10):
        processes[-1].returncode = 1
        child.started = 1000.0
        watching.check(1001.0)
        pauses.append(child.due - 1001.0)
        watching.check(child.due)
    assert pauses[:4] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S, 8 * FIRST_PAUSE_S]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_the_death_of_a_child_that_was_well_for_long_is_its_first_again(watching, processes):
    child = watching.add("worker", "worker")
    child.deaths = 5
    processes[0].returncode = 1
    watching.check(started(child) + WELL_S + 1)
    assert child.deaths == 1


def test_whoever_wants_to_know_of_a_death_is_called(watching, processes):
    dead: list[str] = []
    watching.on_death = lambda child: dead.append(child.name)
    watching.add("worker", "worker")
    watching.add("web server", "web")
    processes[0].returncode = 1
    watching.check()
    assert dead == ["worker"]


def test_what_runs_once_is_not_started_again(watching, processes, said):
    child = watching.add_once("sample", "sample")
    processes[0].returncode = 0
    watching.check(started(child) + 1000)
    assert len(processes) == 1
    assert said == []


def test_what_runs_once_and_fails_says_so_once(watching, processes, said):
    watching.add_once("sample", "sample")
    processes[0].returncode = 1
    watching.check()
    watching.check()
    assert said == ["The sample ended early (exit code 1); it goes on at the next start."]


def test_all_are_asked_to_stop_before_anybody_is_waited_for(watching, processes, said):
    watching.add("web server", "web")
    watching.add("worker", "worker")
    watching.stop()
    assert [process.signals for process in processes] == [[signal.SIGTERM], [signal.SIGTERM]]
    assert said == []
    assert not any(child.alive for child in watching.children)


def test_who_does_not_stop_in_time_is_killed(watching, processes, said):
    watching.add("worker", "worker")
    processes[0].stubborn = True
    watching.stop(seconds=0)
    assert processes[0].signals == [signal.SIGTERM, signal.SIGKILL]
    assert said == ["The worker did not end in time and was killed. Nothing is lost."]
