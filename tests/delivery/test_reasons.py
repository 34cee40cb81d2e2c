"""The eight reasons: their labels are the field's, and each says what it means and what to do."""

from __future__ import annotations

import pytest

from undelivered.bounces import FACTS
from undelivered.delivery.reasons import EXPLAINED, Reason


def test_the_labels_are_exactly_the_eight():
    assert [reason.label for reason in Reason] == [
        "Internal error",
        "Email validation error",
        "Notification template too large",
        "Email notifications limit reached",
        "Email address added to suppression list",
        "Private email address",
        "Error from email service provider",
        "Unknown error",
    ]


@pytest.mark.parametrize("reason", Reason)
def test_each_says_what_it_means_and_what_to_do_in_sentences(reason):
    explained = EXPLAINED[reason]
    for text in (explained.meaning, explained.next_step):
        assert text[0].isupper()
        assert text.endswith(".")
    assert explained.meaning != explained.next_step


def test_each_has_a_mark_of_its_own():
    assert len({explained.mark for explained in EXPLAINED.values()}) == len(Reason)


def test_the_bounce_library_names_no_other_reasons():
    assert {facts.reason for facts in FACTS.values()} - {None} <= set(Reason.values)
