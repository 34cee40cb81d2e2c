"""What schemathesis makes of the API's own description, against the WSGI application: no 5xx, and answers as described.

Half of the cases name things that exist, so that they get past the 404; half break what the description demands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests import make
from undelivered.api.v1 import api
from undelivered.delivery.models import Suppression
from undelivered.desk import tokens
from undelivered.desk.models import ApiToken, Comment
from undelivered.wsgi import application

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPERATIONS = [
    (path, method.upper()) for path, methods in api.get_openapi_schema()["paths"].items() for method in methods
]
EXAMPLES = 10


@pytest.fixture(scope="module", autouse=True)
def one_connection() -> Iterator[None]:
    """The application and the test share one connection, and its transaction: nobody closes it between requests."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def schema(django_db_setup: None, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock():
        return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)


@pytest.fixture
def token(db: None) -> str:
    project = make.project("IT")
    return tokens.create(project)[1]


def existing(path: str) -> dict[str, str]:
    """Path parameters that lead to something."""
    project = ApiToken.objects.get().project
    found = make.request(project, make.customer(of=project))
    comment = Comment.objects.create(request=found, body="Hello")
    row = make.notification(project, state="failed", reason="suppressed", issue_key=found.issue_key)
    Suppression.objects.create(
        project=project, address="zoe@northwind.example", address_key="zoe@northwind.example", cause="manual"
    )
    id = str(comment.pk) if "comments" in path else str(row.id)
    key = found.issue_key if "/requests/{key}" in path else "IT"
    return {"key": key, "id": id, "entry": "zoe@northwind.example", "event": "request_created"}


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda part: part)
def test_answers_are_as_described_whatever_is_sent(schema: Any, token: str, path: str, method: str) -> None:
    real = existing(path)

    operation = schema[path][method]
    cases = st.one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])

    @given(case=cases, exists=st.booleans())
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    def run(case: Any, exists: bool) -> None:
        if exists:
            case.path_parameters = {name: real[name] for name in case.path_parameters}
        response = case.call(headers={"Authorization": f"Bearer {token}"})
        case.validate_response(response, checks=CHECKS)

    run()
