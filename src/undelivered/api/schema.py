"""The OpenAPI description, with what django-ninja cannot know: errors, scopes, the header `Idempotency-Key`."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from undelivered.api.auth import Token
from undelivered.api.errors import CODES
from undelivered.api.idempotency import HEADER, REPLAY

ERROR: dict[str, Any] = {
    "title": "Error",
    "description": "The one shape of every error.",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "fields"],
            "properties": {
                "code": {"type": "string", "enum": list(CODES)},
                "message": {"type": "string", "description": "For people."},
                "fields": {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "description": "What is wrong with which field: `customers.0.email`.",
                },
            },
        }
    },
}
MEANINGS = {
    400: "Something in the request cannot be used",
    401: "No token, or an unknown one",
    403: "The token lacks the scope",
    404: "There is no such thing, or it is another project's",
    409: "It cannot be done as things are",
    411: "The length of the body is unknown",
    413: "The body is too large",
    415: "The body is not announced as JSON",
    503: "The database is away",
}
ALWAYS, WITH_A_BODY = (400, 401, 403, 404, 503), (409, 411, 413, 415)
KEY_PARAMETER = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "description": "A value of your own, new for each action. Repeating a call with it never does it twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
REPLAY_HEADER = {
    "description": "There, and `true`, when this is the answer of an earlier call with the same key.",
    "schema": {"type": "string", "enum": ["true"]},
}


class DocumentedApi(NinjaAPI):
    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(self, **where: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**where)
        schema["components"]["schemas"]["Error"] = ERROR
        schema["components"]["securitySchemes"]["Token"]["description"] = "A token of the project."
        scopes = self._scopes()
        for path in schema["paths"].values():
            for method, operation in path.items():
                _complete(operation, method, scopes[operation["operationId"]])
        return schema

    def _scopes(self) -> dict[str, str]:
        """The scope that each operation needs, by its id."""
        return {
            self.get_openapi_operation_id(operation): auth.scope.value
            for router in self._get_bound_routers()
            for view in router.path_operations.values()
            for operation in view.operations
            for auth in operation.auth_callbacks
            if isinstance(auth, Token)
        }


def _complete(operation: dict[str, Any], method: str, scope: str) -> None:
    operation["security"] = [{"Token": [scope]}]
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for status in ALWAYS if method == "get" else sorted(ALWAYS + WITH_A_BODY):
        operation["responses"][status] = {"description": MEANINGS[status], "content": content}
    if method == "post":
        operation["parameters"] = [*operation["parameters"], KEY_PARAMETER]
        success = next(answer for status, answer in operation["responses"].items() if status < 300)
        success["headers"] = {REPLAY: REPLAY_HEADER}
