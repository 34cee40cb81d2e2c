"""The pages for what went wrong: 400, 403, 404, 500. They need neither the database nor a session."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from undelivered.web import outage
from undelivered.web.shell import theme_of


@dataclass(frozen=True, slots=True)
class Trouble:
    """`code` is for programs."""

    code: str
    title: str
    text: str


BAD_REQUEST = Trouble(
    "bad_request",
    "This address cannot be read",
    "Something in the address or in the form is not what this page expects.",
)
FORBIDDEN = Trouble(
    "forbidden", "This page is not for you", "Your account may not open it. Ask an admin of the project."
)
NOT_FOUND = Trouble(
    "not_found",
    "There is no such page",
    "Perhaps it is not kept any more, perhaps the address is mistyped, perhaps you are not a member.",
)
BROKEN = Trouble(
    "internal_error",
    "Something broke on our side",
    "The page could not be made. Nothing that you see elsewhere is affected, and mail goes on being sent. "
    "If it happens again, tell whoever runs this site the time at which it did.",
)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 400, BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The guards say why in one sentence of our own; nothing else is shown."""
    return _page(request, 403, FORBIDDEN, str(exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    own_words = exception.args and isinstance(exception.args[0], str)  # the resolver's are a table of addresses
    return _page(request, 404, NOT_FOUND, exception.args[0] if own_words else "")


def broken(request: HttpRequest) -> HttpResponse:
    if isinstance(sys.exc_info()[1], outage.AWAY):  # it went away outside of a view, say while a session was saved
        return outage.answer(request)
    return _page(request, 500, BROKEN)


def _page(request: HttpRequest, status: int, trouble: Trouble, text: str = "") -> HttpResponse:
    if request.path.startswith("/api/"):  # outside of what the API answers itself; in its error shape
        error = {"code": trouble.code, "message": f"{trouble.title}.", "fields": {}}
        return JsonResponse({"error": error}, status=status)
    context = {"status": status, "trouble": trouble, "text": text or trouble.text, "theme": theme_of(request)}
    return HttpResponse(render_to_string("error.html", context), status=status)
