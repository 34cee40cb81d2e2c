"""Liquid, fenced in: the tags and filters that rules need, limits on time, loops and output, errors in plain words.

A template's output is Markdown in which every value is a token: a number between two private-use characters. Nothing
that a value says can therefore become Markdown, HTML or Liquid; `written` puts the values back where text is text.
"""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TextIO

from liquid import BoundTemplate, Environment, RenderContext
from liquid.builtin import content, illegal, output
from liquid.builtin.filters import array, misc, string
from liquid.builtin.tags import assign_tag, case_tag, comment_tag, for_tag, if_tag, inline_comment_tag, unless_tag
from liquid.exceptions import (
    BlockNestingError,
    LiquidError,
    LocalNamespaceLimitError,
    LoopIterationLimitError,
    OutputStreamLimitError,
    UnknownFilterError,
)
from liquid.filter import string_filter
from liquid.stringify import to_liquid_string

from undelivered.delivery import personal
from undelivered.delivery.personal import Personal
from undelivered.desk import typed
from undelivered.desk.bad_input import BadInput
from undelivered.rules.variables import VARIABLES, nested

#: The mail's own size limit is a check of its own, which says so: these are well above it.
LONGEST_SOURCE = 8_000_000
LARGEST_OUTPUT = 16_000_000  # bytes
MOST_ITERATIONS = 100_000
LARGEST_VARIABLES = 8_000_000  # bytes that `assign` may keep
LONGEST_TIME = 5.0  # seconds

_OPEN, _CLOSE = "\ue002", "\ue003"
MARKS: dict[str, str] = {name.value: personal.mark(name) for name in Personal}


class TemplateError(BadInput):
    """A template cannot be read or rendered. `line` is where, counted from 1; `field` is `subject` or `body`."""

    def __init__(self, message: str, line: int | None = None, field: str = "body") -> None:
        super().__init__(field, f"Line {line}: {message}" if line else message)
        self.message, self.line, self.field = message, line, field


@dataclass(slots=True)
class Output:
    """What a template gave: `text` with tokens, and the values behind them. Marks are in `text` as they are."""

    text: str
    values: list[str] = field(default_factory=list)

    def written(self, text: str, write: Callable[[str], str] = str) -> str:
        """`text`, a piece made from the output, with its tokens replaced by what `write` makes of their values."""
        if _OPEN not in text:
            return text
        first, *rest = text.split(_OPEN)
        pieces = [first]
        for piece in rest:
            number, _, after = piece.partition(_CLOSE)
            pieces += [write(self.values[int(number)]), after]
        return "".join(pieces)

    def alone(self, text: str) -> str | None:
        """The value, if `text` is one token and nothing else."""
        inner = text[1:-1]
        is_one = text.startswith(_OPEN) and text.endswith(_CLOSE) and inner.isdecimal()
        return self.values[int(inner)] if is_one else None


def has_token(text: str) -> bool:
    return _OPEN in text


class _Run(RenderContext):
    """One rendering: its deadline, and the values that it has put out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.values: list[str] = []
        self.deadline = time.monotonic() + LONGEST_TIME
        super().__init__(*args, **kwargs)

    @property
    def disabled_tags(self) -> list[str]:
        """Read before every node is rendered, which makes it the one place to look at the clock."""
        if time.monotonic() > self.deadline:
            raise LiquidError(f"The template takes longer than {LONGEST_TIME:.0f} seconds", token=None)
        return []

    @disabled_tags.setter
    def disabled_tags(self, names: list[str]) -> None:
        """No tag is disabled: those that are not wanted do not exist."""

    def put(self, value: object) -> str:
        """A value as it goes into the output: a token, and personal marks as they are."""
        text = to_liquid_string(value, autoescape=False)
        pieces = []
        for piece in _split_marks(text):
            if piece in _KNOWN_MARKS:
                pieces.append(piece)
            elif piece:
                pieces.append(self._token(piece))
        return "".join(pieces)

    def _token(self, piece: str) -> str:
        if personal.OPEN in piece or personal.CLOSE in piece:
            raise LiquidError(f"A filter cannot change what differs between recipients: {', '.join(MARKS)}", token=None)
        if not (clean := typed.text(piece)):
            return ""
        self.values.append(clean)
        return f"{_OPEN}{len(self.values) - 1}{_CLOSE}"


_KNOWN_MARKS = frozenset(MARKS.values())


def _split_marks(text: str) -> list[str]:
    """`text` cut before and after each whole personal mark."""
    if personal.OPEN not in text:
        return [text]
    pieces = [text]
    for mark in _KNOWN_MARKS:
        cut: list[str] = []
        for piece in pieces:
            if piece in _KNOWN_MARKS:
                cut.append(piece)
                continue
            first, *rest = piece.split(mark)
            cut.append(first)
            for part in rest:
                cut += [mark, part]
        pieces = cut
    return pieces


class _ValueNode(output.OutputNode):
    """`{{ ... }}`, which puts out a token instead of the value."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        assert isinstance(context, _Run)
        return buffer.write(context.put(self.expression.evaluate(context)))


class _ValueOutput(output.Output):
    node_class = _ValueNode


class _Template(BoundTemplate):
    context_class = _Run

    def run(self, variables: Mapping[str, object]) -> Output:
        context = _Run(self, globals=variables)
        buffer = self._get_buffer()
        self.render_with_context(context, buffer)
        return Output(buffer.getvalue(), context.values)


@string_filter
def _replace(val: str, old: object, new: object = "") -> str:
    """As Liquid's own, but for replacements that would grow without bounds."""
    old, new = str(old), str(new)
    if val.count(old) * len(new) > LARGEST_VARIABLES:
        raise LiquidError("The result of “replace” is too long.", token=None)
    return val.replace(old, new)


#: Few on purpose: nothing here can take long or grow without bounds (`date`, `times`, `split` and others could).
FILTERS: dict[str, Callable[..., Any]] = {
    "append": string.append,
    "capitalize": string.capitalize,
    "default": misc.default,
    "downcase": string.downcase,
    "prepend": string.prepend,
    "remove": string.remove,
    "replace": _replace,
    "size": misc.size,
    "first": array.first,
    "last": array.last,
    "strip": string.strip,
    "strip_newlines": string.squish,
    "truncate": string.truncate,
    "truncatewords": string.truncatewords,
    "upcase": string.upcase,
}
TAGS = (
    content.Literal,
    illegal.Illegal,
    _ValueOutput,
    assign_tag.AssignTag,
    case_tag.CaseTag,
    comment_tag.CommentTag,
    for_tag.ForTag,
    for_tag.BreakTag,
    for_tag.ContinueTag,
    if_tag.IfTag,
    inline_comment_tag.InlineCommentTag,
    unless_tag.UnlessTag,
)


class _Fenced(Environment):
    template_class = _Template
    output_stream_limit = LARGEST_OUTPUT
    loop_iteration_limit = MOST_ITERATIONS
    local_namespace_limit = LARGEST_VARIABLES

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in TAGS:
            self.add_tag(tag)
        for name, func in FILTERS.items():
            self.add_filter(name, func)


_ENVIRONMENT = _Fenced()


def run(source: str, variables: Mapping[str, str], *, field: str = "body") -> Output:
    """A template's output for these variables. Raises `TemplateError`."""
    template = _compiled(source, field)
    try:
        return template.run(nested(variables, MARKS))
    except LiquidError as error:
        raise _in_words(error, source, field) from error
    except (ArithmeticError, ValueError, TypeError, RecursionError) as error:  # a filter that met what it cannot take
        raise TemplateError(f"The template cannot be rendered: {error}.", None, field) from error


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


def _compiled(source: str, field: str) -> _Template:
    if len(source) > LONGEST_SOURCE:
        raise TemplateError(
            f"The template is longer than {LONGEST_SOURCE // 1_000_000} million characters.", None, field
        )
    try:
        return _compile(_clean(source)) if len(source) < 200_000 else _compile.__wrapped__(_clean(source))
    except LiquidError as error:
        raise _in_words(error, source, field) from error


@lru_cache(maxsize=256)
def _compile(source: str) -> _Template:
    template = _ENVIRONMENT.from_string(source)
    assert isinstance(template, _Template)
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
