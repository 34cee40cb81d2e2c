from __future__ import annotations

from typing import Any

import pytest

from tests import make
from tests.api.caller import Caller
from undelivered.desk.models import Comment, Customer, Project, ProjectCustomer


@pytest.fixture
def ann(project: Project) -> Customer:
    """The reporter of IT-1."""
    ann = make.customer("ann@northwind.example", "Ann")
    make.request(project, ann)
    return ann


def test_a_public_comment_of_the_desk_is_mailed_to_the_reporter(caller: Caller, ann: Customer) -> None:
    got = caller.post("/requests/IT-1/comments", {"body": "We are on it.", "public": True})
    assert got.status == 201
    assert (got.json["request"], got.json["body"], got.json["public"]) == ("IT-1", "We are on it.", True)
    assert (got.json["author"], got.json["author_email"]) == ("Service desk", None)
    assert [one["recipient"] for one in got.json["notifications"]] == ["ann@northwind.example"]


def test_an_internal_comment_is_mailed_to_nobody(caller: Caller, ann: Customer) -> None:
    got = caller.post("/requests/IT-1/comments", {"body": "She is angry.", "public": False}).json
    assert got["notifications"] == []
    assert [one["cause"] for one in got["not_sent"]] == ["internal_comment"]


def test_a_comment_in_a_customers_name_is_not_mailed_to_that_customer(caller: Caller, ann: Customer) -> None:
    body = {"body": "Still broken.", "public": True, "author": {"email": "Ann@Northwind.example"}}
    got = caller.post("/requests/IT-1/comments", body).json
    assert (got["author"], got["author_email"]) == ("Ann", "ann@northwind.example")
    assert got["notifications"] == []
    assert [one["cause"] for one in got["not_sent"]] == ["own_activity"]


def test_an_author_who_is_new_becomes_a_customer_of_the_project(caller: Caller, ann: Customer) -> None:
    body = {"body": "Me too.", "public": True, "author": {"email": "bo@northwind.example", "name": "Bo"}}
    got = caller.post("/requests/IT-1/comments", body).json
    assert got["author"] == "Bo"
    assert [one["recipient"] for one in got["notifications"]] == ["ann@northwind.example"]
    assert ProjectCustomer.objects.filter(customer__address="bo@northwind.example").exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"public": True}, "body"),
        ({"body": "", "public": True}, "body"),
        ({"body": " \n ", "public": True}, "body"),
        ({"body": "a\x00b", "public": True}, "body"),
        ({"body": "x" * 5_000_001, "public": True}, "body"),
        ({"body": "x"}, "public"),
        ({"body": "x", "public": "yes"}, "public"),
        ({"body": "x", "public": 1}, "public"),
        ({"body": "x", "public": True, "author": "ann"}, "author"),
        ({"body": "x", "public": True, "author": {"name": "Ann"}}, "author.email"),
        ({"body": "x", "public": False, "author": {"email": "ann@northwind.example"}}, "public"),
    ],
)
def test_a_bad_comment_is_not_made(caller: Caller, ann: Customer, body: dict[str, Any], field: str) -> None:
    got = caller.post("/requests/IT-1/comments", body)
    assert (got.status, list(got.fields)) == (400, [field])
    assert not Comment.objects.exists()


def test_comments_are_listed_newest_first_and_looked_at_alone(caller: Caller, ann: Customer) -> None:
    for n in range(3):
        caller.post("/requests/IT-1/comments", {"body": f"c{n}", "public": True})
    first = caller.get("/requests/IT-1/comments?limit=2").json
    second = caller.get(f"/requests/IT-1/comments?limit=2&cursor={first['next']}").json
    found = first["items"] + second["items"]
    assert [item["body"] for item in found] == ["c2", "c1", "c0"]
    assert second["next"] is None
    assert caller.get(f"/requests/IT-1/comments/{found[0]['id']}").json == found[0]


def test_an_edited_public_comment_is_mailed_and_says_when(caller: Caller, ann: Customer) -> None:
    made = caller.post("/requests/IT-1/comments", {"body": "Tomorow", "public": True}).json
    got = caller.patch(f"/requests/IT-1/comments/{made['id']}", {"body": "Tomorrow"})
    assert got.status == 200
    assert (got.json["body"], got.json["public"]) == ("Tomorrow", True)
    assert got.json["edited_at"]
    assert [one["event"] for one in got.json["notifications"]] == ["public_comment_edited"]


@pytest.mark.parametrize("id", ["0", "-1", "999", "99999999999999999999999", "x", "1.5", "%00"])
def test_what_is_no_comment_is_404(caller: Caller, ann: Customer, id: str) -> None:
    assert caller.get(f"/requests/IT-1/comments/{id}").code == "not_found"


def test_a_comment_of_another_request_is_404(caller: Caller, ann: Customer, project: Project) -> None:
    make.request(project)
    made = caller.post("/requests/IT-1/comments", {"body": "x", "public": True}).json
    assert caller.get(f"/requests/IT-2/comments/{made['id']}").status == 404
    assert caller.patch(f"/requests/IT-2/comments/{made['id']}", {"body": "y"}).status == 404
