"""Markdown of a template's output -> the mail's two bodies. HTML in a template shows as it is typed,
and a line end stays one, as people who write mails expect.

The values of the output return at the very end: as escaped text in HTML, as they are in plain text, percent-encoded in
the addresses of links. A link that stands alone in its paragraph becomes a button.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from undelivered.delivery.personal import OPEN, Personal
from undelivered.rules.fence import MARKS, Output, has_token
from undelivered.rules.plain_text import plain_text

#: The look of what a template can write, on the element itself: many mail programs read no style sheet. Where a style
#: sheet is read, `layout.html` has the dark side of it.
STYLES: dict[str, str] = {
    "h1": "margin:0 0 20px;font-size:22px;line-height:1.3;font-weight:600;letter-spacing:-.01em;color:#161b26",
    "h2": "margin:28px 0 12px;font-size:17px;line-height:1.35;font-weight:600;color:#161b26",
    "h3": "margin:24px 0 10px;font-size:15px;line-height:1.4;font-weight:600;color:#161b26",
    "p": "margin:0 0 16px",
    "ul": "margin:0 0 16px;padding:0 0 0 22px",
    "ol": "margin:0 0 16px;padding:0 0 0 22px",
    "li": "margin:0 0 6px",
    "a": "color:#2854c5;text-decoration:underline",
    "blockquote": "margin:0 0 20px;padding:14px 18px 1px;background:#f4f6fa;border-left:3px solid #2854c5;"
    "border-radius:0 6px 6px 0;color:#2b3342",
    "hr": "margin:28px 0 26px;border:0;border-top:1px solid #e1e4ea;height:0",
    "code": "font-family:Menlo,Consolas,monospace;font-size:13px;background:#f0f2f6;border-radius:4px;padding:1px 4px",
    "pre": "margin:0 0 16px;padding:12px 14px;background:#f0f2f6;border-radius:6px;white-space:pre-wrap",
    "img": "max-width:100%;height:auto;border:0",
}
_BUTTON = (
    '<table role="presentation" class="button" cellpadding="0" cellspacing="0" border="0" style="margin:8px 0 24px">'
    '<tr><td style="border-radius:6px;background:#2854c5"><a href="{href}" style="display:inline-block;'
    "padding:12px 22px;border:1px solid #2854c5;border-radius:6px;background:#2854c5;color:#ffffff;font-size:15px;"
    'line-height:20px;font-weight:600;text-decoration:none">{label}</a></td></tr></table>\n'
)
_URL_MARKS = tuple(
    MARKS[name] for name in (Personal.REQUEST_URL, Personal.INVITATION_URL, Personal.NOTIFICATIONS_OFF_URL)
)
_LINK_SCHEMES = ("http://", "https://", "mailto:", "tel:")
_IMAGE_SCHEMES = ("http://", "https://", "data:image/png;base64,", "data:image/jpeg;base64,", "data:image/gif;base64,")
_ALLOWED = set(STYLES) | {"strong", "em", "br", "table", "tbody", "tr", "td", "h4", "h5", "h6"}
_ATTRIBUTES = {
    "*": {"style", "class"},
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "table": {"role", "cellpadding", "cellspacing", "border"},
    "ol": {"start"},
}


@dataclass(frozen=True, slots=True)
class Bodies:
    text: str
    html: str


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    normalize = parser.normalizeLink
    # Marks and tokens must reach `_address` as they are; it looks at the whole address when the values are known.
    parser.normalizeLink = lambda url: url if OPEN in url or has_token(url) else normalize(url)  # type: ignore[method-assign]
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    return parser


_PARSER = _parser()

#: Above so many characters a mail is shown as it is typed: Markdown takes seconds a megabyte, inside somebody's click.
PLAIN_ABOVE = 1_000_000


def bodies(output: Output, *, without_buttons: frozenset[str] = frozenset()) -> Bodies:
    """The text and the HTML of a template's output. `without_buttons` names addresses whose buttons are left out."""
    tokens = [_with_values(token, output) for token in _parse(output.text)]
    tokens = _without_buttons(tokens, without_buttons)
    return Bodies(text=plain_text(tokens, output), html=_html(tokens, output))


def _parse(text: str) -> list[Token]:
    if len(text) > PLAIN_ABOVE:
        return [Token("code_block", "code", 0, content=text, block=True)]
    return _PARSER.parse(text)


def _with_values(token: Token, output: Output) -> Token:
    """Values inside attributes: a renderer escapes attributes by itself. The rest of the tokens stays for later."""
    if token.type == "fence":
        token.info = ""  # would become a class
    for child in token.children or ():
        if child.type == "link_open":
            child.attrs["href"] = _address(str(child.attrs["href"]), output, _LINK_SCHEMES)
        elif child.type == "image":
            child.attrs["src"] = _address(str(child.attrs["src"]), output, _IMAGE_SCHEMES)
            for inner in child.children or ():
                inner.content = output.written(inner.content)
        if "title" in child.attrs:
            child.attrs["title"] = output.written(str(child.attrs["title"]))
    return token


def _address(url: str, output: Output, schemes: tuple[str, ...]) -> str:
    """Where a link leads, if it may lead there: `#` if not. A value is a part of an address, or a whole one."""
    alone = output.alone(url)
    whole = alone if alone is not None else output.written(url, lambda value: quote(value, safe=""))
    if url.startswith(_URL_MARKS):
        return whole
    return whole.strip() if whole.strip().lower().startswith(schemes) else "#"


def is_button(tokens: Sequence[Token], at: int) -> bool:
    """Whether the paragraph that opens at `at` is one link and nothing else."""
    if tokens[at].type != "paragraph_open" or tokens[at].level:
        return False
    inline = tokens[at + 1].children or []
    links = [child for child in inline if child.type == "link_open"]
    return len(links) == 1 and inline[0] is links[0] and inline[-1].type == "link_close"


def _without_buttons(tokens: list[Token], unwanted: frozenset[str]) -> list[Token]:
    kept: list[Token] = []
    at = 0
    while at < len(tokens):
        if unwanted and is_button(tokens, at) and _leads_to(tokens[at + 1]) in unwanted:
            at += 3
            continue
        kept.append(tokens[at])
        at += 1
    return kept


def _leads_to(inline: Token) -> str:
    return str((inline.children or [inline])[0].attrs.get("href", ""))


def _html(tokens: list[Token], output: Output) -> str:
    renderer, options = _PARSER.renderer, _PARSER.options
    assert isinstance(renderer, RendererHTML)
    shown: list[Token] = []
    at = 0
    while at < len(tokens):
        if is_button(tokens, at):
            link, *label, _ = tokens[at + 1].children or []
            text = renderer.renderInline([_styled(token) for token in label], options, {})
            button = _BUTTON.format(href=escape(str(link.attrs["href"])), label=text)
            shown.append(Token("html_block", "", 0, content=button))
            at += 3
            continue
        shown.append(_styled(tokens[at]))
        at += 1
    page = _clean(renderer.render(shown, options, {}))
    return output.written(_paragraphs(page, output), _shown)


def _styled(token: Token) -> Token:
    tag = "img" if token.type == "image" else token.tag
    if token.nesting >= 0 and tag in STYLES:
        token.attrSet("style", STYLES[tag])
    for child in token.children or ():
        _styled(child)
    return token


def _clean(page: str) -> str:
    """Belt and braces: whatever the renderer let through, nothing but these elements and attributes leaves."""
    return nh3.clean(
        page,
        tags=_ALLOWED,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel", "data"},
        link_rel=None,
        generic_attribute_prefixes=set(),
    )


_ALONE = re.compile('<p style="[^"]*">(\ue002[0-9]+\ue003)</p>')


def _paragraphs(page: str, output: Output) -> str:
    """A value that is a paragraph of its own keeps its own paragraphs."""

    def split(match: re.Match[str]) -> str:
        value = output.alone(match[1]) or ""
        opening = f'<p style="{STYLES["p"]}">'
        return "\n".join(f"{opening}{_shown(part)}</p>" for part in re.split(r"\n\s*\n", value.strip("\n")))

    return _ALONE.sub(split, page)


_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)


def _shown(value: str) -> str:
    """A value as HTML text: escaped, with its line ends and its indentation."""
    indented = _INDENT.sub(lambda match: match[0].replace("\t", "    ").replace(" ", "\u00a0"), value)
    return escape(indented).replace("\n", "<br>\n")
