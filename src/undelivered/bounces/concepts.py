"""Finds which concepts stand close together in a reply: `find`. The tables are in `wordings.concepts`.

One pass over the words; each rule then only compares the few places where its concepts stand.
"""

from __future__ import annotations

from dataclasses import dataclass

from undelivered.bounces.matching import words_of
from undelivered.bounces.reasons import Cause
from undelivered.bounces.wordings.concepts import CONCEPTS, RULES

MAX_WORDS = 300
MAX_PLACES = 12  # of one concept that are compared


@dataclass(frozen=True, slots=True)
class Rule:
    """Concepts that together mean a cause."""

    cause: Cause
    wording: str
    concepts: tuple[str, ...]
    within: int


def _filed() -> dict[str, tuple[str, ...]]:
    """Word or run of words -> the concepts it stands for."""
    filed: dict[str, tuple[str, ...]] = {}
    for concept, lines in CONCEPTS.items():
        for row in lines.split(";"):
            if wording := words_of(row).strip():
                filed[wording] = (*filed.get(wording, ()), concept)
    for rule in _RULES:
        for concept in rule.concepts:
            if concept not in CONCEPTS:  # a word of its own
                filed[concept] = (*filed.get(concept, ()), concept)
    return filed


_RULES = tuple(Rule(cause, wording, tuple(wording.split(" + ")), within) for cause, wording, within in RULES)
_FILED = _filed()
_FIRST_WORDS = frozenset(wording.split()[0] for wording in _FILED if " " in wording)


def find(words: str) -> Rule | None:
    """The first rule that fits a text that went through `words_of`."""
    places = _places([w for w in words.split()[:MAX_WORDS] if not w.isdigit()])  # an IP address is four of them
    if not places:
        return None
    for rule in _RULES:
        if all(concept in places for concept in rule.concepts) and _together(rule, places):
            return rule
    return None


def _places(words: list[str]) -> dict[str, list[tuple[int, int]]]:
    """Concept -> where it stands: first and last word."""
    places: dict[str, list[tuple[int, int]]] = {}

    def note(wording: str, first: int, last: int) -> None:
        for concept in _FILED.get(wording, ()):
            at = places.setdefault(concept, [])
            if len(at) < MAX_PLACES:
                at.append((first, last))

    for number, word in enumerate(words):
        note(word, number, number)
        if word in _FIRST_WORDS and number + 1 < len(words):
            pair = f"{word} {words[number + 1]}"
            note(pair, number, number + 1)
            if number + 2 < len(words):
                note(f"{pair} {words[number + 2]}", number, number + 2)
    return places


def _together(rule: Rule, places: dict[str, list[tuple[int, int]]]) -> bool:
    first, *others = (places[concept] for concept in rule.concepts)
    for start, end in first:
        near = [
            any(max(e, end) - min(s, start) <= rule.within and (e < start or s > end) for s, e in other)
            for other in others
        ]
        if all(near):
            return True
    return False
