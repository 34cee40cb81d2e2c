"""The application as it is served: the API and the pages, each behind its own middleware."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from undelivered.wsgi import FOR_PAGES, application

pytestmark = pytest.mark.django_db


def call(path: str, method: str = "GET", **more: str) -> tuple[str, dict[str, str], bytes]:
    said: dict[str, Any] = {}

    def start(status: str, headers: list[tuple[str, str]], error: object = None) -> None:
        said.update(status=status, headers=dict(headers))

    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": BytesIO(),
        **more,
    }
    body = b"".join(application(environ, start))
    return said["status"].partition(" ")[0], said["headers"], body


def test_the_api_answers_without_sessions_and_forms_and_with_the_same_care():
    status, headers, body = call("/api/v1/projects")
    assert status == "401"
    assert b"token_required" in body
    assert "Content-Security-Policy" in headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in headers


def test_a_broken_address_of_the_api_answers_in_its_one_shape():
    for path in ("/api/v1/nothing", "/api/nothing"):
        status, headers, body = call(path)
        assert status == "404"
        assert headers["Content-Type"].startswith("application/json")
        assert b'"not_found"' in body


def test_a_host_that_is_not_ours_is_refused_there_too():
    assert call("/api/v1/projects", HTTP_HOST="evil.example")[0] == "400"


def test_pages_have_all_of_it():
    status, headers, _ = call("/sign-in")
    assert status == "200"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "csrftoken" in headers["Set-Cookie"] or settings.CSRF_COOKIE_NAME in headers["Set-Cookie"]
    assert call("/sign-in", "POST")[0] == "403"  # no CSRF token


def test_what_the_api_does_without_is_what_pages_have():
    assert set(settings.MIDDLEWARE) > FOR_PAGES
    kept = {type(one).__name__ for one in layers(application.api)}
    for name in settings.MIDDLEWARE:
        assert (import_string(name).__name__ in kept) == (name not in FOR_PAGES), name


def layers(handler: Any) -> list[Any]:
    """The middleware of a handler, from the outside in."""
    found, layer = [], handler._middleware_chain
    while layer is not None:
        one = getattr(layer, "__wrapped__", layer)
        found.append(one)
        layer = getattr(one, "get_response", None)
    return found
