"""Small factories: `make.project()`, `make.customer()` ... Each makes a valid row and takes what a test cares about."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any

from django.db import connection

from undelivered.database import ids
from undelivered.delivery.addresses import canonical, domain_of
from undelivered.delivery.models import Content, Notification
from undelivered.desk.models import Customer, Membership, Participant, Person, Project, ProjectCustomer, Request, Role

_numbers = count(1)


def project(key: str = "IT", **values: Any) -> Project:
    return Project.objects.create(key=key, **{"name": f"{key} Help", "from_address": "help@desk.example", **values})


def person(
    email: str = "", *, admin_of: Project | None = None, agent_of: Project | None = None, **values: Any
) -> Person:
    made = Person.objects.create(email=email or f"person{next(_numbers)}@desk.example", **values)
    if admin_of:
        Membership.objects.create(person=made, project=admin_of, role=Role.ADMIN)
    if agent_of:
        Membership.objects.create(person=made, project=agent_of, role=Role.AGENT)
    return made


def customer(address: str = "", name: str = "", *, of: Project | None = None) -> Customer:
    address = address or f"customer{next(_numbers)}@northwind.example"
    made = Customer.objects.create(address=address, address_key=canonical(address), name=name)
    if of:
        ProjectCustomer.objects.create(project=of, customer=made)
    return made


def request(
    project: Project, reporter: Customer | None = None, *, participants: tuple[Customer, ...] = (), **values: Any
) -> Request:
    number = Project.objects.get(pk=project.pk).last_request_number + 1
    Project.objects.filter(pk=project.pk).update(last_request_number=number)
    made = Request.objects.create(
        project=project,
        number=number,
        issue_key=f"{project.key}-{number}",
        reporter=reporter or customer(),
        **{"summary": "Laptop does not start", **values},
    )
    for participant in participants:
        Participant.objects.create(request=made, customer=participant)
    return made


def content(project: Project, **values: Any) -> Content:
    defaults = {"from_address": "help@desk.example", "subject": "Hello", "text": "Hello", "html": "<p>Hello</p>"}
    return Content.objects.create(
        project=project, event=values.pop("event", "request_created"), **{**defaults, **values}
    )


def copies(row: Notification, n: int) -> None:
    """`n` more rows like this one, of the same millisecond, quickly: for tests of plans and of many pages."""
    names = ", ".join(field.column for field in Notification._meta.fields if field.column != "id")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO delivery_notification (id, {names}) "
            f"SELECT (left(id::text, 24) || lpad(to_hex(n), 12, '0'))::uuid, {names} "
            "FROM delivery_notification, generate_series(1, %s) n WHERE id = %s",
            [n, row.id],
        )


def notification(
    project: Project, recipient: str = "ann@northwind.example", *, at: datetime | None = None, **values: Any
) -> Notification:
    """A row of the log as it is, without its history. `at` is when it was made."""
    if "content_id" not in values:
        values["content_id"] = content(project).id
    defaults = {"kind": "request", "event": "request_created", "name": "Request created", "issue_key": ""}
    return Notification.objects.create(
        id=ids.uuid7_at(at) if at else ids.uuid7(),
        project=project,
        recipient=recipient,
        recipient_key=canonical(recipient),
        recipient_domain=domain_of(canonical(recipient)),
        **{**defaults, **values},
    )
