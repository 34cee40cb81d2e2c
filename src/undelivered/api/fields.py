"""The types that the API's fields are made of: bounded, without what PostgreSQL or a mail header cannot hold.

`strict` bodies take JSON's own types only ("yes" is no boolean) and no field that is not declared.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from django.utils import timezone
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

#: A description or a comment may make a mail that is over the size limit: the log says so then.
TEXT_MAX = 5_000_000
ADDRESS_MAX = 1000

# C0 and C1 controls, and Unicode's own line ends: what would end a mail header's line, or hide in one.
_CONTROL = "\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029"
_CONTROLS = re.compile(f"[{_CONTROL}]")
_LINE = {"pattern": f"^[^{_CONTROL}]*$"}
_FILLED_LINE = {"pattern": f"^[^{_CONTROL}]*[^{_CONTROL}\\s][^{_CONTROL}]*$"}
_TEXT = {"pattern": "^[^\\u0000]*$"}
_FILLED_TEXT = {"pattern": "^[^\\u0000]*[^\\u0000\\s][^\\u0000]*$"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Body(BaseModel):
    """What a caller sends."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Query(BaseModel):
    """What stands behind the question mark. Names that are not declared are refused by `queries`."""


class Answer(BaseModel):
    """What a caller gets."""


def _line(value: str) -> str:
    if _CONTROLS.search(value):
        raise ValueError("Line ends and other control characters are not allowed here.")
    return value.strip()


def _text(value: str) -> str:
    if "\x00" in value:
        raise ValueError("The character NUL is not allowed.")
    return value


def _filled(value: str) -> str:
    if not value.strip():
        raise ValueError("This must not be empty.")
    return value


def _moment(value: Any) -> Any:
    """A moment with its zone, or a day: its beginning in the site's zone. A `+` that a URL made a blank is one."""
    if not isinstance(value, str):
        raise ValueError("Write a moment as 2026-11-23T14:30:00Z.")
    text = re.sub(r"(?<=\d) (?=\d\d:?\d\d$)", "+", value) if "T" in value else value
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            moment = datetime.combine(date.fromisoformat(text), time(), timezone.get_default_timezone())
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("Write a moment as 2026-11-23T14:30:00Z.") from None
    if moment.tzinfo is None:
        raise ValueError("The zone is missing: write 2026-11-23T14:30:00Z or 2026-11-23T15:30:00+01:00.")
    try:
        return max(moment.astimezone(UTC), _EPOCH)  # PostgreSQL knows fewer offsets than ISO 8601 can write
    except OverflowError:
        raise ValueError("This is beyond every calendar.") from None


Name = Annotated[str, Field(max_length=200, json_schema_extra=_LINE), AfterValidator(_line)]
Label = Annotated[
    str,
    Field(min_length=1, max_length=100, json_schema_extra=_FILLED_LINE),
    AfterValidator(_line),
    AfterValidator(_filled),
]
Summary = Annotated[
    str,
    Field(min_length=1, max_length=500, json_schema_extra=_FILLED_LINE),
    AfterValidator(_line),
    AfterValidator(_filled),
]
#: As it is: an address that no mail can reach is taken, and its mail fails with the reason that says what is wrong.
Address = Annotated[
    str,
    Field(min_length=1, max_length=ADDRESS_MAX, json_schema_extra=_FILLED_LINE),
    AfterValidator(_line),
    AfterValidator(_filled),
]
Text = Annotated[str, Field(max_length=TEXT_MAX, json_schema_extra=_TEXT), AfterValidator(_text)]
FilledText = Annotated[
    str,
    Field(min_length=1, max_length=TEXT_MAX, json_schema_extra=_FILLED_TEXT),
    AfterValidator(_text),
    AfterValidator(_filled),
]
Note = Annotated[str, Field(max_length=1000, json_schema_extra=_TEXT), AfterValidator(_text)]
Language = Annotated[str, Field(max_length=35, pattern=r"^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$")]  # RFC 5646
Link = Annotated[str, Field(max_length=2000, json_schema_extra={"pattern": r"^(https?://[^\s]+)?$"})]
Search = Annotated[str, Field(max_length=ADDRESS_MAX, json_schema_extra=_LINE), AfterValidator(_line)]
Cursor = Annotated[str, Field(max_length=500, json_schema_extra=_LINE), AfterValidator(_line)]
Moment = Annotated[
    datetime,
    BeforeValidator(
        _moment, json_schema_input_type=Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]
    ),
]
Limit = Annotated[int, Field(ge=1, le=100)]
