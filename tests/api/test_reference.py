from __future__ import annotations

import json
import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from undelivered.api.example import of_schema
from undelivered.api.fields import Body
from undelivered.api.v1 import api
from undelivered.api.v1.comments import CommentChange, NewComment
from undelivered.api.v1.invitations import NewInvitations
from undelivered.api.v1.participants import NewParticipants
from undelivered.api.v1.requests import NewRequest, Transition
from undelivered.api.v1.suppressions import NewSuppression

BODIES = (NewRequest, NewComment, CommentChange, NewInvitations, NewParticipants, Transition, NewSuppression)


@pytest.fixture
def page(db: None) -> str:
    response = Client().get("/api/v1/docs")
    assert response.status_code == 200
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    return response.content.decode()


def test_the_page_names_every_path_schema_and_error(page: str) -> None:
    schema = api.get_openapi_schema()
    for path in schema["paths"]:
        assert f"<code>{path}</code>" in page
    for name, shape in schema["components"]["schemas"].items():
        if "properties" in shape:
            assert f'id="schema-{name}"' in page
    assert "idempotency_key_reused" in page


def test_every_link_of_the_page_leads_somewhere(page: str) -> None:
    anchors = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors


def test_the_page_loads_nothing_from_outside_and_needs_nothing_that_the_policy_forbids(page: str) -> None:
    assert "<script" not in page
    assert "style=" not in page
    assert "<style" not in page
    loaded = re.findall(r'<link[^>]*href="([^"]+)"', page)
    assert loaded
    for address in loaded:
        assert address.startswith("/static/")
        assert finders.find(address.removeprefix("/static/")), address


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_the_examples_of_bodies_are_taken_by_the_api(body: type[Body]) -> None:
    schemas = api.get_openapi_schema()["components"]["schemas"]
    body.model_validate(json.loads(json.dumps(of_schema(schemas[body.__name__], schemas))))
