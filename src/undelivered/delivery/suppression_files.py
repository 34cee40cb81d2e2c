"""The suppression list as a file: read from CSV or a pasted list, line by line, and written as CSV.

With a first line that names columns, the file is read by them; every program calls them otherwise (`_COLUMNS`). Without
one, each line begins with an address, or has nothing but addresses. What cannot be used is named by the number of its
line: nothing is left out silently, and nothing is guessed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import parsedate_to_datetime
from typing import NoReturn

from django.utils import timezone

from undelivered.bounces import FACTS, Cause, Suppress
from undelivered.delivery.addresses import canonical, validate
from undelivered.delivery.models import Suppression
from undelivered.delivery.suppression import MANUAL, cause_label, rule
from undelivered.desk import typed

MOST = 100_000
MOST_BYTES = 32 * 1024 * 1024
LONGEST_NOTE = 1000


def _all(names: str, meaning: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), meaning)


#: What a column holds, by the names that programs give it.
_COLUMNS = {
    **_all("address email emailaddress mail recipient", "address"),
    **_all("cause type suppressiontype suppressionreason bouncetype category", "cause"),
    **_all("detail details note notes description error message reason diagnostic response", "detail"),
    **_all("since created createdat createddate date time timestamp lastupdated lastupdatetime", "since"),
    **_all("until expires expiresat ends", "until"),
}
#: Words of other programs for a cause, without blanks and signs. A soft bounce blocks nobody, here as there.
_WORDS = {
    **{re.sub("[^a-z]", "", FACTS[cause].title.lower()): cause.value for cause in Cause},
    **{cause.value: cause.value for cause in Cause},
    **_all("manual addedbyhand manualsuppression unsubscribe unsubscribed optout", MANUAL),
    **_all("complaint complained spam spamcomplaint spamreport abuse", Cause.FEEDBACK.value),
    **_all("bounce bounced hardbounce hard permanent invalid invalidemail bademailaddress", Cause.USER_UNKNOWN.value),
}
#: What an entry may be made with by hand or from a file: all that says something about the address.
CAUSES = (MANUAL, *(cause.value for cause in Cause if FACTS[cause].suppress is not Suppress.NEVER))

#: A quotation mark that is never closed makes one field of all that follows: it is told, and does not end the reading.
csv.field_size_limit(MOST_BYTES)
_LINE_END = re.compile("\r\n?|\n")
_NAMED = re.compile(r"[^<>]*<(?P<address>[^<>]*)>\s*")
#: A cell that begins so is a formula to a spreadsheet; an apostrophe before it makes it text again.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Unreadable(ValueError):
    """The file as a whole cannot be read."""


@dataclass(frozen=True, slots=True)
class Line:
    """An entry that a file wants. `number` is that of the line in the file."""

    number: int
    address: str
    key: str
    cause: str
    detail: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that cannot be used, and why."""

    number: int
    text: str
    why: str


class _Refused(ValueError):
    pass


def decoded(body: bytes) -> str:
    """The text of a file. Raises `Unreadable`, with the line where it stops being UTF-8."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if body.startswith(mark):
            return _decoded(body, name)
    return _decoded(body, "utf-8")


def _decoded(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        number = body.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"Line {number:,} is not UTF-8. Save the file as “CSV UTF-8” and try again.") from None


def read(text: str, *, cause: str = MANUAL, now: datetime | None = None) -> Iterator[Line | Bad]:
    """The lines of a file. `cause` is that of lines which name none. Raises `Unreadable`."""
    now = now or timezone.now()
    lines = _LINE_END.split(text.lstrip("\ufeff"))
    first = next((line for line in lines if line.strip()), "")
    separator = next((sign for sign in ("\t", ";") if sign in first), ",")
    columns: list[str] | None = None
    good = 0
    for number, last, fields in _records(lines, separator):
        if columns is None:
            columns = _heading(fields)
            if columns:
                continue
        try:
            if last > number and _runs_on(fields, columns):
                _refuse(f"A quotation mark is opened here and not closed: lines {number:,} to {last:,} are one field.")
            for line in _by_columns(number, fields, columns, cause, now) if columns else _plain(number, fields, cause):
                good += 1
                if good > MOST:
                    raise Unreadable(f"There are more than {MOST:,} addresses. Split the file.")
                yield line
        except _Refused as refused:
            yield Bad(number, " ".join(separator.join(fields).split())[:200], str(refused))


def _runs_on(fields: list[str], columns: list[str]) -> bool:
    """Whether a field that has no business with line ends has some."""
    at = columns.index("detail") if "detail" in columns else -1
    return any("\n" in field and index != at for index, field in enumerate(fields))


def _records(lines: list[str], separator: str) -> Iterator[tuple[int, int, list[str]]]:
    """(its first line, its last line, its fields) for every record that is not empty."""
    # Line ends are put back, so that a quoted field may have some.
    reader = csv.reader((line + "\n" for line in lines), delimiter=separator, skipinitialspace=True)
    number = 0
    for fields in reader:
        number, before = reader.line_num, number
        if any(field.strip() for field in fields):
            yield before + 1, number, [_without_guard(field.strip()) for field in fields]


def _heading(fields: list[str]) -> list[str]:
    """Which column holds what, if this is a heading; else nothing. Of two columns for one thing, the first counts."""
    if any("@" in field for field in fields):
        return []
    found: list[str] = []
    for field in fields:
        column = _COLUMNS.get(re.sub("[^a-z]", "", field.lower()), "")
        found.append("" if column in found else column)
    return found if "address" in found else []


def _by_columns(number: int, fields: list[str], columns: list[str], cause: str, now: datetime) -> Iterator[Line]:
    values = {name: value for name, value in zip(columns, fields, strict=False) if name}
    address = _address(values.get("address", ""))
    until = _moment(values.get("until", ""), "end", last=True)
    if until and until <= now:
        _refuse("This block is over already.")
    since = _moment(values.get("since", ""), "beginning")
    yield Line(
        number,
        address,
        canonical(address),
        _cause(values["cause"]) if values.get("cause") else cause,
        typed.line(values.get("detail", ""))[:LONGEST_NOTE],
        min(since, now) if since else None,
        until,
    )


def _plain(number: int, fields: list[str], cause: str) -> Iterator[Line]:
    """Addresses alone, or one address with a note behind it."""
    filled = [field for field in fields if field]
    several = all("@" in field for field in filled)
    if "@" not in filled[0]:
        if any("@" in field for field in filled):
            _refuse(
                "The address must stand first, or a first line must name the columns: address, cause, detail, until."
            )
        _refuse("There is no address in this line.")
    detail = "" if several else typed.line(" ".join(filled[1:]))[:LONGEST_NOTE]
    addresses = [_address(field) for field in (filled if several else filled[:1])]
    yield from (Line(number, address, canonical(address), cause, detail) for address in addresses)


def _address(field: str) -> str:
    named = _NAMED.fullmatch(field)
    address = typed.line(named["address"] if named else field)
    if not address:
        _refuse("The address is missing.")
    if problem := validate(address):
        better = f" Was {problem.suggestion} meant?" if problem.suggestion else ""
        _refuse(problem.detail + better)
    return address


def _cause(word: str) -> str:
    found = _WORDS.get(re.sub("[^a-z]", "", word.lower()))
    if found is None:
        _refuse(f"“{word[:60]}” is no cause that is known. Use one of: {', '.join(CAUSES)}.")
    if found != MANUAL and rule(found) is Suppress.NEVER:
        _refuse(f"“{cause_label(found)}” says nothing about the address, and so blocks nobody.")
    return found


def _moment(text: str, what: str, *, last: bool = False) -> datetime | None:
    """A day or a moment, as ISO 8601, RFC 5322 or Unix write it; a day is its first moment, or its `last`."""
    if not text:
        return None
    try:
        if re.fullmatch(r"\d{10}(\d{3})?", text):
            return datetime.fromtimestamp(int(text[:10]), UTC)
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            found = datetime.combine(date.fromisoformat(text), time(23, 59, 59) if last else time())
        else:
            found = parsedate_to_datetime(text) if "," in text else datetime.fromisoformat(text)
        # In UTC, since PostgreSQL knows fewer offsets than people can write.
        return (found if found.tzinfo else timezone.make_aware(found)).astimezone(UTC)
    except (ValueError, OverflowError):
        _refuse(f"The {what} “{text[:40]}” is no date. Write it as 2026-11-23 or 2026-11-23T14:30:00Z.")


def _refuse(why: str) -> NoReturn:
    raise _Refused(why)


HEADING = ("address", "cause", "since", "until", "detail", "notification_id", "for_whole_site")


def written(entries: Iterable[Suppression]) -> Iterator[str]:
    """The list as CSV (RFC 4180), a line at a time; `read` reads it again."""
    out = io.StringIO()
    writer = csv.writer(out)
    for row in _rows(entries):
        writer.writerow([_guarded(cell) for cell in row])
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def _rows(entries: Iterable[Suppression]) -> Iterator[tuple[str, ...]]:
    yield HEADING
    for one in entries:
        yield (
            one.address,
            one.cause,
            one.since.isoformat(timespec="seconds"),
            one.until.isoformat(timespec="seconds") if one.until else "",
            typed.line(one.detail),
            str(one.notification_id or ""),
            "" if one.project_id else "yes",
        )


def _guarded(cell: str) -> str:
    """What a spreadsheet would take for a formula becomes text; what looks guarded already is guarded again."""
    return f"'{cell}" if cell.startswith(_FORMULA) or _is_guarded(cell) else cell


def _without_guard(cell: str) -> str:
    return cell[1:] if _is_guarded(cell) else cell


def _is_guarded(cell: str) -> bool:
    return cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA)
