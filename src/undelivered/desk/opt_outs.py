"""A customer's own wishes: one request's notifications off, or all mail of a project that can be turned off."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from undelivered.database import prepared
from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.models import Customer, OptOut, Project, ProjectOptOut, Request


def is_off(request: Request, customer: Customer) -> bool:
    """Whether this request's notifications are off; those of the whole project are another matter."""
    return OptOut.objects.filter(request=request, customer=customer).exists()


def of_project(project: Project, customer: Customer) -> ProjectOptOut | None:
    """Since when a customer wants no optional mail of a project; None if they do."""
    return ProjectOptOut.objects.filter(project=project, customer=customer).first()


#: Asked at every event.
WISHES = """
SELECT customer_id, false FROM desk_optout WHERE request_id = %s AND customer_id = ANY(%s::bigint[])
UNION ALL SELECT customer_id, true FROM desk_projectoptout WHERE project_id = %s AND customer_id = ANY(%s::bigint[])
"""


def wishes(request: Request, involved: Collection[int]) -> tuple[set[int], set[int]]:
    """Of these customers: who turned this request off, and who turned the project off. One query."""
    who = list(involved)
    rows = prepared.execute(WISHES, [request.pk, who, request.project_id, who])
    return {customer for customer, whole in rows if not whole}, {customer for customer, whole in rows if whole}


@transaction.atomic
def turn(request: Request, customer: Customer, *, on: bool) -> None:
    """Turns a request's notifications on or off. Saying it twice is the same as once."""
    mine = OptOut.objects.filter(request=request, customer=customer)
    changed = mine.delete()[0] > 0 if on else OptOut.objects.get_or_create(request=request, customer=customer)[1]
    if changed:
        action = "request.notifications_on" if on else "request.notifications_off"
        audit.record(action, by=By(customer=customer), project=request.project, target=request.issue_key)


@transaction.atomic
def turn_project(project: Project, customer: Customer, *, on: bool) -> None:
    """Turns all optional mail of a project on or off. What was said of single requests stays said."""
    mine = ProjectOptOut.objects.filter(project=project, customer=customer)
    changed = mine.delete()[0] > 0 if on else ProjectOptOut.objects.get_or_create(project=project, customer=customer)[1]
    if changed:
        action = "customer.optional_mail_on" if on else "customer.optional_mail_off"
        audit.record(action, by=By(customer=customer), project=project, target=customer.address)
