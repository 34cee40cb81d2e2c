"""How people outside the team are written in bodies and answers: an address, a name."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from undelivered.api.fields import Address, Answer, Body, Name
from undelivered.desk.models import Customer
from undelivered.rules import people


class Person(Body):
    """A customer, by address. Someone new is made; a name is kept where there was none."""

    email: Address
    name: Name = ""


class PersonShown(Answer):
    email: str
    name: str


def _form(value: Any) -> str:
    return "(address)" if isinstance(value, str) else "(person)"


#: `"ann@example.com"` or `{"email": "ann@example.com", "name": "Ann"}`.
Someone = Annotated[
    Annotated[Address, Tag("(address)")] | Annotated[Person, Tag("(person)")],
    Discriminator(_form),
    Field(description="An address, or an object with `email` and `name`."),
]


def customer_of(who: str | Person) -> Customer:
    person = Person.model_construct(email=who, name="") if isinstance(who, str) else who
    return people.customer(person.email, person.name)


def shown(customer: Customer) -> PersonShown:
    return PersonShown(email=customer.address, name=customer.name)
