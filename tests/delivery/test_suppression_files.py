"""Files of the suppression list: what is read, what is refused by the number of its line, and what is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undelivered.bounces import FACTS, Cause, Suppress
from undelivered.delivery import suppression_files as files
from undelivered.delivery.models import Suppression
from undelivered.delivery.suppression_files import Bad, Line, Unreadable

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def read(text: str, **values: Any) -> list[Line | Bad]:
    return list(files.read(text, now=NOW, **values))


def good(text: str, **values: Any) -> list[Line]:
    found = read(text, **values)
    assert not [one for one in found if isinstance(one, Bad)]
    return [one for one in found if isinstance(one, Line)]


def bad(text: str) -> Bad:
    [found] = read(text)
    assert isinstance(found, Bad)
    return found


def entry(**values: Any) -> Suppression:
    defaults = {"address": "ann@x.example", "cause": "userunknown", "since": NOW, "project_id": 1}
    return Suppression(**{**defaults, **values})


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("ann@x.example\nbo@x.example\n", ["ann@x.example", "bo@x.example"]),
        ("ann@x.example\r\n\r\n  bo@x.example", ["ann@x.example", "bo@x.example"]),
        ("ann@x.example, bo@x.example,\n", ["ann@x.example", "bo@x.example"]),
        ("ann@x.example;bo@x.example", ["ann@x.example", "bo@x.example"]),
        ("Ann Keller <ann@x.example>", ["ann@x.example"]),
        ('"Keller, Ann" <ann@x.example>', ["ann@x.example"]),
        ("\ufeffann@x.example\n,,\n", ["ann@x.example"]),
        ("müller@bücher.example", ["müller@bücher.example"]),
        ("", []),
        ("\n \n", []),
    ],
)
def test_a_pasted_list_is_read(text: str, addresses: list[str]) -> None:
    assert [line.address for line in good(text)] == addresses


def test_what_stands_behind_an_address_is_its_note() -> None:
    [line] = good("ann@x.example, 550 5.1.1 no such user, 2024", cause="userunknown")
    assert (line.detail, line.cause) == ("550 5.1.1 no such user 2024", "userunknown")


@pytest.mark.parametrize(
    ("heading", "row", "expected"),
    [
        ("address,cause,since,until,detail", "A@x.example,feedback,2026-01-02,2026-12-24,Asked", "feedback"),
        ("status,reason,email,created", "5.1.1,Asked,A@x.example,2026-01-02T00:00:00Z", "manual"),  # SendGrid's form
        ("Address;Type;Description;Created At", "A@x.example;HardBounce;Asked;1767312000", "userunknown"),
        (
            "EmailAddress\tSuppression Type\tNotes\tCreatedAt",
            "A@x.example\tSpamComplaint\tAsked\t2026-01-02",
            "feedback",
        ),
        (
            '"email","error","created_at"',
            '"A@x.example","Asked","Fri, 02 Jan 2026 00:00:00 GMT"',
            "manual",
        ),  # Mailgun's
    ],
)
def test_columns_are_read_by_their_names(heading: str, row: str, expected: str) -> None:
    [line] = good(f"{heading}\n{row}\n")
    assert (line.number, line.address, line.key) == (2, "A@x.example", "a@x.example")
    assert (line.cause, line.detail, line.since) == (expected, "Asked", datetime(2026, 1, 2, tzinfo=UTC))
    assert line.until == (datetime(2026, 12, 24, 23, 59, 59, tzinfo=UTC) if "until" in heading else None)


@pytest.mark.parametrize(
    ("word", "cause"),
    [
        ("Mailbox does not exist", "userunknown"),
        ("hard_bounce", "userunknown"),
        ("Mailbox full", "mailboxfull"),
        ("Complaint", "feedback"),
        ("unsubscribed", "manual"),
        ("Added by hand", "manual"),
        ("", "hostunknown"),
    ],
)
def test_a_cause_is_known_by_the_words_of_other_programs(word: str, cause: str) -> None:
    assert good(f"email,type\nann@x.example,{word}", cause="hostunknown")[0].cause == cause


def test_every_cause_that_blocks_an_address_can_be_given_and_no_other() -> None:
    assert set(files.CAUSES) == {"manual"} | {c.value for c in Cause if FACTS[c].suppress is not Suppress.NEVER}
    for cause in files.CAUSES:
        assert good(f"email,cause\nann@x.example,{cause}")[0].cause == cause


@pytest.mark.parametrize(
    ("text", "number", "why"),
    [
        ("\n\nann", 3, "There is no address in this line."),
        ("ann@@x.example", 1, "There are 2 @"),
        ("ann@x.example,bo@,", 1, "after the @"),
        ("lena,hoffmann@x.example", 1, "The address must stand first"),
        ("email,cause\n,feedback", 2, "The address is missing."),
        ("email,cause\nann@x.example,soft bounce", 2, "“soft bounce” is no cause that is known"),
        ("email,cause\nann@x.example,spamdetected", 2, "says nothing about the address"),
        ("email,until\nann@x.example,2026-11-22", 2, "This block is over already."),
        ("email,until\nann@x.example,tomorrow", 2, "The end “tomorrow” is no date."),
        ("email,since\nann@x.example,0000-00-00", 2, "The beginning “0000-00-00” is no date."),
        ("email,since\nann@x.example,0001-01-01T00:00:00+14:00", 2, "is no date."),
        ('email,detail\n"ann@x.example,x\nbo@x.example,y\n', 2, "lines 2 to 4 are one field"),
        ('"ann@x.example\nbo@x.example\n', 1, "lines 1 to 3 are one field"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_with_its_number_and_the_reason(text: str, number: int, why: str) -> None:
    found = bad(text)
    assert found.number == number
    assert why in found.why


def test_lines_after_a_bad_one_are_read_and_keep_their_numbers() -> None:
    found = read('email,detail\nann@x.example,"two\nlines"\nbad\nbo@x.example,\n')
    assert [(type(one).__name__, one.number) for one in found] == [("Line", 2), ("Bad", 4), ("Line", 5)]
    assert isinstance(found[0], Line)
    assert found[0].detail == "two lines"


def test_a_beginning_in_the_future_is_now() -> None:
    assert good("email,since\nann@x.example,2027-01-01")[0].since == NOW


def test_more_addresses_than_are_taken_are_refused_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST", 2)
    assert len(good("a@x.example\nb@x.example")) == 2
    with pytest.raises(Unreadable, match="more than 2 addresses"):
        read("a@x.example\nb@x.example\nc@x.example")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_decoded(encoding: str) -> None:
    assert files.decoded("müller@x.example\n".encode(encoding)) == "müller@x.example\n"


def test_a_file_of_another_encoding_is_refused_with_the_line() -> None:
    with pytest.raises(Unreadable, match="Line 2 is not UTF-8"):
        files.decoded(b"ann@x.example\nm\xfcller@x.example\n")


def written(*entries: Suppression) -> list[str]:
    return list(files.written(entries))


def test_the_list_is_written_as_csv() -> None:
    until = NOW + timedelta(days=7)
    assert written(entry(detail="550 5.1.1 no\r\nsuch user, sorry", until=until), entry(project_id=None)) == [
        "address,cause,since,until,detail,notification_id,for_whole_site\r\n",
        "ann@x.example,userunknown,2026-11-23T12:00:00+00:00,2026-11-30T12:00:00+00:00,"
        '"550 5.1.1 no such user, sorry",,\r\n',
        "ann@x.example,userunknown,2026-11-23T12:00:00+00:00,,,,yes\r\n",
    ]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "'=", "''@"])
def test_a_formula_becomes_text_and_is_read_back_as_it_was(sign: str) -> None:
    text = f"{sign}cmd|' /C calc'!A0"
    heading, row = written(entry(detail=text))
    assert f",'{sign}cmd" in row
    assert good(heading + row)[0].detail == text


@given(
    st.sampled_from(["=x@y.example", "+tag@y.example", "'=x@y.example", "o'neil@y.example", '"a,b"@y.example']),
    st.text(st.characters(blacklist_categories=("Cs", "Co", "Cc")), max_size=80),
    st.sampled_from(files.CAUSES),
    st.one_of(st.none(), st.integers(8, 60_000).map(lambda days: NOW + timedelta(days=days))),
)
def test_what_is_written_is_read_again(address: str, detail: str, cause: str, until: datetime | None) -> None:
    one = entry(address=address, detail=" ".join(detail.split()), cause=cause, until=until)
    [line] = good("".join(written(one)))
    assert (line.address, line.cause, line.since) == (address, cause, NOW)
    assert line.until == until
    assert line.detail == one.detail


@given(st.text(max_size=400))
def test_no_text_breaks_the_reading(text: str) -> None:
    for one in read(text):
        assert one.number >= 1
