from __future__ import annotations

import re
from pathlib import Path

from django.test import Client

from tests.api.caller import Caller
from undelivered.api.v1 import api

#: What scripts rely on. A path or method may be added, never taken away.
RELIED_ON = """
GET /projects
GET /projects/{key}
GET /projects/{key}/limits
GET /projects/{key}/notifications
GET /notifications/{id}
POST /notifications/{id}/resend
GET /projects/{key}/invitations
POST /projects/{key}/invitations
GET /projects/{key}/requests
POST /projects/{key}/requests
GET /requests/{key}
GET /requests/{key}/notifications
GET /requests/{key}/comments
POST /requests/{key}/comments
GET /requests/{key}/transitions
POST /requests/{key}/transitions
GET /requests/{key}/participants
POST /requests/{key}/participants
GET /projects/{key}/suppressions
POST /projects/{key}/suppressions
DELETE /projects/{key}/suppressions
DELETE /projects/{key}/suppressions/{entry}
GET /projects/{key}/rules
PATCH /projects/{key}/rules
GET /projects/{key}/rules/{event}
PATCH /projects/{key}/rules/{event}
GET /projects/{key}/customers
"""


def operations() -> dict[str, dict[str, object]]:
    paths = api.get_openapi_schema()["paths"]
    return {
        f"{method.upper()} {path.removeprefix('/api/v1')}": operation
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def test_the_schema_is_served_to_anyone(db: None) -> None:
    response = Client().get("/api/v1/openapi.json")
    assert response.status_code == 200
    assert response.json()["openapi"].startswith("3.1")
    assert response.json()["components"]["securitySchemes"]["Token"]["scheme"] == "bearer"


def test_the_names_that_scripts_rely_on_are_there() -> None:
    assert set(RELIED_ON.split("\n")) - {""} <= set(operations())


def test_every_operation_names_its_scope_its_errors_and_what_it_does() -> None:
    for name, operation in operations().items():
        assert operation["security"] in ([{"Token": ["read"]}], [{"Token": ["send"]}], [{"Token": ["manage"]}]), name
        assert {400, 401, 403, 404, 503} <= set(operation["responses"]), name  # type: ignore[call-overload]
        assert operation["summary"], name


def test_every_post_takes_an_idempotency_key() -> None:
    for name, operation in operations().items():
        headers = {one["name"] for one in operation["parameters"] if one["in"] == "header"}  # type: ignore[attr-defined]
        assert headers == ({"Idempotency-Key"} if name.startswith("POST") else set()), name


def test_every_operation_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    headings = set(re.findall(r"^### `([A-Z]+ /\S*)`$", text, re.MULTILINE))
    assert headings == set(operations())


def test_an_answer_has_no_field_that_the_schema_does_not_name(caller: Caller) -> None:
    got = caller.get("/projects/IT").json
    assert set(got) == set(api.get_openapi_schema()["components"]["schemas"]["ProjectShown"]["properties"])
