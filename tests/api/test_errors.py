from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from tests.api.caller import Caller
from undelivered.api.errors import CODE_OF_STATUS, CODES
from undelivered.desk.models import Customer, Request

NEW = {"summary": "Laptop", "reporter": {"email": "ann@northwind.example"}}


@pytest.mark.parametrize("path", ["/nothing", "/projects/IT/", "/projects/IT/nothing", "/../x", "//projects"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_address_is_404_in_the_one_shape(caller: Caller, method: str, path: str) -> None:
    got = caller.call(method, path)
    assert (got.status, got.code) == (404, "not_found")


def test_addresses_beside_the_version_are_404_in_the_one_shape(caller: Caller) -> None:
    for path in ("/api/", "/api/v1/", "/api/v2/projects"):
        response = Client().get(path)
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "not_found"


def test_an_unknown_method_is_405_and_names_those_there_are(caller: Caller) -> None:
    got = caller.call("PUT", "/projects/IT/suppressions")
    assert (got.status, got.code) == (405, "method_not_allowed")
    assert set(got.headers["Allow"].replace(" ", "").split(",")) == {"GET", "POST", "DELETE"}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"{", "not JSON"),
        (b"hello", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b'{"summary": "\xff"}', "not JSON"),
        (b'{"summary": "\\ud800"}', "not JSON"),
        (b'{"summary": NaN}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a":' * 100_000, "not JSON"),
        (b'\xef\xbb\xbf{"summary": "x"}', "not JSON"),
    ],
)
def test_a_body_that_is_no_json_is_400(caller: Caller, body: bytes, fault: str) -> None:
    got = caller.post("/projects/IT/requests", body)
    assert (got.status, got.code) == (400, "not_json")
    assert fault in got.json["error"]["message"]
    assert not Request.objects.exists()


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"', b"true", b""])
def test_a_body_that_is_no_object_is_400(caller: Caller, body: bytes) -> None:
    got = caller.post("/projects/IT/requests", body)
    assert (got.status, got.code) == (400, "invalid_input")
    assert list(got.fields) == ["body"]


@pytest.mark.parametrize(
    "type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_a_body_that_is_not_announced_as_json_is_415(caller: Caller, type: str) -> None:
    got = caller.post("/projects/IT/requests", b'{"summary": "x"}', Content_Type=type)
    assert (got.status, got.code) == (415, "unsupported_media_type")


def test_json_in_another_charset_is_415(caller: Caller) -> None:
    got = caller.post("/projects/IT/requests", b"{}", Content_Type="application/json; charset=utf-16")
    assert (got.status, got.code) == (415, "unsupported_media_type")


def test_a_body_of_unknown_length_is_411_and_never_taken_for_none(caller: Caller) -> None:
    request = {"REQUEST_METHOD": "POST", "HTTP_TRANSFER_ENCODING": "chunked", "HTTP_AUTHORIZATION": "Bearer x"}
    response = caller.client.request(
        PATH_INFO="/api/v1/projects/IT/requests", CONTENT_TYPE="application/json", **request
    )
    assert response.status_code == 411
    assert response.json()["error"]["code"] == "length_required"


def test_a_huge_body_is_413(caller: Caller) -> None:
    got = caller.post("/projects/IT/requests", b" " * (10 * 1024 * 1024 + 1))
    assert (got.status, got.code) == (413, "too_large")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"summary": ""}, "summary"),
        ({"summary": "   "}, "summary"),
        ({"summary": None}, "summary"),
        ({"summary": 5}, "summary"),
        ({"summary": 10**400}, "summary"),
        ({"summary": "x" * 501}, "summary"),
        ({"summary": "Hello\r\nBcc: eve@northwind.example"}, "summary"),
        ({"summary": "a\x00b"}, "summary"),
        ({"summary": "a\u2028b"}, "summary"),
        ({"description": "a\x00b"}, "description"),
        ({"description": "x" * 5_000_001}, "description"),
        ({"description": ["x"]}, "description"),
        ({"reporter": "ann@northwind.example"}, "reporter"),
        ({"reporter": {}}, "reporter.email"),
        ({"reporter": {"email": ""}}, "reporter.email"),
        ({"reporter": {"email": "x" * 1001}}, "reporter.email"),
        ({"reporter": {"email": "ann@northwind.example\nBcc: eve@northwind.example"}}, "reporter.email"),
        ({"reporter": {"email": "ann@northwind.example", "name": "Ann\r\nX-Evil: 1"}}, "reporter.name"),
        ({"reporter": {"email": "ann@northwind.example", "nickname": "Annie"}}, "reporter.nickname"),
        ({"participants": "bo@northwind.example"}, "participants"),
        ({"participants": [5]}, "participants.0"),
        ({"participants": [{"name": "Bo"}]}, "participants.0.email"),
        ({"participants": [""]}, "participants.0"),
        ({"participants": ["bo@northwind.example"] * 101}, "participants"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "x" * 2001}, "url"),
        ({"urgent": True}, "urgent"),
        ({"\x00": True}, "\x00"),
    ],
)
def test_what_cannot_be_used_is_400_and_named(caller: Caller, change: dict[str, Any], field: str) -> None:
    got = caller.post("/projects/IT/requests", {**NEW, **change})
    assert (got.status, got.code) == (400, "invalid_input")
    assert list(got.fields) == [field]
    assert got.fields[field] in got.json["error"]["message"]
    assert not Request.objects.exists()
    assert not Customer.objects.exists()


def test_every_field_that_is_wrong_is_named(caller: Caller) -> None:
    got = caller.post("/projects/IT/requests", {"summary": "", "reporter": {"email": ""}, "description": 1})
    assert set(got.fields) == {"summary", "reporter.email", "description"}
    assert "2 more" in got.json["error"]["message"]


def test_a_parameter_that_does_not_exist_is_400(caller: Caller) -> None:
    got = caller.get("/projects/IT/notifications?sate=failed&\x00=1")
    assert (got.status, got.code) == (400, "invalid_input")
    assert set(got.fields) == {"sate", "\x00"}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("cursor=garbage", "cursor"),
        ("cursor=" + "x" * 501, "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=%F0%9F%92%A9", "cursor"),
        ("q=%00", "q"),
        ("q=" + "x" * 1001, "q"),
    ],
)
def test_parameters_that_cannot_be_used_are_400_and_named(caller: Caller, query: str, field: str) -> None:
    for listing in ("customers", "suppressions"):
        got = caller.get(f"/projects/IT/{listing}?{query}")
        assert (got.status, list(got.fields)) == (400, [field])


def test_a_cursor_of_another_list_is_refused(caller: Caller) -> None:
    for n in range(2):
        caller.post("/projects/IT/requests", {**NEW, "reporter": {"email": f"c{n}@northwind.example"}})
    cursor = caller.get("/projects/IT/requests?limit=1").json["next"]
    assert caller.get(f"/projects/IT/requests?limit=1&cursor={cursor}").json["items"][0]["key"] == "IT-1"
    got = caller.get(f"/projects/IT/customers?cursor={cursor}")
    assert (got.status, list(got.fields)) == (400, ["cursor"])


def test_a_bug_of_ours_says_nothing_about_itself(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("undelivered.api.v1.projects.limits.usage", broken)
    caller.client.raise_request_exception = False
    got = caller.get("/projects/IT/limits")
    assert (got.status, got.code) == (500, "internal_error")
    assert b"secret" not in got.body


def test_while_the_database_is_away_the_answer_is_503(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("undelivered.web.outage.connection.close", lambda: None)
    monkeypatch.setattr("undelivered.api.auth.tokens.verify", away)
    got = caller.get("/projects")
    assert (got.status, got.code) == (503, "database_unavailable")
    assert got.headers["Retry-After"]
    assert b"unexpectedly" not in got.body


def test_a_wrong_host_is_refused_in_the_one_shape(caller: Caller) -> None:
    got = caller.get("/projects", Host="evil.example")
    assert (got.status, got.code) == (400, "bad_request")


def test_every_status_has_a_code_of_that_status() -> None:
    assert all(CODES[code].status == status for status, code in CODE_OF_STATUS.items())


def test_every_code_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    for code, said in CODES.items():
        assert f"| {said.status} | `{code}` |" in text, code
