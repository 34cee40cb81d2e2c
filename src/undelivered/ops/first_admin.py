"""The first site admin, made at the first start; the generated password is shown at every start until it is changed."""

from __future__ import annotations

import os
import secrets

from django.contrib.auth.hashers import check_password
from django.db import transaction

from undelivered.desk import audit
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import Person
from undelivered.env import Env

FILE = "first-password"


def ensure(env: Env) -> Person | None:
    """Makes the first admin if nobody can sign in yet; the new account, or None."""
    if Person.objects.exists():
        return None
    password = env.admin_password or secrets.token_urlsafe(9)
    with transaction.atomic():
        person = Person.objects.create_user(env.admin_email, password, name="Admin", is_site_admin=True)
        audit.record("person.created", by=UNDELIVERED, target=person.email)
    if env.admin_password is None:
        _keep(env, f"{person.email} {password}")
    return person


def password_to_show(env: Env) -> tuple[str, str] | None:
    """(email, password) of the first admin, while that password is still the generated one."""
    path = env.data_dir / FILE
    try:
        email, password = path.read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return None
    person = Person.objects.filter(email=email, is_active=True).first()
    if person and check_password(password, person.password):
        return email, password
    path.unlink(missing_ok=True)
    return None


def _keep(env: Env, text: str) -> None:
    path = env.data_dir / FILE
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")
