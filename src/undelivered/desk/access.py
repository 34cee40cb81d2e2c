"""Who may do what. Site admins: everything. Project admins: their projects. Agents: requests and customers there.

Pages and API ask here and nowhere else.
"""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from undelivered.desk.models import Membership, Person, Project, Role

Visitor = Person | AnonymousUser


def projects_of(person: Visitor) -> QuerySet[Project]:
    """The projects that a person may see at all, by key."""
    found = Project.objects.filter(archived_at=None).order_by("key")
    if not isinstance(person, Person) or not person.is_active:
        return found.none()
    return found if person.is_site_admin else found.filter(memberships__person=person)


def role_in(person: Visitor, project: Project) -> Role | None:
    """What a person is in a project; site admins are project admins everywhere."""
    if not isinstance(person, Person) or not person.is_active:
        return None
    if person.is_site_admin:
        return Role.ADMIN
    found = Membership.objects.filter(person=person, project=project).values_list("role", flat=True).first()
    return Role(found) if found else None


def may_administer(person: Visitor, project: Project) -> bool:
    return role_in(person, project) == Role.ADMIN


def may_work(person: Visitor, project: Project) -> bool:
    return role_in(person, project) is not None


def administered(person: Visitor) -> QuerySet[Project]:
    """The projects whose log a person may read."""
    found = projects_of(person)
    if not isinstance(person, Person) or person.is_site_admin:
        return found
    # Asked by the membership itself: two filters in a row would take another person's role for this one's.
    return found.filter(pk__in=Membership.objects.filter(person=person, role=Role.ADMIN).values("project"))
