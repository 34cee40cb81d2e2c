"""`undelivered user` and `undelivered token`."""

from __future__ import annotations

import secrets

import click

from undelivered.ops.commands.django import start


@click.group()
def user() -> None:
    """Accounts of the people who sign in."""


@user.command("create")
@click.argument("email")
@click.option("--name", default="", help="The person's name.")
@click.option("--password", default=None, help="Generated and printed where none is given.")
@click.option("--site-admin", is_flag=True, help="May do everything on the site.")
@click.option("--project", default=None, metavar="KEY", help="Makes the person a member of this project.")
@click.option("--role", type=click.Choice(["admin", "agent"]), default="admin", help="What they are in the project.")
def create_user(email: str, name: str, password: str | None, site_admin: bool, project: str | None, role: str) -> None:
    """Create an account for EMAIL, or give an existing one a new password, and print the password alone."""
    start()
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email
    from django.db import transaction

    from undelivered.desk import audit
    from undelivered.desk.actors import By
    from undelivered.desk.models import Membership, Person

    given = password or secrets.token_urlsafe(12)
    email = email.strip().lower()
    try:
        validate_email(email)
        validate_password(given)
    except ValidationError as error:
        raise click.ClickException(" ".join(error.messages)) from error
    of = _project(project) if project else None
    with transaction.atomic():
        person, made = Person.objects.get_or_create(email=email, defaults={"name": name})
        person.set_password(given)
        Person.objects.filter(pk=person.pk).update(
            password=person.password, is_site_admin=site_admin or person.is_site_admin, name=name or person.name
        )
        if of:
            Membership.objects.update_or_create(person=person, project=of, defaults={"role": role})
        audit.record(
            "person.created", by=By(program="undelivered user create"), project=of, target=email, new=made, role=role
        )
    click.echo(given)


@click.group()
def token() -> None:
    """API tokens of programs."""


@token.command("create")
@click.option("--project", required=True, metavar="KEY", help="The project that the token opens.")
@click.option("--name", default="", help="What the token is for.")
@click.option("--scope", "scopes", multiple=True, help="read, send or manage; several times for several. Default: all.")
def create_token(project: str, name: str, scopes: tuple[str, ...]) -> None:
    """Create an API token and print it alone. It cannot be shown again."""
    start()
    from django.db import transaction

    from undelivered.desk import audit, tokens
    from undelivered.desk.actors import By

    of = _project(project)
    with transaction.atomic():
        try:
            made, secret = tokens.create(of, name=name, scopes=scopes or tokens.ALL_SCOPES)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--scope") from error
        by = By(program="undelivered token create")
        audit.record("token.created", by=by, project=of, target=made.name, scopes=made.scopes)
    click.echo(secret)


def _project(key: str):  # type: ignore[no-untyped-def] # Django is not loaded when this file is
    from undelivered.desk.models import Project

    found = Project.objects.filter(key=key.strip().upper(), archived_at=None).first()
    if found is None:
        raise click.ClickException(f"There is no project {key}.")
    return found
