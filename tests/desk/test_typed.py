"""What people type, made safe to keep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undelivered.desk import typed
from undelivered.desk.bad_input import BadInput


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("plain", "plain"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("tab\tstays", "tab\tstays"),
        ("nul\0 and bell\a go", "nul and bell go"),
        ("\ue000recipient.name\ue001", "recipient.name"),
        ("👩\u200d💻 é", "👩\u200d💻 é"),
    ],
)
def test_text_keeps_what_can_be_read(value: str, kept: str) -> None:
    assert typed.text(value) == kept


@given(st.text())
def test_a_line_is_one_line_and_stays_as_it_is_the_second_time(value: str) -> None:
    line = typed.line(value)
    assert len(line.splitlines()) <= 1
    assert typed.line(line) == line


def test_what_is_missing_or_too_long_names_its_field() -> None:
    with pytest.raises(BadInput) as missing:
        typed.required("name", " ", 5, "Say a name.")
    with pytest.raises(BadInput) as long:
        typed.required("name", "x" * 6, 5, "Say a name.")
    assert missing.value.fields == {"name": "Say a name."}
    assert long.value.fields == {"name": "This is too long: 6 characters of 5 at most."}
