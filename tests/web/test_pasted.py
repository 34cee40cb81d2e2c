"""A pasted list is read as the person who pasted it would read it."""

from __future__ import annotations

import pytest

from undelivered.web.pages import pasted
from undelivered.web.pages.pasted import Pasted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("\n \n", []),
        ("ann@northwind.example", [Pasted("ann@northwind.example")]),
        ("ann@a.example\nbob@b.example\r\n", [Pasted("ann@a.example"), Pasted("bob@b.example")]),
        ("ann@a.example, bob@b.example;cy@c.example", [Pasted(f"{n}.example") for n in ("ann@a", "bob@b", "cy@c")]),
        ("Ann Keller <ann@a.example>", [Pasted("ann@a.example", "Ann Keller")]),
        ('"Keller, Ann" <ann@a.example>', [Pasted("ann@a.example", "Keller, Ann")]),
        ("Keller, Ann <ann@a.example>", [Pasted("ann@a.example", "Keller, Ann")]),
        (
            "Keller, Ann <ann@a.example>, Bob <bob@b.example>",
            [Pasted("ann@a.example", "Keller, Ann"), Pasted("bob@b.example", "Bob")],
        ),
        ("Ann Keller,ann@a.example", [Pasted("ann@a.example", "Ann Keller")]),
        ("ann@a.example,Ann Keller,de", [Pasted("ann@a.example", "Ann Keller", "de")]),
        ("ann@a.example\tAnn Keller", [Pasted("ann@a.example", "Ann Keller")]),
        ("ann@a.example,Ann", [Pasted("ann@a.example", "Ann")]),
    ],
)
def test_a_list_is_read_in_any_of_its_usual_forms(text: str, expected: list[Pasted]) -> None:
    assert pasted.read(text) == expected


@pytest.mark.parametrize(
    "faulty",
    [
        "lena,hoffmann@hafenkontor.example",
        "lena@hafenkontor,example",
        "ann.northwind.example",
        "Ann <ann@a.example",
        "printer@192.168.0.217",
    ],
)
def test_a_faulty_address_stays_as_it_was_written(faulty: str) -> None:
    assert pasted.read(faulty) == [Pasted(faulty)]


def test_a_csv_file_with_a_heading_is_read_by_its_columns() -> None:
    text = '\ufeffName,Department,E-mail,Language\n"Keller, Ann",Sales,ann@a.example,de\nBob,,bob@b.example,\n,,,\n'
    assert pasted.read(text) == [Pasted("ann@a.example", "Keller, Ann", "de"), Pasted("bob@b.example", "Bob")]


def test_a_heading_with_semicolons_is_a_heading_too() -> None:
    assert pasted.read("email;name\nann@a.example;Ann") == [Pasted("ann@a.example", "Ann")]


def test_too_many_addresses_are_refused_with_the_number() -> None:
    with pytest.raises(pasted.TooLong, match="1,001 addresses"):
        pasted.read("\n".join(f"c{n}@a.example" for n in range(1001)))
    with pytest.raises(pasted.TooLong, match="too long"):
        pasted.read("x" * 200_001)
