"""What is documented is what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from undelivered.bounces import Cause

DOC = (Path(__file__).resolve().parents[2] / "docs" / "bounces.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("cause", Cause)
def test_a_cause_is_documented_in_its_own_words(cause: Cause) -> None:
    section = DOC.partition(f"\n### {cause.value}\n")[2].partition("\n#")[0]
    assert cause.facts.title in section
    assert cause.facts.meaning in section
    assert cause.facts.what_to_do in section


def test_the_files_that_the_guide_names_exist() -> None:
    package = Path(__file__).resolve().parents[2] / "src" / "undelivered" / "bounces"
    for name in (
        "read.py",
        "shapes.py",
        "phrases.py",
        "replies.py",
        "providers.py",
        "status.py",
        "signs.py",
        "dialects/__init__.py",
    ):
        assert name in DOC
        assert (package / name).is_file()
