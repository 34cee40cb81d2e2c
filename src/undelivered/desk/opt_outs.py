"""A customer's own wish about one request: its notifications off, or on again."""

from __future__ import annotations

from django.db import transaction

from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.models import Customer, OptOut, Request


def is_off(request: Request, customer: Customer) -> bool:
    return OptOut.objects.filter(request=request, customer=customer).exists()


@transaction.atomic
def turn(request: Request, customer: Customer, *, on: bool) -> None:
    """Turns notifications on or off. Saying it twice is the same as once."""
    if on:
        changed = OptOut.objects.filter(request=request, customer=customer).delete()[0] > 0
    else:
        changed = OptOut.objects.get_or_create(request=request, customer=customer)[1]
    if changed:
        action = "request.notifications_on" if on else "request.notifications_off"
        audit.record(action, by=By(customer=customer), project=request.project, target=request.issue_key)
