"""What is documented is whole: every setting, command, reason, state, event and cause has its place in docs/."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from undelivered.bounces import FACTS, Cause, Suppress
from undelivered.delivery.models import EventType
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import MOVES, State
from undelivered.ops.rehearsal import ANSWERS
from undelivered.rules.events import EVENTS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def rows(text: str) -> dict[str, list[str]]:
    """The rows of a page's tables by what stands in their first cell."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")
    ]
    return {first: rest for first, *rest in cells}


def test_the_generated_parts_are_what_make_docs_would_write() -> None:
    # In a process of its own: click remembers on a command how it was called before.
    done = subprocess.run([sys.executable, DOCS / "generate.py", "--check"], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("", 0), f"run `make docs`: {done.stdout}{done.stderr}"


def test_every_reason_has_its_label_as_a_heading_with_meaning_and_next_step() -> None:
    text = page("reasons.md")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [reason.label for reason in Reason]
    sections = dict(zip(Reason, re.split(r"^## .+$", text, flags=re.MULTILINE)[1:], strict=True))
    for reason, section in sections.items():
        assert f"`{reason.value}`" in section
        for word in ("**Means**", "**Next:**", "**Example:**"):
            assert word in section, reason


def test_every_state_has_its_row_with_what_may_follow() -> None:
    found = rows(page("notification-life.md").partition("## The states")[2].partition("## ")[0])
    for state in State:
        followers = set(re.findall(r"`(\w+)`", found[f"`{state.value}`"][1]))
        assert followers == {follower.value for follower in MOVES[state]}, state


def test_every_line_of_history_is_explained() -> None:
    history = page("notification-life.md").partition("## The history")[2]
    assert {event.value for event in EventType} <= set(re.findall(r"`(\w+)`", history))


def test_every_event_has_its_row() -> None:
    found = rows(page("notifications.md"))
    for slug, event in EVENTS.items():
        assert found[f"`{slug}`"][0] == event.meaning


def test_every_cause_has_its_heading() -> None:
    headings = " ".join(re.findall(r"^###? (.+)$", page("bounces.md"), re.MULTILINE))
    assert {cause.value for cause in Cause} <= set(re.findall(r"\w+", headings))


def test_the_causes_that_block_an_address_are_told() -> None:
    told = {Suppress.AT_ONCE, Suppress.COMPLAINT, Suppress.AFTER_REPEATS, Suppress.NEVER}
    assert {facts.suppress for facts in FACTS.values()} <= told
    assert len(rows(page("reasons.md").partition("decided by their cause alone")[2])) == 2 + len(told)


@pytest.mark.parametrize("tag", list(ANSWERS))
def test_everything_that_the_rehearsal_answers_is_in_the_quickstart(tag: str) -> None:
    assert f"+{tag}" in page("quickstart.md")


def links() -> Iterator[tuple[Path, str]]:
    for path in PAGES:
        text = re.sub(r"```.*?```|`[^`]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" not in target and not target.startswith("mailto:"):
                yield path, target


@pytest.mark.parametrize(("path", "target"), [pytest.param(p, t, id=f"{p.name}:{t}") for p, t in links()])
def test_a_link_leads_somewhere(path: Path, target: str) -> None:
    file, _, heading = target.partition("#")
    found = (path.parent / file) if file else path
    if "screenshots/" in file and not found.parent.exists():
        pytest.skip("`make screenshots` makes them")
    assert found.exists(), f"{path.name} links to {target}"
    if heading:
        headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
        assert heading in {_anchor(one) for one in headings}


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("name", [path.name for path in sorted(DOCS.glob("*.md"))])
def test_every_page_is_reached_from_the_readme(name: str) -> None:
    assert f"docs/{name}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_setting_that_a_page_names_exists() -> None:
    from dataclasses import fields

    from undelivered.env import PREFIX, Env

    known = {PREFIX + one.name.upper() for one in fields(Env)}
    named = {
        name for path in PAGES for name in re.findall(r"UNDELIVERED_[A-Z_]+[A-Z]", path.read_text(encoding="utf-8"))
    }
    assert {name.removesuffix("_FILE") for name in named} <= known | {"UNDELIVERED_TEST_DATABASE_URL"}


def test_every_target_of_make_leads_somewhere() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for file in re.findall(r"\$\(BIN\)/python ((?:docs|tests)/\S+\.py)", makefile):
        assert (ROOT / file).is_file(), file
    for module in re.findall(r"\$\(BIN\)/python -m (benchmarks)", makefile):
        assert (ROOT / module / "__main__.py").is_file(), module
