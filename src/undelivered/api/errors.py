"""The API's one error shape, `{"error": {"code", "message", "fields"}}`, for everything that can go wrong.

Resources raise `ApiError`. `install` translates what django-ninja and Django raise, and the middleware `OneShape` what
is answered before or beside them (an unknown address, a method that is not there, our own bug). That the database is
away is answered by `web.outage`, in the same shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError

from undelivered.desk.bad_input import BadInput


@dataclass(frozen=True, slots=True)
class Code:
    """`message` is said when nobody says anything more precise."""

    status: int
    message: str


#: Every code that an answer may carry. docs/api.md lists them, and a test compares.
CODES: dict[str, Code] = {
    "invalid_input": Code(400, "Something in the request cannot be used. See `fields`."),
    "not_json": Code(400, "The body is not JSON."),
    "bad_request": Code(400, "The request cannot be understood."),
    "token_required": Code(401, "This needs a token: `Authorization: Bearer <token>`."),
    "token_unknown": Code(401, "The token is unknown or revoked."),
    "scope_missing": Code(403, "The token may not do this."),
    "forbidden": Code(403, "This is not allowed."),
    "not_found": Code(404, "There is nothing here."),
    "method_not_allowed": Code(405, "This address does not know the method. See the header `Allow`."),
    "conflict": Code(409, "This cannot be done as things are."),
    "confirmation_needed": Code(409, "This needs to be confirmed."),
    "idempotency_key_reused": Code(409, "The same Idempotency-Key came with another request."),
    "length_required": Code(411, "The body's length must be known before: send `Content-Length`."),
    "too_large": Code(413, "The body is too large."),
    "unsupported_media_type": Code(415, "Send JSON, with `Content-Type: application/json`."),
    "too_many_requests": Code(429, "Too many requests. Try again later."),
    "internal_error": Code(500, "Something went wrong on our side. It is in the server's log."),
    "database_unavailable": Code(503, "The database cannot be reached at the moment."),
    "unavailable": Code(503, "This cannot be served at the moment."),
}

#: For answers that name a status only: the code that says it.
CODE_OF_STATUS = {
    400: "bad_request",
    401: "token_required",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    411: "length_required",
    413: "too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
    503: "unavailable",
}

#: How the types of pydantic's complaints are said here; the others say it well enough themselves.
SAID = {
    "missing": "This is required.",
    "extra_forbidden": "There is no such field.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
    "dict_type": "This must be an object.",
    "list_type": "This must be a list.",
    "string_type": "This must be a string.",
    "bool_type": "This must be true or false.",
    "int_type": "This must be a whole number.",
    "int_parsing": "This must be a whole number.",
    "int_parsing_size": "This number is too large.",
}


class ApiError(Exception):
    """An answer other than success. `fields` says per field (`customers.0.email`) what is wrong with it."""

    def __init__(self, code: str, message: str = "", *, fields: Mapping[str, str] | None = None) -> None:
        self.code, self.fields = code, dict(fields or {})
        self.message = message or CODES[code].message
        self.headers: dict[str, str] = {}
        super().__init__(f"{code}: {self.message}")

    @classmethod
    def of_field(cls, field: str, message: str) -> ApiError:
        return cls("invalid_input", f"{field}: {message}", fields={field: message})

    def answer(self) -> HttpResponse:
        return answer(self.code, self.message, fields=self.fields, headers=self.headers)


class Unauthorized(ApiError):
    """401, which must name the way to sign in (RFC 9110, 11.6.1; RFC 6750, 3)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        challenge = 'Bearer realm="Undelivered"'
        self.headers["WWW-Authenticate"] = challenge + (', error="invalid_token"' if code == "token_unknown" else "")


def answer(
    code: str, message: str = "", *, fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    said = {"code": code, "message": message or CODES[code].message, "fields": dict(fields or {})}
    return JsonResponse({"error": said}, status=CODES[code].status, headers=dict(headers or {}))


def install(api: NinjaAPI) -> None:
    """Teaches the API to answer in the one shape. What is not listed is a bug of ours, and Django's to log."""
    api.add_exception_handler(ApiError, lambda request, error: cast("ApiError", error).answer())
    api.add_exception_handler(BadInput, lambda request, error: _of_fields(cast("BadInput", error).fields))
    api.add_exception_handler(AuthenticationError, _unauthorized)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(HttpError, _http_error)
    api.add_exception_handler(Throttled, lambda request, error: answer("too_many_requests"))
    api.add_exception_handler(Http404, lambda request, error: answer("not_found"))
    api.add_exception_handler(RequestDataTooBig, lambda request, error: answer("too_large"))
    api.add_exception_handler(UnreadablePostError, lambda request, error: answer("bad_request"))
    api.add_exception_handler(Exception, _raise)


def _unauthorized(request: HttpRequest, error: Any) -> HttpResponse:
    return Unauthorized("token_unknown" if request.headers.get("Authorization") else "token_required").answer()


def _http_error(request: HttpRequest, error: Any) -> HttpResponse:
    """What django-ninja says itself, or what `json_body` said, which django-ninja wraps."""
    if isinstance(error.__cause__, ApiError):
        return error.__cause__.answer()
    return answer(CODE_OF_STATUS.get(error.status_code, "bad_request"))


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    fields: dict[str, str] = {}
    for complaint in error.errors:
        source, *path = complaint["loc"]
        if source == "path":
            return answer("not_found")
        fields.setdefault(_field(source, path), _said(complaint))
    return _of_fields(fields)


def _of_fields(fields: Mapping[str, str]) -> HttpResponse:
    first, message = next(iter(fields.items()))
    more = f" ({len(fields) - 1} more in `fields`)" if len(fields) > 1 else ""
    return answer("invalid_input", f"{first}: {message}{more}", fields=fields)


def _field(source: str, path: list[Any]) -> str:
    """`customers.0.email` for ("body", "payload", "customers", 0, "email"). Parts in brackets are tags of a union."""
    parts = [str(part) for part in (path[1:] if source == "body" else path) if not str(part).startswith("(")]
    return ".".join(parts)[:200] or "body"


def _said(complaint: Mapping[str, Any]) -> str:
    said = SAID.get(complaint["type"]) or str(complaint["msg"]).removeprefix("Value error, ")
    return said if said.endswith((".", "?", "!")) else said + "."


def _raise(request: HttpRequest, error: Any) -> HttpResponse:
    raise error


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    """The view of every address under /api/ that is none."""
    return answer("not_found")


class OneShape:
    """Middleware: an error under /api/ that is not JSON yet is said in the one shape. Nothing internal gets out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.path_info.startswith("/api/") or response.status_code < 400:
            return response
        if response.headers.get("Content-Type", "").startswith("application/json"):
            return response
        fallback = "bad_request" if response.status_code < 500 else "internal_error"
        shaped = answer(CODE_OF_STATUS.get(response.status_code, fallback))
        for header in ("Allow", "Retry-After", "WWW-Authenticate"):
            if header in response.headers:
                shaped[header] = response.headers[header]
        return shaped
