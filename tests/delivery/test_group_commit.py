"""Group commit: who comes while a statement is under way goes with the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from undelivered.delivery.group_commit import MOST_THINGS, Group

WAIT_S = 10.0


class Store:
    """Stores in a list. The first statement waits until it may go on, if it is told to."""

    def __init__(self) -> None:
        self.statements: list[list[str]] = []
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.refuses: Callable[[Sequence[str]], bool] = lambda things: False

    def __call__(self, things: Sequence[str]) -> None:
        first = not self.begun.is_set()
        self.begun.set()
        if first:
            assert self.go_on.wait(WAIT_S)
        if self.refuses(things):
            raise ValueError(f"refused: {' '.join(things)}")
        self.statements.append(list(things))


@pytest.fixture
def store() -> Store:
    return Store()


def put_all(group: Group[str], store: Store, *others: Sequence[str]) -> dict[str, Exception | None]:
    """The first is under way while the others come, in order; what each was told."""
    told: dict[str, Exception | None] = {}

    def put(things: Sequence[str]) -> None:
        try:
            group.put(things)
        except ValueError as error:
            told[things[0]] = error
        else:
            told[things[0]] = None

    threads = [threading.Thread(target=put, args=(["first"],))]
    threads[0].start()
    assert store.begun.wait(WAIT_S)
    for number, things in enumerate(others, start=1):
        threads.append(threading.Thread(target=put, args=(things,)))
        threads[-1].start()
        while len(group._waiting) < number:
            assert threads[-1].is_alive()
    store.go_on.set()
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()
    return told


def test_one_alone_is_stored_at_once(store):
    store.go_on.set()
    group = Group(store)
    group.put(["a"])
    group.put(["b", "c"])
    assert store.statements == [["a"], ["b", "c"]]


def test_those_who_come_meanwhile_are_stored_together(store):
    told = put_all(Group(store), store, ["a"], ["b", "c"], ["d"])
    assert store.statements == [["first"], ["a", "b", "c", "d"]]
    assert told == {"first": None, "a": None, "b": None, "d": None}


def test_a_statement_has_an_end(store):
    large = [str(n) for n in range(MOST_THINGS)]
    told = put_all(Group(store), store, ["a"], large, ["b"])
    assert store.statements == [["first"], ["a"], large, ["b"]]
    assert set(told.values()) == {None}


def test_what_cannot_be_stored_is_told_to_whom_it_belongs_and_to_nobody_else(store):
    store.refuses = lambda things: "bad" in things
    told = put_all(Group(store), store, ["a"], ["bad"], ["b"])
    assert sorted(store.statements) == [["a"], ["b"], ["first"]]
    assert {name for name, error in told.items() if error} == {"bad"}
    assert str(told["bad"]) == "refused: bad"


def test_after_a_failure_the_next_one_is_stored(store):
    store.refuses = lambda things: "first" in things
    group = Group(store)
    told = put_all(group, store, ["a"])
    assert isinstance(told["first"], ValueError)
    group.put(["later"])
    assert store.statements == [["a"], ["later"]]


def test_many_threads_store_everything_once():
    lock, stored = threading.Lock(), []

    def keep(things: Sequence[int]) -> None:
        with lock:
            stored.extend(things)

    group: Group[int] = Group(keep)
    threads = [
        threading.Thread(target=lambda first=first: [group.put([first + n]) for n in range(200)])
        for first in range(0, 1600, 200)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert sorted(stored) == list(range(1600))
    assert not group._led
    assert not group._waiting
