"""Places: the connections of a provider, and whose mail takes the next one that is free.

A shared provider's connections are not held by one project alone, however slow its mails are: projects take turns, and
the last tenth of the connections, at least one, is kept for those that have none of their mails under way.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, Protocol, TypeVar


class _Of(Protocol):
    @property
    def project_id(self) -> int: ...


class _Mail(Protocol):
    @property
    def row(self) -> _Of: ...


M = TypeVar("M", bound=_Mail)


class Places(Generic[M]):
    """One provider's, and the mails that wait for them."""

    def __init__(self, n: int, *, shared: bool) -> None:
        self.n, self.shared = n, shared
        self._waiting: OrderedDict[int, deque[M]] = OrderedDict()  # by project, in the order of their turns
        self._under_way: dict[int, int] = {}  # by project
        self._taken = 0

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def join(self, mail: M) -> None:
        self._waiting.setdefault(mail.row.project_id, deque()).append(mail)

    def next(self) -> M | None:
        """The mail that takes a free place; it holds it until it has `left`."""
        free = self.n - self._taken
        if free <= 0:
            return None
        kept = max(1, self.n // 10) if self.shared and self.n > 1 else 0
        for project in self._waiting:
            if free > kept or project not in self._under_way:
                return self._go(project)
        return None

    def _go(self, project: int) -> M:
        mails = self._waiting[project]
        mail = mails.popleft()
        if mails:
            self._waiting.move_to_end(project)
        else:
            del self._waiting[project]
        self._take(project)
        return mail

    def _take(self, project: int) -> None:
        self._under_way[project] = self._under_way.get(project, 0) + 1
        self._taken += 1

    def hand_on(self, mail: M) -> M | None:
        """The mail that comes to its place behind it, and has it from now on. None: it keeps its place."""
        self.left(mail)
        following = self.next()
        if following is None:
            self._take(mail.row.project_id)
        return following

    def left(self, mail: M) -> None:
        """Its place is free again."""
        project = mail.row.project_id
        self._taken -= 1
        self._under_way[project] -= 1
        if not self._under_way[project]:
            del self._under_way[project]

    def clear(self) -> list[M]:
        """Sends away all who wait."""
        mails = [mail for those in self._waiting.values() for mail in those]
        self._waiting.clear()
        return mails
