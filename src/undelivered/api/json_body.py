"""Bodies in and out: JSON, read strictly.

What Python's own reader lets through (NaN, lone surrogates) or breaks on (nesting without an end) is refused here, so
that nothing behind has to think of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from pydantic_core import from_json, to_json

from undelivered.api.errors import ApiError, answer


class StrictJson(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json":
            raise ApiError("unsupported_media_type")
        if (request.content_params or {}).get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
            raise ApiError("unsupported_media_type", "Send JSON in UTF-8.")
        try:
            return from_json(request.body, allow_inf_nan=False)
        except ValueError as error:
            raise ApiError("not_json", f"The body is not JSON: {error}.") from error


def of_known_length(run: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Decorates every operation. Django reads as many bytes as `Content-Length` says: without it, none at all."""

    def checked(request: HttpRequest, **path: Any) -> HttpResponseBase:
        if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
            return answer("length_required")
        return run(request, **path)

    return checked


class Json(BaseRenderer):
    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return written(data)


def written(data: Any) -> bytes:
    """JSON in UTF-8; moments as `2026-11-23T01:18:40.123000Z`."""
    return to_json(data)
