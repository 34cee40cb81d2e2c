"""What others may import is what the package lists, and it stands alone."""

from __future__ import annotations

from undelivered import bounces


def test_the_package_offers_two_verbs_and_their_answers() -> None:
    assert bounces.__all__ == [
        "FACTS", "Cause", "Decision", "Facts", "Kind", "Original", "Report", "Result", "Suppress", "classify", "read",
    ]  # fmt: skip
    for name in bounces.__all__:
        assert getattr(bounces, name) is not None


def test_answers_can_be_kept_in_sets_and_compared() -> None:
    assert len({bounces.classify("550 no"), bounces.classify("550 no")}) == 1
    assert bounces.read(b"") == bounces.read(b"")
