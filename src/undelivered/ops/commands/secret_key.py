"""`undelivered secret-key`: the key that signs and encrypts, and changing it without losing what the one before did."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from undelivered.ops.commands.django import start

_SET = """The secret key is a setting of yours. To change it:
  1. Make a new one, for example with `openssl rand -base64 36`.
  2. On several machines: add it to UNDELIVERED_SECRET_KEY_PREVIOUS everywhere, and restart all processes.
  3. Set UNDELIVERED_SECRET_KEY to the new one and UNDELIVERED_SECRET_KEY_PREVIOUS to the one until now,
     followed by a blank and {now}; restart all processes.
  4. Run `undelivered secret-key reencrypt`."""


@click.group("secret-key")
def secret_key() -> None:
    """The key that signs sessions, links and return paths, and encrypts stored passwords."""


@secret_key.command("list")
def list_keys() -> None:
    """List the keys by their fingerprints, and count the stored passwords."""
    env = start()
    from undelivered.database import secret_key as kept
    from undelivered.ops import stored_secrets

    found = kept.keys(env)
    click.echo(f"{kept.fingerprint(found.current)}  in use")
    for key, until in found.former:
        click.echo(f"{kept.fingerprint(key)}  before{f', until {until:%Y-%m-%d %H:%M} UTC' if until else ''}")
    stored = stored_secrets.look()
    click.echo(
        f"Stored passwords: {stored.current} under the key in use, {stored.stale} under one from before, "
        f"{stored.unreadable} that no key opens."
    )


@secret_key.command("rotate")
def rotate() -> None:
    """Make a new key; the one until now still opens.

    Stored passwords are encrypted anew at once. Restart all processes afterwards: until then they go on with the key
    that they have. Where the key is a setting, this says what to do instead.
    """
    env = start()
    from undelivered.database import secret_key as kept
    from undelivered.delivery import keys
    from undelivered.desk import audit
    from undelivered.desk.actors import By

    try:
        found = kept.rotate(env)
    except kept.Given:
        raise click.ClickException(_SET.format(now=f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}")) from None
    keys.take(found)
    by, name = By(program="undelivered secret-key rotate"), kept.fingerprint(found.current)
    audit.record("secret_key.rotated", by=by, target=name)
    click.echo(f"{env.data_dir / kept.FILE} has a new key, {name}. Keep a copy of the file, and restart all processes.")
    _reencrypt()


@secret_key.command("reencrypt")
def reencrypt() -> None:
    """Encrypt stored passwords anew that lie under a key from before."""
    start()
    _reencrypt()


@secret_key.command("forget")
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(yes: bool) -> None:
    """Make the keys from before invalid.

    For when one has become known to somebody, or no mail from its time is kept any more. Bounces of mails that left
    under it are refused, and links in them do not open.
    """
    env = start()
    from undelivered.database import secret_key as kept
    from undelivered.desk import audit
    from undelivered.desk.actors import By
    from undelivered.ops import stored_secrets

    if stale := stored_secrets.look().stale:
        raise click.ClickException(
            f"{stale} stored passwords lie under a key from before. Run `undelivered secret-key reencrypt` first."
        )
    if not yes:
        click.confirm(
            "Links and return paths of mails that left under a key from before open no more. Go on?", abort=True
        )
    former = kept.keys(env).former
    try:
        kept.forget(env)
    except kept.Given:
        raise click.ClickException(
            "The secret key is a setting of yours: empty UNDELIVERED_SECRET_KEY_PREVIOUS."
        ) from None
    by = By(program="undelivered secret-key forget")
    audit.record("secret_key.forgotten", by=by, target=" ".join(kept.fingerprint(one.key) for one in former))
    click.echo("Forgotten. Restart all processes.")


def _reencrypt() -> None:
    from undelivered.ops import stored_secrets

    done = stored_secrets.look(renew=True)
    click.echo(f"Stored passwords encrypted anew: {done.stale}.")
    if done.unreadable:
        click.echo(f"{done.unreadable} cannot be read with any known key, and must be entered again.", err=True)
