"""An example of a schema: values that look like the real thing, chosen by the name of the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What a field of this name holds in examples; everything else follows from the schema.
BY_NAME: dict[str, Any] = {
    "key": "IT-12",
    "issue_key": "IT-12",
    "request": "IT-12",
    "project": "IT",
    "email": "ann@example.com",
    "author_email": "ann@example.com",
    "address": "ann@example.com",
    "recipient": "ann@example.com",
    "reporter": {"email": "ann@example.com", "name": "Ann Lee"},
    "participants": [{"email": "bo@example.com", "name": "Bo Chen"}],
    "emails": ["bo@example.com"],
    "recipient_name": "Ann Lee",
    "summary": "Laptop does not start",
    "description": "It beeps three times.",
    "body": "We are looking into it.",
    "author": "Service desk",
    "language": "en",
    "event": "request_created",
    "label": "Request created",
    "detail": "The mailbox does not exist.",
    "cause": "userunknown",
    "cause_label": "Mailbox does not exist",
    "reason": "provider_error",
    "reason_label": "Error from email service provider",
    "state": "failed",
    "smtp_code": 550,
    "enhanced_code": "5.1.1",
    "attempts": 1,
    "from_address": "help@example.com",
    "resolution": "Done",
    "status": "resolved",
    "status_label": "Resolved",
    "zone": "Europe/Berlin",
    "next": None,
    "next_attempt_at": None,
    "resend_of": None,
    "resent_as": None,
    "until": None,
    "suppression": None,
    "url": "",
    "message_id": "<0199d1@mail.example.com>",
    "data": {},
}
BY_FORMAT = {"date-time": "2026-11-23T14:30:00Z", "uuid": "019ab0c4-7d2e-7c31-9b1a-5f0e2d4c6b8a"}
BY_TYPE: dict[str, Any] = {"string": "", "integer": 1, "number": 1, "boolean": True, "object": {}, "null": None}


def of_schema(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str = "") -> Any:
    """`schemas` are the named ones, which the schema may refer to."""
    schema = _resolved(schema, schemas)
    if name in BY_NAME and ("properties" not in schema or isinstance(BY_NAME[name], dict)):
        return BY_NAME[name]
    if "properties" in schema:
        return {key: of_schema(value, schemas, key) for key, value in schema["properties"].items()}
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [of_schema(schema.get("items", {}), schemas)]
    if schema.get("format") in BY_FORMAT:
        return BY_FORMAT[schema["format"]]
    return BY_TYPE.get(str(schema.get("type")))


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference leads to, and of several alternatives the first."""
    if "$ref" in schema:
        return _resolved(schemas[str(schema["$ref"]).rsplit("/", 1)[-1]], schemas)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _resolved(schema[several][0], schemas)
    return schema
