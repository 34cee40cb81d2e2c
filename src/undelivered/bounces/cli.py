"""`undelivered bounces`: the bounce library at the command line. Needs no settings, no database and no network."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from undelivered.bounces import Report, classify, files, read


@click.group()
def bounces() -> None:
    """Read what comes back: returned mails, complaints, automatic answers, SMTP replies."""


@bounces.command("read")
@click.argument("where", type=click.Path(exists=True, allow_dash=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each mail.")
def read_command(where: Path, as_json: bool) -> None:
    """Read a mail, an mbox, a maildir or a folder of mails; `-` reads one mail from standard input."""
    for name, report in _reports(where):
        click.echo(
            json.dumps({"file": name, **report.as_dict()}, ensure_ascii=False) if as_json else _told(name, report)
        )


@bounces.command("classify")
@click.argument("reply")
@click.option("--command", default="", help="The SMTP command that was answered: CONN, EHLO, MAIL, RCPT or DATA.")
@click.option("--host", default="", help="The name of the server that answered.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def classify_command(reply: str, command: str, host: str, as_json: bool) -> None:
    """Say what one reply of a mail server means."""
    decision = classify(reply, command=command, host=host)
    facts = decision.cause.facts
    told: dict[str, Any] = {
        "reason": decision.cause.value,
        "permanent": decision.permanent,
        "hardbounce": facts.hard,
        "replycode": decision.reply_code,
        "status": decision.status,
        "decided_by": decision.decided_by,
        "title": facts.title,
        "meaning": facts.meaning,
        "what_to_do": facts.what_to_do,
        "suppress": facts.suppress.value,
    }
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    click.echo(f"{facts.title} ({decision.cause.value}, {_permanence(decision.permanent)})")
    click.echo(f"{facts.meaning}\nWhat to do: {facts.what_to_do}\nDecided by {decision.decided_by}")


def _reports(where: Path) -> Iterator[tuple[str, Report]]:
    if str(where) == "-":
        yield "-", read(sys.stdin.buffer.read(files.MAX_MAIL))
        return
    if not sys.stderr.isatty() or sys.stdout.isatty() or not where.is_dir():
        for name, raw in files.mails_in(where):
            yield name, read(raw)
        return
    # a person waits while the output goes into a file or a pipe
    with click.progressbar(files.files_in(where), label="Reading", file=sys.stderr) as found:
        for file in found:
            for name, raw in files.mails_of(file, str(file.relative_to(where))):
                yield name, read(raw)


def _told(name: str, report: Report) -> str:
    lines = [f"{name}: {report.kind.value}" + (f" ({report.decided_by})" if report.decided_by else "")]
    for result in report.results:
        codes = " ".join(c for c in (result.reply_code, result.status) if c)
        about = ", ".join(x for x in (_permanence(result.permanent), codes) if x)
        lines.append(f"  {result.recipient or '?'}: {result.cause.facts.title} ({about})")
        if result.diagnostic:
            lines.append(f"    {result.diagnostic[:300]}")
    return "\n".join(lines)


def _permanence(permanent: bool | None) -> str:
    return {True: "permanent", False: "temporary", None: "not said whether permanent"}[permanent]
