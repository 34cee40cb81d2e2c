"""Bad input of a person or a program: which field, and what is wrong with it, in words that can be shown to them."""

from __future__ import annotations


class BadInput(ValueError):
    """`fields` maps the name of each field to a sentence about it."""

    def __init__(self, field: str, message: str, **more: str) -> None:
        super().__init__(message)
        self.fields: dict[str, str] = {field: message, **more}
