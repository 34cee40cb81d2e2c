"""The command line: `undelivered COMMAND`. Only the commands that need Django or a database load them."""

from __future__ import annotations

import sys
from importlib import import_module, metadata

import click

#: Command -> (module, what it is called there, the line of `--help`). Loaded when it is called.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "run": ("undelivered.ops.commands.run", "run", "Start everything: PostgreSQL, web, worker and a sample project."),
    "web": ("undelivered.ops.commands.processes", "web", "Start a web process: pages, API, health."),
    "worker": ("undelivered.ops.commands.processes", "worker", "Start a worker: sends, and reads what comes back."),
    "smtp": ("undelivered.ops.commands.inbound", "smtp", "Start the SMTP door: takes mail, submitted or come back."),
    "inbound": ("undelivered.ops.commands.pipe", "inbound", "Take a mail that came back, from standard input."),
    "rehearsal": ("undelivered.ops.commands.processes", "rehearsal", "Start the rehearsal mail server on loopback."),
    "migrate": ("undelivered.ops.commands.database", "migrate", "Bring the database to this version's form."),
    "check": ("undelivered.ops.commands.check", "check", "Look for what is set up wrong."),
    "backup": ("undelivered.ops.commands.backup", "backup", "Write the whole database into a file."),
    "restore": ("undelivered.ops.commands.backup", "restore", "Put a backup in the place of the database."),
    "secret-key": ("undelivered.ops.commands.secret_key", "secret_key", "The key that signs and encrypts: a new one."),
    "user": ("undelivered.ops.commands.accounts", "user", "Accounts of the people who sign in."),
    "token": ("undelivered.ops.commands.accounts", "token", "API tokens of programs."),
    "smtp-credential": (
        "undelivered.ops.commands.inbound",
        "smtp_credential",
        "Logins of programs that submit mail by SMTP.",
    ),
    "smtp-network": ("undelivered.ops.commands.inbound", "smtp_network", "Networks that submit mail without a login."),
    "sample": ("undelivered.ops.commands.sample", "sample", "Make the sample project, as the first `run` does."),
    "bounces": ("undelivered.bounces.cli", "bounces", "Read returned mails and SMTP replies; needs no database."),
    "settings": (
        "undelivered.ops.commands.settings",
        "settings",
        "List every setting, its value and where it is from.",
    ),
    "version": ("undelivered.__main__", "version", "Print the version."),
}


class Commands(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Undelivered sends a service desk's customer notifications and shows every one that did not get through, and why.

    Settings come from the environment (UNDELIVERED_...); `undelivered settings` lists them.
    """


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(metadata.version("undelivered"))


def main() -> None:
    """Runs a command; an error that a person can mend is one sentence on stderr, never a traceback."""
    from undelivered.database.errors import EmbeddedError
    from undelivered.env import SettingError

    try:
        cli(prog_name="undelivered")
    except SettingError as error:
        click.echo(f"undelivered: {error}", err=True)
        sys.exit(2)
    except EmbeddedError as error:
        click.echo(f"undelivered: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
