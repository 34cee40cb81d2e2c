"""Invitations: new and existing customers alike are told, and the caller learns truthfully who was and who was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from undelivered.delivery import provider_lift, suppression
from undelivered.delivery.models import Notification, NotSent
from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import Customer, Project, ProjectCustomer
from undelivered.rules import people
from undelivered.rules.announce import Happened, Told, announce
from undelivered.rules.people import Given as Invitee

__all__ = ("Invited", "Invitee", "invite", "resend_invite")


@dataclass(frozen=True, slots=True)
class Invited:
    """What became of one invitation: a notification is on its way, or `not_sent` says why there is none.

    `existing` says that they were a customer of the project before.
    """

    invitee: Invitee
    customer: Customer
    existing: bool
    notification: Notification | None
    not_sent: NotSent | None


@transaction.atomic
def invite(project: Project, invitees: Sequence[Invitee], *, by: By) -> list[Invited]:
    """Invites customers, each address once. Raises `BadInput` for an address that nothing could hold.

    An address that no mail can reach is invited all the same: the log shows what came of it.
    """
    if not invitees:
        raise BadInput("customers", "Name at least one customer.")
    cleaned = [one.clean("customers") for one in invitees]
    found = {
        customer.pk: (one, customer)
        for one, customer in reversed(list(zip(cleaned, people.customers(cleaned), strict=True)))
    }
    asked = list(reversed(found.values()))  # the first of two spellings of an address counts
    customers = [customer for _, customer in asked]
    existing = _admit(project, customers)
    told = announce(project, [Happened("customer_invited", about=customers)], by=by)
    for customer in customers:
        audit.record("customer.invited", by=by, project=project, target=customer.address)
    return [_invited(one, customer, customer.pk in existing, told) for one, customer in asked]


@transaction.atomic
def resend_invite(project: Project, customer: Customer, *, by: By, confirmed: bool = False) -> Invited:
    """Takes the address off the suppression list and invites again.

    Raises `delivery.suppression.NeedsConfirmation` where somebody reported our mail as spam, unless `confirmed`, and
    `OfTheSite`, a ValueError, where only a site admin may lift what blocks the address.
    """
    lifted = False
    while entry := suppression.find(project, customer.address):  # the project's, and perhaps the whole site's
        suppression.lift(entry, by=by, confirmed=confirmed, project=project)
        lifted = True
    existing = _admit(project, [customer])
    told = announce(project, [Happened("customer_invited", about=[customer])], by=by)
    audit.record("customer.reinvited", by=by, project=project, target=customer.address, lifted=lifted)
    provider_lift.ask_first(project, {one.id: one.recipient for one in told.notifications}, by=by, complaint=confirmed)
    return _invited(Invitee(customer.address, customer.name), customer, customer.pk in existing, told)


def _admit(project: Project, customers: Sequence[Customer]) -> set[int]:
    """Lets customers into the project and notes the invitation. Returns the ids of those who were in already."""
    rows = ProjectCustomer.objects.filter(project=project, customer__in=customers)
    existing = set(rows.values_list("customer_id", flat=True))
    now = timezone.now()
    rows.update(invited_at=now)
    new = [
        ProjectCustomer(project=project, customer=one, invited_at=now) for one in customers if one.pk not in existing
    ]
    ProjectCustomer.objects.bulk_create(new, ignore_conflicts=True)
    return existing


def _invited(invitee: Invitee, customer: Customer, existing: bool, told: Told) -> Invited:
    notification = next((one for one in told.notifications if one.customer_id == customer.pk), None)
    not_sent = next((one for one in told.not_sent if one.customer_id == customer.pk), None)
    return Invited(invitee, customer, existing, notification, not_sent)
