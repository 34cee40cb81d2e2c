from __future__ import annotations

from tests import make
from tests.api.caller import Caller
from undelivered.delivery.models import Suppression
from undelivered.desk.models import Project


def test_customers_are_searched_by_address_name_and_domain(caller: Caller, project: Project) -> None:
    make.customer("ann@northwind.example", "Ann Lee", of=project)
    make.customer("bo@fabrikam.example", "Bo Chen", of=project)
    make.customer("cy@northwind.example", of=make.project("HR"))
    for q, found in (
        ("", ["bo@fabrikam.example", "ann@northwind.example"]),
        ("ann", ["ann@northwind.example"]),
        ("lee", ["ann@northwind.example"]),
        ("%40fabrikam.example", ["bo@fabrikam.example"]),
        ("cy", []),
    ):
        got = caller.get(f"/projects/IT/customers?q={q}")
        assert [item["email"] for item in got.json["items"]] == found, q


def test_a_customer_who_is_not_mailed_says_why(caller: Caller, project: Project) -> None:
    make.customer("ann@northwind.example", of=project)
    make.customer("bo@northwind.example", of=project)
    Suppression.objects.create(
        project=project, address="ann@northwind.example", address_key="ann@northwind.example", cause="userunknown"
    )
    bo, ann = caller.get("/projects/IT/customers").json["items"]
    assert bo["suppression"] is None
    assert ann["suppression"]["cause"] == "userunknown"
    assert ann["suppression"]["cause_label"]


def test_customers_are_paged(caller: Caller, project: Project) -> None:
    for n in range(3):
        make.customer(f"c{n}@northwind.example", of=project)
    first = caller.get("/projects/IT/customers?limit=2").json
    second = caller.get(f"/projects/IT/customers?limit=2&cursor={first['next']}").json
    assert [item["email"][:2] for item in first["items"] + second["items"]] == ["c2", "c1", "c0"]
    assert second["next"] is None
