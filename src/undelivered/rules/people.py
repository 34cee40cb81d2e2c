"""Customers: found or made by their address, given to a project, searched, and corrected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from undelivered.delivery.addresses import canonical
from undelivered.desk import audit, typed
from undelivered.desk.actors import By
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import Customer, OptOut, Participant, Project, ProjectCustomer, ProjectOptOut, Request

LONGEST_ADDRESS = 1000
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Given:
    """How somebody named a customer: an address, valid or not, and perhaps a name and a language (RFC 5646)."""

    address: str
    name: str = ""
    language: str = ""

    def clean(self, field: str = "address") -> Given:
        """As it may be kept. Raises `BadInput` when there is no address, or one that nothing could hold.

        An address that no mail can reach is fine: the log is where that shows.
        """
        if "\n" in self.address.strip() or "\r" in self.address.strip() or "\0" in self.address:
            raise BadInput(field, "An address is one line without control characters.")
        address = typed.required(field, typed.line(self.address), LONGEST_ADDRESS, "Enter an email address.")
        return Given(address, typed.line(self.name)[:LONGEST_NAME], typed.line(self.language)[:35])


def customer(address: str, name: str = "", language: str = "") -> Customer:
    """The customer with this address, made if there is none. A name that is not known yet is taken over."""
    return customers([Given(address, name, language)])[0]


def customers(given: Sequence[Given]) -> list[Customer]:
    """The same for many at once, in the order given; two spellings of one address are one customer."""
    cleaned = [one.clean() for one in given]
    keys = [canonical(one.address) for one in cleaned]
    found = _by_key(keys)
    # The first of two spellings is the one that is kept: hence from behind.
    backwards = reversed(list(zip(keys, cleaned, strict=True)))
    missing = {key: one for key, one in backwards if key not in found}
    if missing:
        Customer.objects.bulk_create(
            [
                Customer(address=one.address, address_key=key, name=one.name, language=one.language)
                for key, one in missing.items()
            ],
            ignore_conflicts=True,  # somebody else may have made one at the same moment
        )
        found |= _by_key(list(missing))
    for key, one in zip(keys, cleaned, strict=True):
        _complete(found[key], one)
    return [found[key] for key in keys]


def _by_key(keys: Sequence[str]) -> dict[str, Customer]:
    return {one.address_key: one for one in Customer.objects.filter(address_key__in=keys)}


def _complete(found: Customer, given: Given) -> None:
    """What was not known of a customer is taken over; what was known stays."""
    changed = []
    if given.name and not found.name:
        found.name = given.name
        changed.append("name")
    if given.language and not found.language:
        found.language = given.language
        changed.append("language")
    if changed:
        found.save(update_fields=changed)


def add_to_project(project: Project, customer: Customer) -> ProjectCustomer:
    """Lets a customer ask for help in a project; nothing happens if they may already."""
    return ProjectCustomer.objects.get_or_create(project=project, customer=customer)[0]


def search(project: Project, q: str = "", before: int | None = None, limit: int = 25) -> list[ProjectCustomer]:
    """A project's customers, newest first, by the start of the address or name, or by domain (`@northwind.example`)."""
    found = ProjectCustomer.objects.filter(project=project).select_related("customer").order_by("-id")
    if before is not None:
        found = found.filter(id__lt=before)
    for word in typed.line(q).split():
        found = found.filter(_matches(word))
    return list(found[:limit])


def _matches(word: str) -> Q:
    key = canonical(word) if "@" in word[1:] else word.lower()
    named = Q(customer__name__istartswith=word) | Q(customer__name__icontains=f" {word}")
    if word.startswith("@"):
        return Q(customer__address_key__endswith=key)
    return named | Q(customer__address_key__startswith=key) | Q(customer__address_key__contains=f"@{key}")


@transaction.atomic
def correct_address(project: Project, customer: Customer, new_address: str, by: By) -> Customer:
    """Gives a customer of a project the right address. If that address is a customer already, the two become one.

    Returns the customer to go on with.
    """
    given = Given(new_address).clean()
    key = canonical(given.address)
    if not ProjectCustomer.objects.filter(project=project, customer=customer).exists():
        raise BadInput("customer", f"{customer.address} is not a customer of {project.key}.")
    old = customer.address
    other = Customer.objects.filter(address_key=key).exclude(pk=customer.pk).first()
    if other is not None:
        _merge(project, customer, into=other)
        _complete(other, Given(other.address, customer.name, customer.language))
        customer = other
    elif customer.address != given.address:
        customer = _readdressed(project, customer, given.address, key)
    audit.record("customer.address_changed", by=by, project=project, target=old, to=customer.address)
    return customer


def _readdressed(project: Project, customer: Customer, address: str, key: str) -> Customer:
    """A customer of this project alone is changed; one whom other projects know too is left to them."""
    if not ProjectCustomer.objects.filter(customer=customer).exclude(project=project).exists():
        customer.address, customer.address_key = address, key
        customer.save(update_fields=["address", "address_key"])
        return customer
    made = Customer.objects.create(address=address, address_key=key, name=customer.name, language=customer.language)
    _merge(project, customer, into=made)
    return made


def _merge(project: Project, customer: Customer, *, into: Customer) -> None:
    """Everything that `customer` has in this project becomes `into`'s."""
    Request.objects.filter(project=project, reporter=customer).update(reporter=into)
    for model in (Participant, OptOut):
        of_project = model._default_manager.filter(request__project=project)
        taken = list(of_project.filter(customer=into).values_list("request_id", flat=True))
        of_project.filter(customer=customer, request_id__in=taken).delete()
        of_project.filter(customer=customer).update(customer=into)
    wish = ProjectOptOut.objects.filter(project=project, customer=customer)
    if wish.exists() and ProjectOptOut.objects.filter(project=project, customer=into).exists():
        wish.delete()
    wish.update(customer=into)
    # A reporter who took part under the other address is the reporter alone.
    Participant.objects.filter(request__project=project, request__reporter=into, customer=into).delete()
    add_to_project(project, into)
    ProjectCustomer.objects.filter(project=project, customer=customer).delete()
