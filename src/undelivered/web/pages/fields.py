"""Form fields as the pages use them: one line, several lines, an address of the team.

One line means one line: a control character in a name or a subject is an error, so nothing can grow a mail header.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from undelivered.delivery.addresses import validate
from undelivered.desk.bad_input import BadInput


class DeskForm(forms.Form):
    """A form that can show what the floors below object to."""

    def refuse(self, error: ValueError) -> None:
        """Puts an error of another floor at the fields that it names, or above the form."""
        fields = error.fields if isinstance(error, BadInput) else {"": str(error)}
        for name, message in fields.items():
            self.add_error(name if name in self.fields else None, message or "That is not possible.")


def one_line(value: str) -> None:
    for character in value:
        if unicodedata.category(character) in ("Cc", "Zl", "Zp"):
            raise ValidationError("Use one line, without control characters.")


def is_address(value: str) -> None:
    """The forms of the team's own addresses. Customers' addresses are taken as they are: the log shows their faults."""
    if problem := validate(value):
        better = f" Did you mean {problem.suggestion}?" if problem.suggestion else ""
        raise ValidationError(problem.detail + better)


class Line(forms.CharField):
    """One line of text."""

    def __init__(self, *, label: str, max_length: int, **kwargs: Any) -> None:
        super().__init__(label=label, max_length=max_length, validators=[one_line], **kwargs)


class Address(forms.CharField):
    """One email address that must be valid."""

    def __init__(self, *, label: str, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"type": "email", "autocomplete": "off", "spellcheck": "false"})
        super().__init__(label=label, max_length=254, widget=widget, validators=[one_line, is_address], **kwargs)


class Text(forms.CharField):
    """Several lines of text."""

    def __init__(self, *, label: str, rows: int = 6, max_length: int = 100_000, **kwargs: Any) -> None:
        super().__init__(label=label, max_length=max_length, widget=forms.Textarea(attrs={"rows": rows}), **kwargs)
