"""Room: what a worker has in hand, and how much more it takes of whom.

No one fills it: a project gets no more of the room than what is left when as much is kept for its provider's other
projects, and for other providers. So there is some for whoever comes next, however slow or large the mails in hand are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from undelivered.delivery.breaker import Known

K = TypeVar("K")

#: Mails in hand at once, and their bytes: a slow one must not keep the others waiting, nor may they fill the memory. So
#: many that one project alone has a batch ready while another is on its way.
MOST_IN_HAND = 2000
MOST_BYTES = 128 * 1024 * 1024
#: Larger mails are counted by their bytes, and loaded and written one by one.
LARGE = 32 * 1024
#: Of mails that are larger than this there is one in hand: it would never find room beside the others.
GIANT = MOST_BYTES // 4
#: Who has mail in hand gets no batch smaller than this: it would cost more than it moves.
LEAST = 200


@dataclass(slots=True)
class InHand:
    """What is on its way out, by provider and project."""

    most: int = MOST_IN_HAND
    mails: Counter[tuple[int, int]] = field(default_factory=Counter)
    bytes: int = 0
    large: Counter[int] = field(default_factory=Counter)  # bytes of a project's large mails
    giants: int = 0
    sizes: dict[int, int] = field(default_factory=dict)  # of projects whose last batch was of large mails: how large

    @property
    def total(self) -> int:
        return self.mails.total()

    @property
    def free(self) -> int:
        """How many more mails may be taken."""
        return max(0, self.most - self.total) if self.bytes < MOST_BYTES else 0

    def count(self, provider: int, project: int, size: int, n: int) -> None:
        """A mail of this size came (`n` is 1) or went (-1)."""
        self.bytes += n * size
        _add(self.mails, (provider, project), n)
        if size > LARGE:
            _add(self.large, project, n * size)
        if size > GIANT:
            self.giants += n

    def fits(self, project: int, size: int) -> bool:
        """Whether there is room for a large mail: a project's take no more bytes than they leave to the others."""
        if size > GIANT:
            return not self.giants
        return size <= MOST_BYTES - self.bytes - self.large[project]

    def learn(self, sizes: Iterable[tuple[int, int]]) -> None:
        """What a batch's mails were like: (project, size)."""
        total: Counter[int] = Counter()
        mails: Counter[int] = Counter()
        for project, size in sizes:
            total[project] += size
            mails[project] += 1
        for project, n in mails.items():
            self.sizes.pop(project, None)
            if total[project] > n * LARGE:
                self.sizes[project] = total[project] // n


class Room:
    """How many more mails may be claimed, by provider and project: a plan, in which `take` puts down what is taken."""

    def __init__(self, in_hand: InHand, rates: Mapping[int, int]) -> None:
        self.most, self.in_hand = in_hand.most, in_hand
        self.rates = dict(rates)  # of providers that have a rate: how many may leave now
        self._mails = in_hand.mails.copy()
        self._bytes, self._large = in_hand.bytes, in_hand.large.copy()
        self._of_provider: Counter[int] = Counter()
        for (provider, _), n in self._mails.items():
            self._of_provider[provider] += n

    def of(self, known: Known, project: int) -> int:
        if known.on_probation:
            return 0 if self._of_provider[known.id] else 1
        mine = self._mails[known.id, project]
        theirs, total = self._of_provider[known.id], self._of_provider.total()
        room = (self.most - total - theirs - mine) // 3
        if mine and room < LEAST:
            return 0
        if not mine and theirs < 3 * self.most // 4:
            room = max(room, min(1, self.most - total))
        return max(0, min(room, self.rates.get(known.id, room), self._by_size(project, room)))

    def _by_size(self, project: int, room: int) -> int:
        size = self.in_hand.sizes.get(project)
        if size is None:
            return room
        fit = (MOST_BYTES - self._bytes - self._large[project]) // (2 * size)
        return max(fit, int(not self._large[project] and self.in_hand.fits(project, size)))

    def take(self, known: Known, project: int, n: int) -> None:
        """So many more are taken; fewer, if `n` is negative."""
        self._mails[known.id, project] += n
        self._of_provider[known.id] += n
        if known.id in self.rates:
            self.rates[known.id] -= n
        if size := self.in_hand.sizes.get(project):
            self._bytes += n * size
            self._large[project] += n * size


def _add(counter: Counter[K], key: K, n: int) -> None:
    counter[key] += n
    if not counter[key]:
        del counter[key]
