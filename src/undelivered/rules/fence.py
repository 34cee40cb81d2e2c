"""Liquid, fenced in: the few tags and filters that rules need, and limits on time, loops and output.

A template's output is Markdown in which every value is a token: a number between two private-use characters. Nothing
that a value says can therefore become Markdown, HTML or Liquid; `Output.written` puts the values back in the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO

from liquid import BoundTemplate, Environment, RenderContext
from liquid.builtin import content, illegal, output
from liquid.builtin.filters import misc, string
from liquid.builtin.tags import assign_tag, case_tag, comment_tag, for_tag, if_tag, inline_comment_tag, unless_tag
from liquid.exceptions import LiquidError
from liquid.filter import string_filter
from liquid.stringify import to_liquid_string
from liquid.undefined import Undefined

from undelivered.delivery import personal
from undelivered.delivery.personal import Personal
from undelivered.desk import typed

#: The mail's own size limit is a check of its own, which says so: these are well above it.
LARGEST_OUTPUT = 16_000_000  # bytes
MOST_ITERATIONS = 100_000
LARGEST_VARIABLES = 8_000_000  # bytes that `assign` may keep
LONGEST_TIME = 5.0  # seconds

_OPEN, _CLOSE = "\ue002", "\ue003"
MARKS: dict[str, str] = {name.value: personal.mark(name) for name in Personal}


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


class Template(BoundTemplate):
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


class Fenced(Environment):
    template_class = Template
    output_stream_limit = LARGEST_OUTPUT
    loop_iteration_limit = MOST_ITERATIONS
    local_namespace_limit = LARGEST_VARIABLES

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in TAGS:
            self.add_tag(tag)
        for name, func in FILTERS.items():
            self.add_filter(name, func)


class _False(str):
    """What `Empty` is in a condition. `Undefined` is what Liquid takes for false without being nil."""


Undefined.register(_False)


class Empty(str):
    """A variable without a value: false, while Liquid holds an empty text for true, and blank all the same."""

    def __liquid__(self) -> str:
        return _False()
