"""What a mail says, made once for a group of recipients: the rules that apply to them, one after the other."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from undelivered.delivery.models import Content, Kind
from undelivered.desk import typed
from undelivered.desk.models import Project, Request
from undelivered.rules import render
from undelivered.rules.events import EVENTS
from undelivered.rules.layout import Around, around
from undelivered.rules.markdown import STYLES, Bodies
from undelivered.rules.models import Rule
from undelivered.rules.plain_text import DIVIDER
from undelivered.rules.render import TemplateError

_log = logging.getLogger(__name__)

_DIVIDER = f'<hr style="{STYLES["hr"]}">\n'
#: Programs that answer by themselves shall not answer these (RFC 3834, section 5; the second is Exchange's).
_HEADERS = (("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All"))


@dataclass(frozen=True, slots=True)
class Template:
    """A rule's template as it applies: the project's own, or the event's default."""

    event: str
    subject: str
    body: str
    rule_id: int | None = None

    @classmethod
    def of(cls, rule: Rule) -> Template:
        event = EVENTS[rule.event]
        return cls(rule.event, rule.subject or event.default_subject, rule.body or event.default_body, rule.pk)


def compose(
    project: Project, request: Request | None, templates: Sequence[Template], variables: Mapping[str, str]
) -> Content:
    """The content, not saved yet. The first template names the mail; if one does not render, `error` says why.

    Never raises: what caused the mail must not fail because of a template.
    """
    first = templates[0]
    content = Content(
        project=project,
        event=first.event,
        from_name=typed.line(project.from_name or project.name),
        from_address=typed.line(project.from_address),
        headers=[list(header) for header in (*_thread(project, request), *_HEADERS)],
        source=_source(templates, variables),
    )
    try:
        subject, bodies = say(project, request, templates, variables)
    except TemplateError as error:
        content.error = _where(error, first.event)
        return content
    except Exception:  # our own mistake: the notification fails as an internal error, and whatever caused it goes on
        _log.exception("rendering %s of project %s", first.event, project.key)
        content.error = "The template could not be rendered."
        return content
    content.subject, content.text, content.html = subject, bodies.text, bodies.html
    return content


def say(
    project: Project, request: Request | None, templates: Sequence[Template], variables: Mapping[str, str]
) -> tuple[str, Bodies]:
    """Subject and whole bodies, layout and all. Raises `TemplateError`."""
    subject = render.render_subject(templates[0].subject, variables)
    last = len(templates) - 1
    parts = [render.render_body(one.body, variables, last=at == last) for at, one in enumerate(templates)]
    bodies = parts[0] if len(parts) == 1 else _joined(parts)
    return subject, around(bodies, _about(project, templates[0].event, variables, subject))


def templates_of(source: Mapping[str, Any], rules: Iterable[Rule]) -> list[Template]:
    """Today's templates of the events that a content was made of; empty if it was made of no rules."""
    by_event = {rule.event: rule for rule in rules}
    return [Template.of(by_event[event]) for event in source.get("events", []) if event in by_event]


def _source(templates: Sequence[Template], variables: Mapping[str, str]) -> dict[str, Any]:
    """What it takes to render again."""
    rules = [one.rule_id for one in templates if one.rule_id is not None]
    if not rules:
        return {}
    return {"events": [one.event for one in templates], "rules": rules, "variables": dict(variables)}


def _thread(project: Project, request: Request | None) -> list[tuple[str, str]]:
    """Mails of one request answer the same message, which was never sent: mail programs show them as one thread."""
    if request is None:
        return []
    domain = typed.line(project.from_address).rpartition("@")[2] or "undelivered.invalid"
    root = f"<request.{request.issue_key}.{request.pk}@{domain}>"
    return [("In-Reply-To", root), ("References", root)]


def _joined(parts: Sequence[Bodies]) -> Bodies:
    """One headline a mail: those of the bodies that follow are smaller."""
    first, *rest = (part.html for part in parts)
    smaller = [part.replace(STYLES["h1"], STYLES["h2"]) for part in rest]
    return Bodies(
        text=f"\n\n{DIVIDER}\n\n".join(part.text.strip("\n") for part in parts),
        html=_DIVIDER.join([first, *smaller]),
    )


def _about(project: Project, event: str, variables: Mapping[str, str], subject: str) -> Around:
    name = project.name
    if EVENTS[event].kind == Kind.INVITATION:
        return Around(subject, name, why=f"You get this mail because {name} invited you.")
    key = variables.get("request.key", "")
    why = f"You get this mail because you take part in the request {key} of {name}."
    return Around(subject, name, f"{key} · {variables.get('request.summary', '')}", why, off=True)


def _where(error: TemplateError, event: str) -> str:
    """An error as the log shows it after "The template does not render": which part, of which rule, in which line."""
    line = f", line {error.line}" if error.line else ""
    return f"{error.field} of “{EVENTS[event].label}”{line}: {error.message}"
