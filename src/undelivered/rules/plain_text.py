"""The text part of a mail, written from the same Markdown as the HTML part, for people who read text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from undelivered.rules.fence import Output

DIVIDER = "-" * 40


def plain_text(tokens: Sequence[Token], output: Output) -> str:
    """Quotes keep their `>`, lists their dashes and numbers; a link's address follows its text."""
    return _blocks(SyntaxTreeNode(tokens).children, output)


def _blocks(nodes: Sequence[SyntaxTreeNode], output: Output, between: str = "\n\n") -> str:
    return between.join(_block(node, output) for node in nodes)


def _block(node: SyntaxTreeNode, output: Output) -> str:
    write = _BLOCKS.get(node.type)
    if write:
        return write(node, output)
    return _blocks(node.children, output) if node.children else output.written(node.content).rstrip("\n")


def _paragraph(node: SyntaxTreeNode, output: Output) -> str:
    inline = node.children[0].children if node.children else []
    if len(inline) == 1 and inline[0].type == "link" and node.level == 0:
        label, address = _inline(inline[0].children, output), str(inline[0].attrs["href"])
        return address if label == address else f"{label}:\n{address}"  # a button
    return _inline(inline, output)


def _quote(node: SyntaxTreeNode, output: Output) -> str:
    return "\n".join(f"> {line}".rstrip() for line in _blocks(node.children, output).split("\n"))


def _list(node: SyntaxTreeNode, output: Output) -> str:
    number = int(node.attrs.get("start", 1))
    items = []
    for at, item in enumerate(node.children):
        sign = f"{number + at}. " if node.type == "ordered_list" else "- "
        text = _blocks(item.children, output, "\n")
        items.append(sign + text.replace("\n", "\n" + " " * len(sign)))
    return "\n".join(items)


def _inline(nodes: Sequence[SyntaxTreeNode], output: Output) -> str:
    return "".join(_piece(node, output) for node in nodes)


def _piece(node: SyntaxTreeNode, output: Output) -> str:
    if node.type in ("softbreak", "hardbreak"):
        return "\n"
    if node.type == "link":
        label, address = _inline(node.children, output), str(node.attrs["href"])
        return label if label == address or address == "#" else f"{label} ({address})"
    if node.children:
        return _inline(node.children, output)
    return output.written(node.content)


_BLOCKS: dict[str, Callable[[SyntaxTreeNode, Output], str]] = {
    "paragraph": _paragraph,
    "heading": _paragraph,
    "blockquote": _quote,
    "bullet_list": _list,
    "ordered_list": _list,
    "hr": lambda node, output: DIVIDER,
}
