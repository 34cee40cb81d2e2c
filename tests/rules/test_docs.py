"""What is documented is what there is: events, variables, filters and limits."""

from __future__ import annotations

import re
from pathlib import Path

from undelivered.rules import fence, render, templates
from undelivered.rules.events import EVENTS
from undelivered.rules.variables import VARIABLES

PAGE = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text(encoding="utf-8")


def first_column(heading: str) -> list[str]:
    section = PAGE.split(f"# {heading}\n", 1)[1].split("\n#", 1)[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def test_every_event_is_documented_with_its_meaning() -> None:
    assert first_column("The events") == list(EVENTS)
    assert all(event.meaning in PAGE for event in EVENTS.values())


def test_every_variable_is_documented_with_its_meaning() -> None:
    assert first_column("Variables") == list(VARIABLES)
    assert all(variable.meaning in PAGE for variable in VARIABLES.values())


def test_every_filter_is_documented_and_nothing_else() -> None:
    listed = PAGE.split("Filters: ", 1)[1].split("\n\n", 1)[0]
    assert re.findall(r"`(\w+)`", listed) == sorted(fence.FILTERS)


def test_the_limits_are_those_of_the_code() -> None:
    assert f"{templates.LONGEST_SOURCE // 1_000_000} million characters" in PAGE
    assert f"{fence.LARGEST_OUTPUT // 1_000_000} MB" in PAGE
    assert f"{fence.MOST_ITERATIONS:,} times" in PAGE
    assert f"{fence.LONGEST_TIME:.0f} seconds" in PAGE
    assert f"{render.LONGEST_SUBJECT} characters" in PAGE
