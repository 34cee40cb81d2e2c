"""Phrases: whole words, any accents and punctuation, the earlier section first."""

from __future__ import annotations

from undelivered.bounces import Cause, phrases
from undelivered.bounces.matching import PhraseBook, words_of

BOOK = PhraseBook([(Cause.BLOCKED, "on * list; dnsbl"), (Cause.MAILBOX_FULL, "boîte pleine; is full; いっぱい")])


def found(text: str) -> Cause | None:
    phrase = BOOK.find(words_of(text))
    return phrase.cause if phrase else None


def test_punctuation_case_and_accents_do_not_count() -> None:
    assert words_of("Boîte-Pleine: it's <ann@example.com>!") == " boite pleine its @ "
    assert found("BOITE... PLEINE") is Cause.MAILBOX_FULL


def test_only_whole_words_count() -> None:
    assert found("dnsblx") is None


def test_a_star_stands_for_anything_between() -> None:
    assert found("you are on some list") is Cause.BLOCKED
    assert found("list on") is None


def test_the_earlier_section_wins_wherever_its_words_stand() -> None:
    assert found("is full, see dnsbl") is Cause.BLOCKED


def test_scripts_without_spaces_are_found_inside_words() -> None:
    assert found("メールボックスがいっぱいです") is Cause.MAILBOX_FULL


def test_no_row_of_the_tables_is_hidden_by_an_equal_one_before_it() -> None:
    for book in (phrases.exact, phrases.general):
        seen: dict[str, str] = {}
        for wording in book.wordings:
            form = " * ".join(map(words_of, wording.split(" * ")))
            assert form not in seen, f"{wording!r} stands twice: {seen.get(form)!r}"
            seen[form] = wording
