"""Members of a project: who works in it, added with an initial password where the person is new, and removed."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.db import transaction

from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import Membership, Person, Project, Role

#: No letters or digits that look alike: the password is read from a screen once.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Added:
    """`password` is the new person's, to be shown once; empty if the person could sign in already."""

    membership: Membership
    password: str = ""


def initial_password() -> str:
    """Four groups of five: 99 bits, and still typed without a mistake."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))


@transaction.atomic
def add(project: Project, *, email: str, name: str, role: Role, by: By) -> Added:
    """Gives a person a role in a project. Somebody who cannot sign in yet gets an account."""
    email = email.strip().lower()
    person = Person.objects.filter(email=email).first()
    if person is None:
        password = initial_password()
        person = Person.objects.create_user(email, password, name=name)
        audit.record("person.created", by=by, project=project, target=email)
        return Added(_join(project, person, role, by), password)
    if Membership.objects.filter(project=project, person=person).exists():
        raise BadInput("email", f"{email} is a member already. Remove them first to give them another role.")
    if not person.is_active:
        raise BadInput("email", f"The account of {email} is switched off. Ask a site admin.")
    return Added(_join(project, person, role, by))


def _join(project: Project, person: Person, role: Role, by: By) -> Membership:
    membership = Membership.objects.create(project=project, person=person, role=role)
    audit.record("member.added", by=by, project=project, target=person.email, role=role.label)
    return membership


@transaction.atomic
def remove(membership: Membership, *, by: By) -> None:
    """Takes a person out of a project; the account stays. The last admin can only be removed by a site admin."""
    if membership.role == Role.ADMIN and not (by.person and by.person.is_site_admin):
        others = Membership.objects.select_for_update().filter(project=membership.project, role=Role.ADMIN)
        if not others.exclude(pk=membership.pk).exists():
            raise BadInput("member", f"{membership.person} is the last admin of {membership.project.name}.")
    membership.delete()
    audit.record("member.removed", by=by, project=membership.project, target=membership.person.email)
