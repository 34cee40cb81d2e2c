"""Group commit: what several threads have to store at the same moment is stored by one statement.

The first comes at once. Who comes while that is under way waits, and goes with the next one: the busier a process, the
larger its transactions, and nobody ever waits for others to come. If a common statement fails, each stores its own, so
that nobody is refused because of somebody else's mail.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

#: What one statement holds at most.
MOST_THINGS = 200


def _held() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Turn(Generic[T]):
    things: Sequence[T]
    awaited: Lock = field(default_factory=_held)  # released when there is something for its thread to do
    leads: bool = False
    stored: bool = False


class Group(Generic[T]):
    """`store` is called for several at once, in the thread of one of them. It stores all or nothing, and may be
    repeated."""

    def __init__(self, store: Callable[[Sequence[T]], None]) -> None:
        self._store = store
        self._lock = Lock()
        self._waiting: deque[_Turn[T]] = deque()
        self._led = False  # somebody stores, and will call the next one

    def put(self, things: Sequence[T]) -> None:
        """Returns when they are stored, and raises what `store` raises for them."""
        mine = _Turn(things)
        with self._lock:
            self._waiting.append(mine)
            mine.leads, self._led = not self._led, True
        if not mine.leads:
            mine.awaited.acquire()
        if mine.leads:
            self._lead(mine)
        elif not mine.stored:
            self._store(things)

    def _lead(self, mine: _Turn[T]) -> None:
        with self._lock:
            turns = self._take()
        assert turns[0] is mine
        try:
            self._store([one for turn in turns for one in turn.things])
        except Exception:
            if len(turns) == 1:
                raise
        else:
            for turn in turns:
                turn.stored = True
        finally:
            self._hand_over(turns[1:])
        if not mine.stored:
            self._store(mine.things)

    def _take(self) -> list[_Turn[T]]:
        """Those who wait, as many as one statement holds; at least one."""
        turns = [self._waiting.popleft()]
        n = len(turns[0].things)
        while self._waiting and (n := n + len(self._waiting[0].things)) <= MOST_THINGS:
            turns.append(self._waiting.popleft())
        return turns

    def _hand_over(self, others: Sequence[_Turn[T]]) -> None:
        """The next one who waits leads, and those who went with this one know."""
        with self._lock:
            heir = self._waiting[0] if self._waiting else None
            self._led = heir is not None
        if heir is not None:
            heir.leads = True
            heir.awaited.release()
        for turn in others:
            turn.awaited.release()
