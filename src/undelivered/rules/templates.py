"""A rule's template: run with the values of its variables, and checked before it is kept. Errors are in plain words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from liquid.exceptions import (
    BlockNestingError,
    LiquidError,
    LocalNamespaceLimitError,
    LoopIterationLimitError,
    OutputStreamLimitError,
    UnknownFilterError,
)

from undelivered.desk import typed
from undelivered.desk.bad_input import BadInput
from undelivered.rules.fence import FILTERS, LARGEST_OUTPUT, MARKS, MOST_ITERATIONS, Empty, Fenced, Output, Template
from undelivered.rules.variables import VARIABLES

LONGEST_SOURCE = 8_000_000  # characters


class TemplateError(BadInput):
    """A template cannot be read or rendered. `line` is where, counted from 1; `field` is `subject` or `body`."""

    def __init__(self, message: str, line: int | None = None, field: str = "body") -> None:
        super().__init__(field, f"Line {line}: {message}" if line else message)
        self.message, self.line, self.field = message, line, field


_ENVIRONMENT = Fenced()


def run(source: str, variables: Mapping[str, str], *, field: str = "body") -> Output:
    """A template's output for these variables. Raises `TemplateError`."""
    template = _compiled(source, field)
    try:
        return template.run(_nested(variables))
    except LiquidError as error:
        raise _in_words(error, source, field) from error
    except (ArithmeticError, ValueError, TypeError, RecursionError) as error:  # a filter that met what it cannot take
        raise TemplateError(f"The template cannot be rendered: {error}.", None, field) from error


def _nested(flat: Mapping[str, str]) -> dict[str, Any]:
    """As Liquid looks names up: `{"request": {"key": ...}}`. Nobody's text can hold a mark afterwards."""
    found: dict[str, Any] = {}
    for name in VARIABLES:
        thing, _, attribute = name.partition(".")
        value = MARKS[name] if name in MARKS else typed.text(flat.get(name, "")) or Empty()
        found.setdefault(thing, {})[attribute] = value
    return found


def check_names(source: str, *, field: str = "body", event: str | None = None) -> None:
    """Raises `TemplateError` for a variable that does not exist, or that has no value when `event` happens."""
    analysis = _compiled(source, field).analyze()
    for uses in analysis.globals.values():
        for use in uses:
            name = str(use)
            known = name in VARIABLES and (event is None or event in VARIABLES[name].events)
            if not known:
                raise TemplateError(_unknown(name, event), use.span.line_col(_clean(source))[0], field)


def _unknown(name: str, event: str | None) -> str:
    usable = [one.name for one in VARIABLES.values() if event is None or event in one.events]
    if name in VARIABLES:
        return f"“{name}” has no value in this notification."
    said = f"There is no variable “{name}”."
    if near := difflib.get_close_matches(name, usable, 1, 0.85):
        return f"{said} Did you mean “{near[0]}”?"
    if siblings := [one for one in usable if one.startswith(f"{name.partition('.')[0]}.")]:
        return f"{said} There are: {', '.join(siblings)}."
    last = {one.rpartition(".")[2]: one for one in usable}
    near = difflib.get_close_matches(name.rpartition(".")[2], last, 1, 0.7)
    return f"{said} Did you mean “{last[near[0]]}”?" if near else said


def _clean(source: str) -> str:
    return typed.text(source)


def _compiled(source: str, field: str) -> Template:
    if len(source) > LONGEST_SOURCE:
        raise TemplateError(
            f"The template is longer than {LONGEST_SOURCE // 1_000_000} million characters.", None, field
        )
    try:
        return _compile(_clean(source)) if len(source) < 200_000 else _compile.__wrapped__(_clean(source))
    except LiquidError as error:
        raise _in_words(error, source, field) from error


@lru_cache(maxsize=256)
def _compile(source: str) -> Template:
    template = _ENVIRONMENT.from_string(source)
    assert isinstance(template, Template)
    return template


_LIMITS: dict[type[LiquidError], str] = {
    BlockNestingError: "The tags are nested too deeply.",
    LoopIterationLimitError: f"The loops go round more than {MOST_ITERATIONS:,} times.",
    LocalNamespaceLimitError: "“assign” keeps too much.",
    OutputStreamLimitError: f"The template's text grows beyond {LARGEST_OUTPUT // 1_000_000} MB.",
}


def _in_words(error: LiquidError, source: str, field: str) -> TemplateError:
    """What a Liquid error says to a person who writes templates."""
    message = _LIMITS.get(type(error)) or str(error.message or "The template cannot be read.")
    if unclosed := re.match(r"expected tag end(\w+)", message):
        message = f"“{unclosed[1]}” is not closed by “{{% end{unclosed[1]} %}}”"
    if isinstance(error, UnknownFilterError):
        message = f"{message}. There are: {', '.join(sorted(FILTERS))}"
    message = message[:1].upper() + message[1:]
    return TemplateError(message if message.endswith((".", "?")) else f"{message}.", _line_of(error), field)


def _line_of(error: LiquidError) -> int | None:
    if error.token is None or error.token.start_index < 0:
        return None
    return error.token.source.count("\n", 0, error.token.start_index) + 1
