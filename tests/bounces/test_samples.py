"""Sample mails of every mailer that is known, each with what must be read from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from undelivered.bounces import read

SAMPLES = Path(__file__).parent / "samples"
EXPECTED: dict[str, dict[str, Any]] = json.loads((SAMPLES / "expected.json").read_text(encoding="utf-8"))


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.eml").read_bytes()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_sample_is_read_as_its_table_row_says(name: str) -> None:
    report = read(sample(name))
    expected = EXPECTED[name]
    assert report.kind.value == expected["kind"]
    assert [r.recipient for r in report.results] == [e["recipient"] for e in expected["results"]]
    for result, row in zip(report.results, expected["results"], strict=True):
        allowed = row["reason"] if isinstance(row["reason"], list) else [row["reason"]]
        assert result.cause.value in allowed, result.decided_by
        assert result.status == row["status"]
        assert result.permanent is row["permanent"]
        assert result.decided_by


@pytest.mark.parametrize("ends", [b"\r\n", b"\r"])
@pytest.mark.parametrize("name", ["postfix-dsn", "qmail", "exim", "sendmail-dsn", "exchange-2007", "arf-abuse"])
def test_line_ends_make_no_difference(name: str, ends: bytes) -> None:
    raw = sample(name)
    assert read(raw.replace(b"\n", ends)) == read(raw)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_line_of_an_mbox_before_the_headers_makes_no_difference(name: str) -> None:
    raw = sample(name)
    assert read(b"From MAILER-DAEMON Mon Nov  2 09:00:00 2026\n" + raw) == read(raw)


def test_every_sample_has_a_row_and_every_row_a_sample() -> None:
    assert {f.stem for f in SAMPLES.glob("*.eml")} == set(EXPECTED)


def test_no_sample_names_anything_but_example_domains() -> None:
    for name in EXPECTED:
        for row in EXPECTED[name]["results"]:
            domain = row["recipient"].rpartition("@")[2]
            assert domain.endswith((".example", "example.com", "example.net", "example.org")) or domain in {
                "googlegroups.com",
                "facebook.com",
            }
