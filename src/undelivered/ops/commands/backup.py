"""`undelivered backup FILE` and `undelivered restore FILE`: the whole database, by PostgreSQL's own programs.

A backup is consistent while everything runs. A restore needs the database to itself, and happens wholly or not at all.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from undelivered import env as environment
from undelivered.database import embedded
from undelivered.database.embedded import EmbeddedPostgres
from undelivered.database.errors import EmbeddedError
from undelivered.env import Env

_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


#: Lines of a restore's script before its first object.
HEAD = 40
# Whatever is ours in the schema: tables of this version and of others, with all that hangs on them.
_EMPTY = """
DO $$ DECLARE one text; BEGIN
FOR one IN SELECT format('TABLE %s', c.oid::regclass) FROM pg_class c WHERE c.relkind IN ('r', 'p')
        AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace AND pg_has_role(c.relowner, 'USAGE')
    UNION ALL SELECT format('ROUTINE %s', p.oid::regprocedure) FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND pg_has_role(p.proowner, 'USAGE')
    UNION ALL SELECT format('TYPE %s', t.oid::regtype) FROM pg_type t
        WHERE t.typtype IN ('e', 'd') AND t.typnamespace = 'public'::regnamespace AND pg_has_role(t.typowner, 'USAGE')
LOOP EXECUTE format('DROP %s CASCADE', one); END LOOP; END $$
"""


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Write the whole database into FILE, which only you can read. Everything may run meanwhile."""
    env = environment.read()
    if file.exists():
        raise click.ClickException(f"{file} is there already. Nothing was written.")
    with _running(env) as url:
        _dump(url, file)
    click.echo(f"{file}: {file.stat().st_size / 1024**2:.1f} MiB.")
    key = "UNDELIVERED_SECRET_KEY" if env.secret_key else str(env.data_dir / "secret-key")
    click.echo(f"It holds everybody's mail: keep it private. Keep the secret key too ({key}): it is not in it.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Even though other programs are connected to the database.")
def restore(file: Path, yes: bool, force: bool) -> None:
    """Put the backup in FILE in the place of the database. Stop everything else first."""
    env = environment.read()
    if not yes:
        click.confirm("All that is in the database now is replaced. Go on?", abort=True)
    with _own(env) as url:
        _refuse_others(url, force=force)
        _load(url, file)
        _bring_up_to_date(url)
    click.echo("Restored. Mail that was queued then is sent again by the next worker, also what was sent since.")


def _dump(url: str, file: Path) -> None:
    """All or nothing: a dump that was interrupted never has the final name."""
    new = file.with_name(f".{file.name}.new")
    command = ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={new}"]
    try:
        with open(new, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as made:
            if fault := _Program(command, url, subprocess.DEVNULL).fault():
                raise click.ClickException(f"No backup was written: {fault}.")
            os.fsync(made.fileno())
        new.rename(file)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def _load(url: str, file: Path) -> None:
    """Everything goes, and everything of the file comes, in one transaction.

    `pg_restore --clean` cannot drop partitioned tables piece by piece; and what it writes is committed only when it
    came to its end, so that half a file changes nothing.
    """
    reader = _Program(
        ["pg_restore", "--no-owner", "--no-privileges", "--file=-", "--", str(file)], url, stdout=subprocess.PIPE
    )
    quiet = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    writer = _Program(["psql", *quiet], url, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    script, into = reader.process.stdout, writer.process.stdin
    assert script
    assert into
    with suppress(BrokenPipeError):  # the writer has stopped, and says why itself
        into.write(f"BEGIN;\n{_EMPTY};\n".encode())
        for number, line in enumerate(script):
            # Servers before 17 do not know it; after its head, the script is data.
            if number > HEAD or line.strip() != b"SET transaction_timeout = 0;":
                into.write(line)
        if reader.fault() is None:
            into.write(b"\nCOMMIT;\n")
    script.close()
    with suppress(BrokenPipeError):
        into.close()
    # A reader that nobody listens to any more breaks off as well: the writer's words come first.
    if fault := writer.fault() or reader.fault():
        raise click.ClickException(f"{file} cannot be restored: {fault}. Nothing was changed.")


class _Program:
    """One of the wheel's programs. The password goes by the environment: everybody can read command lines."""

    def __init__(self, command: list[str], url: str, stdout: int, stdin: int | None = None) -> None:
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 # a pipe that nobody reads would hold the program up
        self.process = subprocess.Popen(  # noqa: S603 # our own programs
            [str(embedded.binary(command[0])), *command[1:]],
            env=_environment(url),
            stdin=stdin,
            stdout=stdout,
            stderr=self.errors,
        )

    def fault(self) -> str | None:
        """Waits for its end; the first line of its complaint, or None when it ended well."""
        if self.process.wait() == 0:
            return None
        self.errors.seek(0)
        lines = [line for line in self.errors.read().decode(errors="replace").splitlines() if line.strip()]
        return " ".join(lines[0].rstrip(".").split()) if lines else "it said nothing"


def _environment(url: str) -> dict[str, str]:
    known = conninfo_to_dict(url)
    names = {option.keyword.decode(): option.envvar.decode() for option in Conninfo.get_defaults() if option.envvar}
    given = {names[key]: str(value) for key, value in known.items() if key in names and value is not None}
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")} | given


@contextmanager
def _running(env: Env) -> Iterator[str]:
    """The URL of the database, which may be in use; an embedded one that does not run is started meanwhile."""
    if env.database_url:
        yield env.database_url
        return
    try:
        url = embedded.attach(env.data_dir)
    except EmbeddedError:
        with _own(env) as url:
            yield url
    else:
        yield url


@contextmanager
def _own(env: Env) -> Iterator[str]:
    """The same, for us alone: an embedded one that another program runs is refused."""
    if env.database_url:
        yield env.database_url
        return
    server = EmbeddedPostgres(env.data_dir, say=lambda text: click.echo(text, err=True))
    try:
        yield server.start()
    finally:
        server.stop()


def _refuse_others(url: str, *, force: bool) -> None:
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            row = connection.execute(_OTHERS).fetchone()
    except psycopg.OperationalError as error:
        raise click.ClickException(f"The database cannot be reached: {' '.join(str(error).split())}") from error
    if row and row[0] and not force:
        raise click.ClickException(
            f"{row[0]} other programs are connected to the database. Stop web, worker and SMTP processes first."
        )


def _bring_up_to_date(url: str) -> None:
    """A backup of an earlier version gets this version's form, and the days since then their partitions."""
    from undelivered.ops.commands import database
    from undelivered.ops.commands.django import start

    os.environ["UNDELIVERED_DATABASE_URL"] = url
    os.environ.pop("UNDELIVERED_DATABASE_URL_FILE", None)
    start(needs_tables=False)
    with database.errors_in_words():
        database.apply()
    from django.db import connections

    connections.close_all()
