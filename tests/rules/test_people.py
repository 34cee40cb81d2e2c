"""Customers, against the database: found, made, searched and corrected."""

from __future__ import annotations

import pytest

from tests import make
from undelivered.desk.actors import By
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import AuditEntry, Customer, OptOut, Participant, Project, ProjectCustomer, ProjectOptOut
from undelivered.rules import people
from undelivered.rules.people import Given

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make.project("IT")


@pytest.fixture
def admin(project: Project) -> By:
    return By(person=make.person("mara@desk.example", admin_of=project))


def test_one_address_is_one_customer_however_it_is_written() -> None:
    ann = people.customer("Ann.Keller@Northwind.Example")
    assert people.customer(" ann.keller@northwind.example ") == ann
    assert ann.address == "Ann.Keller@Northwind.Example"


def test_what_was_not_known_is_taken_over_and_what_was_known_stays() -> None:
    people.customer("ann@northwind.example")
    assert people.customer("ann@northwind.example", "Ann", "de").name == "Ann"
    assert people.customer("ann@northwind.example", "Somebody else").name == "Ann"
    assert Customer.objects.get().language == "de"


def test_an_address_that_is_no_address_is_kept_as_given() -> None:
    assert people.customer("ann keller, northwind").address == "ann keller, northwind"


def test_many_are_made_with_few_queries_in_the_order_given(django_assert_max_num_queries: object) -> None:
    known = make.customer("b@x.example")
    given = [Given("a@x.example"), Given("b@x.example"), Given("A@X.example"), Given("c@x.example")]
    with django_assert_max_num_queries(4):  # type: ignore[operator]
        found = people.customers(given)
    assert [one.address for one in found] == ["a@x.example", "b@x.example", "a@x.example", "c@x.example"]
    assert found[1] == known


def test_a_name_cannot_carry_a_header() -> None:
    assert people.customer("ann@x.example", "Ann\r\nBcc: eve@evil.example").name == "Ann Bcc: eve@evil.example"


@pytest.mark.parametrize(
    ("q", "finds"),
    [
        ("", ["bo@contoso.example", "petra@northwind.example", "ann.keller@northwind.example"]),
        ("ann", ["ann.keller@northwind.example"]),
        ("KELLER", ["ann.keller@northwind.example"]),
        ("petra@North", ["petra@northwind.example"]),
        ("@northwind.example", ["petra@northwind.example", "ann.keller@northwind.example"]),
        ("north", ["petra@northwind.example", "ann.keller@northwind.example"]),
        ("ann keller", ["ann.keller@northwind.example"]),
        ("nobody", []),
        ("%", []),
    ],
)
def test_customers_are_found_by_the_start_of_address_and_name_and_by_domain(
    project: Project, q: str, finds: list[str]
) -> None:
    make.customer("ann.keller@northwind.example", "Ann Keller", of=project)
    make.customer("petra@northwind.example", of=project)
    make.customer("bo@contoso.example", of=project)
    make.customer("ann@elsewhere.example", of=make.project("HR"))
    assert [row.customer.address for row in people.search(project, q)] == finds


def test_a_search_goes_on_before_the_last_row_of_a_page(project: Project) -> None:
    for n in range(3):
        make.customer(f"c{n}@x.example", of=project)
    first = people.search(project, limit=2)
    rest = people.search(project, before=first[-1].pk, limit=2)
    assert [row.customer.address for row in (*first, *rest)] == ["c2@x.example", "c1@x.example", "c0@x.example"]


def test_an_address_is_corrected_in_place_and_the_audit_log_says_so(project: Project, admin: By) -> None:
    ann = make.customer("ann@nrthwind.example", of=project)
    assert people.correct_address(project, ann, "ann@northwind.example", admin) == ann
    assert Customer.objects.get().address_key == "ann@northwind.example"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.detail) == (
        "customer.address_changed",
        "ann@nrthwind.example",
        {"to": "ann@northwind.example"},
    )


def test_a_correction_to_another_customers_address_makes_the_two_one(project: Project, admin: By) -> None:
    wrong, right = make.customer("ann@nrthwind.example", "Ann", of=project), make.customer("ann@northwind.example")
    reported = make.request(project, wrong, participants=(right,))
    joined = make.request(project, participants=(wrong, right))
    OptOut.objects.create(request=joined, customer=wrong)
    ProjectOptOut.objects.create(project=project, customer=wrong)
    assert people.correct_address(project, wrong, "Ann@northwind.example", admin) == right
    reported.refresh_from_db()
    assert reported.reporter == right
    assert not Participant.objects.filter(request=reported).exists()
    assert [row.customer for row in Participant.objects.filter(request=joined)] == [right]
    assert OptOut.objects.get().customer == right
    assert ProjectOptOut.objects.get().customer == right
    assert [row.customer for row in ProjectCustomer.objects.filter(project=project)] == [right]


def test_two_customers_who_both_want_no_mail_become_one_who_wants_none(project: Project, admin: By) -> None:
    wrong, right = make.customer("ann@nrthwind.example", of=project), make.customer("ann@northwind.example")
    for customer in (wrong, right):
        ProjectOptOut.objects.create(project=project, customer=customer)
    people.correct_address(project, wrong, "ann@northwind.example", admin)
    assert ProjectOptOut.objects.get().customer == right


def test_a_customer_whom_another_project_knows_too_is_left_to_it(project: Project, admin: By) -> None:
    elsewhere = make.project("HR")
    ann = make.customer("ann@nrthwind.example", "Ann", of=project)
    people.add_to_project(elsewhere, ann)
    corrected = people.correct_address(project, ann, "ann@northwind.example", admin)
    assert corrected != ann
    assert corrected.name == "Ann"
    assert Customer.objects.get(pk=ann.pk).address == "ann@nrthwind.example"
    assert [row.customer for row in ProjectCustomer.objects.filter(project=elsewhere)] == [ann]


def test_only_a_customer_of_the_project_is_corrected(project: Project, admin: By) -> None:
    with pytest.raises(BadInput):
        people.correct_address(project, make.customer("ann@x.example"), "bo@x.example", admin)
