"""A program that calls the API: `caller.get("/projects/IT")`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.test import Client

ROOT = "/api/v1"


@dataclass
class Got:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an error, which must have the one shape."""
        error = self.json["error"]
        assert set(error) == {"code", "message", "fields"}
        assert error["message"]
        return str(error["code"])

    @property
    def fields(self) -> dict[str, str]:
        fields: dict[str, str] = self.json["error"]["fields"]
        return fields


class Caller:
    def __init__(self, secret: str = "") -> None:
        self.headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self.client = Client()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Got:
        """`body` is sent as JSON, bytes as they are. `Idempotency_Key="x"` is the header Idempotency-Key."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        type = given.pop("Content-Type", "application/json" if data else "")
        response = self.client.generic(
            method, f"{ROOT}{path}", data, content_type=type, headers={**self.headers, **given}
        )
        return Got(response.status_code, response.headers, response.content)

    def get(self, path: str, **headers: str) -> Got:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Got:
        return self.call("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Got:
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Got:
        return self.call("DELETE", path, **headers)
