"""What is around a mail's body: the project as its head, the card, and a foot that says why one gets it.

The style sheet is written into the elements once, when the layout is first used; never for a mail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

import css_inline

from undelivered.delivery.personal import CLOSE, OPEN, Personal
from undelivered.rules.fence import MARKS
from undelivered.rules.markdown import Bodies
from undelivered.rules.plain_text import DIVIDER

_FILE = Path(__file__).parent / "defaults" / "layout.html"
_SLOT = re.compile(r"\[\[(\w+)\]\]")
_PREHEADER = 140


@dataclass(frozen=True, slots=True)
class Around:
    """What the layout says. `topic` is the request in a line, `off` offers to turn the request's notifications off."""

    title: str
    head: str
    topic: str = ""
    why: str = ""
    off: bool = False


@cache
def _pieces() -> tuple[str, ...]:
    """The layout cut at its slots: text, name of a slot, text, name, ..., text."""
    inliner = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)
    page = inliner.inline(_FILE.read_text(encoding="utf-8"))
    # The first style sheet has done its work; what is left is for the programs that read one: phones and the dark.
    page = re.sub(r"<style>.*?</style>", "", page, count=1, flags=re.DOTALL)
    return tuple(_SLOT.split(page))


def around(bodies: Bodies, about: Around) -> Bodies:
    """The whole of the text part and of the HTML part."""
    slots = {
        "title": escape(about.title),
        "preheader": escape(_preheader(bodies.text)),
        "head": _head(about),
        "body": bodies.html,
        "foot": _foot(about),
    }
    html = "".join(slots[piece] if at % 2 else piece for at, piece in enumerate(_pieces()))
    return Bodies(text=_text(bodies.text, about), html=html)


def _preheader(text: str) -> str:
    """What a list of mails shows beside the subject: the body's first words after its headline."""
    headline, _, rest = text.partition("\n\n")
    words = " ".join(re.sub(r"^> ?", "", rest or headline, flags=re.MULTILINE).split())
    if len(words) <= _PREHEADER:
        return words
    cut = words[:_PREHEADER].rsplit(" ", 1)[0]
    return (cut[: cut.rindex(OPEN)] if cut.count(OPEN) > cut.count(CLOSE) else cut) + "…"


def _head(about: Around) -> str:
    if not about.topic:
        return escape(about.head)
    style = "font-size:13px;font-weight:400;color:#5b6578"
    return f'{escape(about.head)}<br>\n<span class="key" style="{style}">{escape(about.topic)}</span>'


def _foot(about: Around) -> str:
    lines = [escape(about.why)] if about.why else []
    if about.off:
        address = MARKS[Personal.NOTIFICATIONS_OFF_URL]
        style = "color:#5b6578;text-decoration:underline"
        lines.append(f'<a href="{address}" style="{style}">Turn off this request’s notifications</a>')
    return "<br>\n".join(lines)


def _text(body: str, about: Around) -> str:
    head = f"{about.head}\n{about.topic}" if about.topic else about.head
    foot = [DIVIDER, *([about.why] if about.why else [])]
    if about.off:
        foot.append(f"Turn off this request’s notifications:\n{MARKS[Personal.NOTIFICATIONS_OFF_URL]}")
    return "\n".join((head, "", body.strip("\n"), "", *foot))
