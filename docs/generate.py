"""Writes the generated parts of docs/ again: the table of settings and the help of every command.

A generated part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`. `make docs` calls this; a test calls it
with `--check`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from undelivered.__main__ import cli
from undelivered.ops.commands.settings import table

DOCS = Path(__file__).parent


def commands() -> str:
    """Every command with its `--help`, a heading each."""
    return "\n\n".join(f"## `{path}`\n\n{_indented(text)}" for path, text in helps())


def helps() -> Iterator[tuple[str, str]]:
    """(command as it is typed, its help) of the whole tree."""
    top = click.Context(
        cli, info_name="undelivered", help_option_names=["-h", "--help"], terminal_width=100, max_content_width=100
    )
    yield from _walk(cli, top)


PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "settings": ("settings.md", table),
    "commands": ("commands.md", commands),
}


def written(name: str) -> tuple[Path, str]:
    """A page with its generated part made anew."""
    page, make = PARTS[name]
    path = DOCS / page
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    part = f"{begin}\n\n{make()}\n\n{end}"
    text, found = re.subn(rf"{begin}.*?{end}", lambda match: part, path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert found == 1, f"{page} has no place for {name}"
    return path, text


def _walk(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _walk(below, click.Context(below, info_name=name, parent=context))


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())


def main(*, check: bool) -> int:
    """Writes the pages; with `check` it names those that would change instead, and ends with 1 if there are any."""
    changed = 0
    for name in PARTS:
        path, text = written(name)
        if path.read_text(encoding="utf-8") != text:
            changed += 1
            click.echo(path.name)
            if not check:
                path.write_text(text, encoding="utf-8")
    return min(changed, 1) if check else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
