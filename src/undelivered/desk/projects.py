"""How a project comes into being, and how its settings change."""

from __future__ import annotations

import re
from typing import Any

from django.db import transaction

from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.models import Membership, Project, Role

#: A key begins issue keys such as IT-12, and stands in addresses.
KEY = re.compile(r"[A-Z][A-Z0-9]{1,9}")


def key_fault(key: str) -> str:
    """What is wrong with a new project's key, or nothing."""
    if not KEY.fullmatch(key):
        return "Use 2 to 10 capital letters and digits, a letter first, such as IT."
    if Project.objects.filter(key=key).exists():
        return f"There is a project with the key {key} already."
    return ""


@transaction.atomic
def create(*, key: str, name: str, from_address: str, by: By) -> Project:
    """A project with its key. Who makes it becomes its admin. Raises ValueError for a key that cannot be used."""
    if fault := key_fault(key):
        raise ValueError(fault)
    project = Project.objects.create(key=key, name=name, from_name=name, from_address=from_address)
    if by.person:
        Membership.objects.create(person=by.person, project=project, role=Role.ADMIN)
    audit.record("project.created", by=by, project=project, target=key)
    return project


#: What `change` may set.
CHANGEABLE = ("name", "from_name", "from_address", "daily_limit", "at_limit", "size_limit")


@transaction.atomic
def change(project: Project, *, by: By, **values: Any) -> Project:
    """Sets some of a project's settings. The audit log gets each that changed, with what it was before."""
    if unknown := set(values) - set(CHANGEABLE):
        raise ValueError(f"not a setting of a project: {', '.join(sorted(unknown))}")
    before = {name: getattr(project, name) for name in values}
    changed = {name: [before[name], value] for name, value in values.items() if before[name] != value}
    if changed:
        for name, (_, value) in changed.items():
            setattr(project, name, value)
        project.save(update_fields=list(changed))
        audit.record("project.changed", by=by, project=project, target=project.key, **changed)
    return project
