"""`undelivered settings`: every setting, its value and what it means."""

from __future__ import annotations

import os
from dataclasses import fields

import click

from undelivered import env as environment
from undelivered.env import PREFIX, Env


@click.command()
@click.option("--markdown", is_flag=True, help="The table of docs/settings.md.")
def settings(markdown: bool) -> None:
    """List every setting, its value and what it means. Secrets are not shown."""
    if markdown:
        click.echo(table())
        return
    env = environment.read()
    for one in fields(Env):
        name = PREFIX + one.name.upper()
        value = "(secret)" if one.metadata["secret"] and getattr(env, one.name) else getattr(env, one.name)
        given = "" if name in os.environ or f"{name}_FILE" in os.environ else "  (default)"
        click.echo(f"{name}={'' if value in (None, ()) else _typed(value)}{given}\n    {one.metadata['meaning']}")


def table() -> str:
    """The settings as a Markdown table, from the declarations in `env`."""
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for one in fields(Env):
        meta = one.metadata
        default = meta["shown"] or f"`{_typed(meta['default'])}`"
        secret = " Secret: may be given as `_FILE`." if meta["secret"] else ""
        lines.append(f"| `{PREFIX}{one.name.upper()}` | {default} | {meta['meaning']}{secret} |")
    return "\n".join(lines)


def _typed(value: object) -> str:
    """A value as one would write it into the environment."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
