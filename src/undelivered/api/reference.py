"""The page at /api/v1/docs: the OpenAPI description, made readable on the server. It loads nothing and runs nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

from undelivered.api.errors import CODES
from undelivered.api.example import of_schema
from undelivered.api.in_words import given, linked, prose

Json = dict[str, Any]

#: What every path and list has in common is said once.
PARAMETERS = {
    "key": "The project's key (`IT`), or the request's (`IT-12`).",
    "cursor": "`next` of the page before.",
    "limit": "Rows of a page; 25 unless given.",
}
#: What stands in the paths of the examples.
IN_PATHS = {
    "/projects/{key}": "/projects/IT",
    "/requests/{key}": "/requests/IT-12",
    "{id}": "$ID",
    "{entry}": "ann@example.com",
    "{event}": "request_created",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a property, as a row of a table."""

    name: str
    type: SafeString
    required: bool
    meaning: SafeString


@dataclass(frozen=True, slots=True)
class Operation:
    anchor: str
    method: str
    path: str
    summary: str
    meaning: SafeString
    scope: str
    parameters: list[Field]
    body: SafeString | None
    status: str
    answer: SafeString | None
    example: str  # a curl command
    example_answer: str


@dataclass(slots=True)
class Chapter:
    title: str
    operations: list[Operation] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shape:
    """A schema with fields: what a body or an answer is made of."""

    name: str
    meaning: SafeString
    fields: list[Field]


class Reference(DocsBase):
    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        context = {
            "api": api,
            "book": Book(api.get_openapi_schema(path_params=kwargs)),
            "codes": [(code, said.status, prose(said.message)) for code, said in CODES.items()],
            "schema_url": self.get_openapi_url(api, kwargs),
        }
        return render(request, "api/reference.html", context)


class Book:
    """An OpenAPI description, in the words of a reader."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self.description = description
        self.schemas: Json = description["components"]["schemas"]

    @cached_property
    def chapters(self) -> list[Chapter]:
        """The operations by resource, in the order in which the API lists them."""
        found: dict[str, Chapter] = {}
        for path, methods in self.description["paths"].items():
            for method, operation in methods.items():
                chapter = found.setdefault(operation["tags"][0], Chapter(operation["tags"][0]))
                chapter.operations.append(self._operation(path, method.upper(), operation))
        return list(found.values())

    @cached_property
    def shapes(self) -> list[Shape]:
        """By name; schemas that are a choice of words are written out where they are used."""
        return [self._shape(name, schema) for name, schema in sorted(self.schemas.items()) if "properties" in schema]

    def _operation(self, path: str, method: str, operation: Json) -> Operation:
        success = next(item for item in operation["responses"].items() if int(item[0]) < 300)
        body, answer = _content(operation.get("requestBody", {})), _content(success[1])
        return Operation(
            anchor=operation["operationId"],
            method=method,
            path=path,
            summary=operation["summary"],
            meaning=prose(operation.get("description", "")),
            scope=operation["security"][0]["Token"][0],
            parameters=[self._parameter(one) for one in operation["parameters"]],
            body=linked(body, self.schemas) if body else None,
            status=str(success[0]),
            answer=linked(answer, self.schemas) if answer else None,
            example=self._curl(path, method, body),
            example_answer=json.dumps(of_schema(answer, self.schemas), indent=2, ensure_ascii=False) if answer else "",
        )

    def _shape(self, name: str, schema: Json) -> Shape:
        required = set(schema.get("required", ()))
        fields = [self._field(key, value, key in required) for key, value in schema["properties"].items()]
        return Shape(name, prose(schema.get("description", "")), fields)

    def _parameter(self, one: Json) -> Field:
        meaning = one.get("description", "") or PARAMETERS.get(one["name"], "")
        return Field(one["name"], given(one["schema"], self.schemas), one["required"], prose(meaning))

    def _field(self, name: str, schema: Json, required: bool) -> Field:
        return Field(name, linked(schema, self.schemas), required, prose(schema.get("description", "")))

    def _curl(self, path: str, method: str, body: Json) -> str:
        lines = ["curl" if method == "GET" else f"curl -X {method}", '-H "Authorization: Bearer $TOKEN"']
        if method == "POST":
            lines.append('-H "Idempotency-Key: $(uuidgen)"')
        if body:
            lines.append('-H "Content-Type: application/json"')
            lines.append(f"-d '{json.dumps(of_schema(body, self.schemas), ensure_ascii=False)}'")
        for name, value in IN_PATHS.items():
            path = path.replace(name, value)
        return " \\\n  ".join([*lines, f'"$SITE{path}"'])


def _content(part: Json) -> Json:
    found: Json = part.get("content", {}).get("application/json", {}).get("schema", {})
    return found
