"""A rule's subject and body with the values of its variables -> what the mail says, without the layout around it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from undelivered.delivery.personal import CLOSE, OPEN, Personal
from undelivered.rules import markdown, templates
from undelivered.rules.fence import MARKS
from undelivered.rules.markdown import Bodies
from undelivered.rules.templates import TemplateError

__all__ = ("Rendered", "TemplateError", "check", "render", "render_body", "render_subject")

LONGEST_SUBJECT = 300
_NO_SUBJECT = "(no subject)"
_CUT_MARK = re.compile(f"{OPEN}[^{CLOSE}]*$")
_REQUEST_BUTTON = frozenset({MARKS[Personal.REQUEST_URL]})


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


def render(rule_subject: str, rule_body: str, variables: Mapping[str, str]) -> Rendered:
    """Raises `TemplateError`. `variables` are those of `variables.values`; a missing one is empty."""
    bodies = render_body(rule_body, variables)
    return Rendered(render_subject(rule_subject, variables), bodies.text, bodies.html)


def render_subject(source: str, variables: Mapping[str, str]) -> str:
    """One line, not too long: a value cannot add another."""
    output = templates.run(source, variables, field="subject")
    line = " ".join(output.written(output.text).split()) or _NO_SUBJECT
    if len(line) > LONGEST_SUBJECT:
        line = _CUT_MARK.sub("", line[: LONGEST_SUBJECT - 1]).rstrip() + "…"
    return line


def render_body(source: str, variables: Mapping[str, str], *, last: bool = True) -> Bodies:
    """Where several bodies make one mail, only the last one shows the button that opens the request."""
    output = templates.run(source, variables)
    return markdown.bodies(output, without_buttons=frozenset() if last else _REQUEST_BUTTON)


def check(subject: str, body: str, *, event: str, samples: Mapping[str, str]) -> None:
    """Raises `TemplateError` for what is wrong with a template that somebody wants to keep."""
    for name, source in (("subject", subject), ("body", body)):
        if not source.strip():
            raise TemplateError(f"The {name} is empty.", None, name)
        templates.check_names(source, field=name, event=event)
    render(subject, body, samples)
