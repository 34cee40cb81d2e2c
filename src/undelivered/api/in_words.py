"""A description made readable: JSON schemas in a few words (`list of Invitee`, linked), backticks as code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_FORMATS = {"date-time": "moment", "uuid": "UUID"}


def linked(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> SafeString:
    """`schemas` are the named ones: a choice of words is written out, anything with fields is linked."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rsplit("/", 1)[-1]
        named = schemas.get(name, {})
        return linked(named, schemas) if "enum" in named else format_html('<a href="#schema-{}">{}</a>', name, name)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return format_html_join(" or ", "{}", ([linked(one, schemas)] for one in schema[several]))
    if schema.get("type") == "array":
        bounds = _bounds(schema, "minItems", "maxItems", "")
        return format_html("list of {}{}", linked(schema.get("items", {}), schemas), bounds)
    return format_html("{}", _plain(schema))


def given(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> SafeString:
    """The same for a parameter: what may be left out is not called null."""
    alternatives = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return linked({**schema, "anyOf": alternatives} if alternatives else schema, schemas)


def prose(text: str) -> SafeString:
    """Every second piece between backticks is code."""
    pieces = enumerate(text.split("`"))
    return format_html_join("", "{}", ([format_html("<code>{}</code>", one) if n % 2 else one] for n, one in pieces))


def _plain(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(str(word) for word in schema["enum"])
    kind = str(schema.get("type", "anything"))
    if kind == "string":
        return _FORMATS.get(schema.get("format", ""), kind) + _bounds(schema, "", "maxLength", " characters")
    return kind + _bounds(schema, "minimum", "maximum", "")


def _bounds(schema: Mapping[str, Any], least: str, most: str, unit: str) -> str:
    low, high = schema.get(least), schema.get(most)
    if high is None:
        return ""
    return f", {low} to {high:,}{unit}" if low is not None else f", at most {high:,}{unit}"
