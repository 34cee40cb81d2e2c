"""Finds phrases in a reply: many phrases, one pass, no regular expressions (so no input can make it slow).

Text and phrases are brought to the same form: lower case, no accents, addresses as `@`, punctuation as spaces. A phrase
is a run of whole words; ` * ` stands for anything between two runs. Each phrase is filed under its longest word, so
that a reply is only compared with the few phrases that share a word with it. Phrases in scripts that write no spaces
are filed apart and are only looked for in replies that are not ASCII.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from undelivered.bounces.reasons import Cause

MAX_TEXT = 4000  # characters of a reply that are looked at

_ADDRESS = re.compile(r"<?[^\s<>()\[\]\"',;:@]{1,128}@[\w.-]{1,255}>?")
_SPACES = dict.fromkeys('.,;:!?"<>()[]{}|\\/*=+~^$%&#_-\t\r\n\x0c\x0b\xa0“”„«»、。「」（）：・…–—', " ")
_DROPPED = dict.fromkeys("'`´’\xad\u200b\u200e\u200f", "")
_PLAIN = {"ı": "i", "ß": "ss", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe"}  # have no accent to be taken away
_FORM = str.maketrans({**_SPACES, **_DROPPED, **_PLAIN})
# Words that most replies have; a phrase is filed under a rarer one.
_COMMON_WORDS = """
the a an is are was be to of in on for not no and or by from with your you this that it has have been at @ mail email
message messages address user recipient mailbox account server host domain error delivery please try again later
sender rejected failed reason see our could can cannot does doesnt do 5 4 1 0 550 smtp remote said command reply
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def words_of(text: str) -> str:
    """The text as lower-case words with one space between and around them; `@` for each address."""
    if "@" in text:
        text = _ADDRESS.sub(" @ ", text)
    text = text.lower().translate(_FORM)
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return f" {' '.join(text.split())} "


@dataclass(frozen=True, slots=True)
class Phrase:
    """One row of a table: words that decide for a cause."""

    cause: Cause
    wording: str  # as written in the table, for "why"
    rank: int  # the lower rank wins
    runs: tuple[str, ...]

    def is_in(self, text: str) -> bool:
        at = 0
        for run in self.runs:
            at = text.find(run, at)
            if at < 0:
                return False
            at += len(run) - 1
        return True


class PhraseBook:
    """Ordered phrases, filed by word."""

    def __init__(self, sections: Iterable[tuple[Cause, str]]) -> None:
        self.wordings: list[str] = []  # every row, in order of precedence
        self._by_word: dict[str, list[Phrase]] = {}
        self._unspaced: list[Phrase] = []
        rank = 0
        for cause, lines in sections:
            for line in filter(None, (" ".join(row.split()) for row in lines.split(";"))):
                self._file(cause, line, rank)
                rank += 1
        self._first: dict[str, tuple[Phrase, ...]] = {w: tuple(p) for w, p in self._by_word.items()}

    def _file(self, cause: Cause, line: str, rank: int) -> None:
        self.wordings.append(line)
        runs = tuple(words_of(run) for run in line.split(" * "))
        if not _is_spaced(line):
            self._unspaced.append(Phrase(cause, line, rank, tuple(r.strip() for r in runs)))
            return
        key = max((w for r in runs for w in r.split()), key=lambda w: (w not in _COMMON, len(w)))
        self._by_word.setdefault(key, []).append(Phrase(cause, line, rank, runs))

    def find(self, text: str) -> Phrase | None:
        """The phrase of lowest rank in a text that went through `words_of`."""
        best: Phrase | None = None
        book = self._first
        for word in book.keys() & set(text.split()):
            for phrase in book[word]:
                if best is not None and phrase.rank > best.rank:
                    break
                if phrase.is_in(text):
                    best = phrase
                    break
        if not text.isascii():
            for phrase in self._unspaced:
                if best is not None and phrase.rank > best.rank:
                    break
                if phrase.is_in(text):
                    return phrase
        return best


def _is_spaced(line: str) -> bool:
    """False for scripts that write no spaces between words (kana, han, hangul particles, thai)."""
    return all(ord(c) < 0x0E00 or 0x1E00 <= ord(c) < 0x3000 for c in line)
