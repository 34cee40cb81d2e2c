"""Concepts: sentences that stand in no table, understood by what they speak of"""

from __future__ import annotations

import pytest

from undelivered.bounces import concepts
from undelivered.bounces.matching import words_of
from undelivered.bounces.wordings.concepts import CONCEPTS, RULES


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("this customer's maildrop was removed", "userunknown"),
        ("Der Teilnehmer ist uns nicht bekannt", "userunknown"),
        ("Konto odbiorcy nie istnieje", "userunknown"),
        ("Alıcı adresi bulunamadı.", "userunknown"),
        ("La boîte du destinataire est saturée", "mailboxfull"),
        ("La cuenta del destinatario no tiene espacio", "mailboxfull"),
        ("the letter is bigger than what we take: size limit 5 MB", "emailtoolarge"),
        ("your network was banned here", "blocked"),
        ("sorry, the originator is forbidden", "rejected"),
        ("no more deliveries this hour: maximum reached", "ratelimited"),
    ],
)
def test_a_sentence_that_nobody_wrote_down_is_understood(said: str, cause: str) -> None:
    found = concepts.find(words_of(said))
    assert found is not None
    assert found.cause.value == cause


def test_concepts_that_stand_far_apart_do_not_make_a_sentence() -> None:
    assert concepts.find(words_of("user " + "and so on " * 10 + "unknown")) is None


def test_a_text_without_any_concept_decides_nothing() -> None:
    assert concepts.find(words_of("good morning")) is None
    assert concepts.find("") is None


def test_every_rule_is_made_of_concepts_or_plain_words() -> None:
    for _, wording, within in RULES:
        assert within >= 1
        for concept in wording.split(" + "):
            assert concept in CONCEPTS or concept == concept.lower(), wording
