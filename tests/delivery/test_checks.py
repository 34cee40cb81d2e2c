"""The checks before sending: the first objection wins, and says what is wrong with this very mail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from undelivered.delivery.checks import CHECKS, Candidate, check
from undelivered.delivery.reasons import Reason

FINE = Candidate(recipient="ann@x.example", render_error="", suppressed="", size=1000, size_limit=2000)


def test_nothing_is_said_against_a_fine_mail():
    assert check(FINE) is None


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"render_error": "line 3: unknown tag"}, Reason.INTERNAL_ERROR, "line 3: unknown tag"),
        ({"recipient": "ann.x.example"}, Reason.EMAIL_VALIDATION_ERROR, "@"),
        ({"recipient": "ann,bob@x.example"}, Reason.EMAIL_VALIDATION_ERROR, "comma"),
        ({"recipient": "Ann <ann@x.example"}, Reason.EMAIL_VALIDATION_ERROR, "bracket"),
        ({"recipient": ""}, Reason.EMAIL_VALIDATION_ERROR, ""),
        ({"recipient": "someone@192.168.0.217"}, Reason.PRIVATE_ADDRESS, "192.168.0.217"),
        ({"recipient": "ann@[IPv6:fd00::1]"}, Reason.PRIVATE_ADDRESS, "fd00::1"),
        ({"recipient": "ann@localhost"}, Reason.PRIVATE_ADDRESS, "localhost"),
        ({"suppressed": "Blocked since yesterday."}, Reason.SUPPRESSED, "Blocked since yesterday."),
        ({"size": 2001}, Reason.TEMPLATE_TOO_LARGE, "2 kB"),
    ],
)
def test_each_objection_has_its_reason_and_its_words(change, reason, words):
    found = check(replace(FINE, **change))
    assert found is not None
    assert found.reason is reason
    assert words in found.detail
    assert found.detail.endswith((".", "tag"))


def test_the_size_limit_itself_is_allowed():
    assert check(replace(FINE, size=2000)) is None


def test_large_sizes_are_said_in_megabytes():
    found = check(replace(FINE, size=7 * 1024 * 1024, size_limit=6 * 1024 * 1024))
    assert found is not None
    assert found.detail == "The mail has 7.0 MB; the limit is 6.0 MB."


def test_the_first_objection_wins():
    everything = Candidate(
        recipient="ann.x.example", render_error="no", suppressed="Blocked.", size=3000, size_limit=2000
    )
    order = [found.reason for one in CHECKS if (found := one(everything))]
    assert order[0] is Reason.INTERNAL_ERROR
    assert check(everything) == CHECKS[0](everything)
    assert check(replace(everything, render_error="")).reason is Reason.EMAIL_VALIDATION_ERROR
