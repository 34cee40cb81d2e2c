"""What stands behind the question mark must be known: a misspelt filter would silently answer with everything."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from undelivered.api.auth import Call
from undelivered.api.errors import ApiError


def known_only(view: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates every view of the API."""

    @wraps(view)
    def checked(request: Call, **values: Any) -> Any:
        asked = set(request.GET) if request.META.get("QUERY_STRING") else set()
        if unknown := sorted(asked - _known(view)):
            said = "There is no such parameter."
            raise ApiError(
                "invalid_input", f"{unknown[0][:200]}: {said}", fields={name[:200]: said for name in unknown[:20]}
            )
        return view(request, **values)

    return checked


def _known(view: Any) -> set[str]:
    models = view._ninja_operation.models
    return {name for model in models if model.__ninja_param_source__ == "query" for name in model.__ninja_flatten_map__}
