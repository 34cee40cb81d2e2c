"""What is answered while the database is away: a page (or the API's error shape) that says so, never a broken page."""

from __future__ import annotations

from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from undelivered.web.shell import theme_of

AWAY = (OperationalError, InterfaceError)
TEXT = "The database cannot be reached at the moment. Nothing is lost; try again in a minute."


class DatabaseOutage:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, AWAY):
            return None
        connection.close()
        return answer(request)


def answer(request: HttpRequest) -> HttpResponse:
    """503, in the form that the caller reads."""
    if request.path.startswith("/api/"):
        error = {"code": "database_unavailable", "message": TEXT, "fields": {}}
        response: HttpResponse = JsonResponse({"error": error}, status=503)
    else:
        response = HttpResponse(render_to_string("outage.html", {"text": TEXT, "theme": theme_of(request)}), status=503)
    response["Retry-After"] = "30"
    return response
