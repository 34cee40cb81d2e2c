"""Deadlines of the attempts under way: one timer looks at all of them, now and then.

`asyncio.timeout` sets a timer for each, and again at each change, which costs a quick provider's mail more than its
dialogue does.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

#: A deadline is noticed late by up to this part of the usual time, and by a second at most.
PART, LATEST_S = 0.05, 1.0


class Deadlines:
    """Those of one provider's attempts. `usual_s` is the time that they usually get."""

    def __init__(self, usual_s: float) -> None:
        self.look_every_s = min(LATEST_S, usual_s * PART)
        self._open: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> Deadline:
        """`with deadlines.within(30) as deadline:` raises TimeoutError when the time is up."""
        return Deadline(self, asyncio.get_running_loop().time() + seconds)

    def begin(self, deadline: Deadline) -> None:
        self._open.add(deadline)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.look_every_s, self._look)

    def end(self, deadline: Deadline) -> None:
        self._open.discard(deadline)

    def _look(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for deadline in [one for one in self._open if one.at <= now]:
            deadline.pass_by()
        if self._open:
            self._timer = asyncio.get_running_loop().call_later(self.look_every_s, self._look)


class Deadline:
    """`at`, by the loop's clock, may be moved at any time."""

    __slots__ = ("_cancelling", "_passed", "_task", "_those", "at")

    def __init__(self, those: Deadlines, at: float) -> None:
        self._those, self.at = those, at
        self._passed = False

    def __enter__(self) -> Deadline:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        self._those.begin(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._those.end(self)
        # As `asyncio.timeout`: who is cancelled from outside, too, stays cancelled.
        if self._passed and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def pass_by(self) -> None:
        self._passed = True
        self._those.end(self)
        self._task.cancel()
