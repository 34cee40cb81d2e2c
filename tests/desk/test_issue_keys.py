"""Issue keys: written and read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undelivered.desk import issue_keys


@given(st.from_regex(issue_keys.PROJECT_KEY, fullmatch=True), st.integers(1, 999_999_999))
def test_what_is_written_can_be_read(project, number):
    assert issue_keys.parse(issue_keys.write(project, number)) == (project, number)
    assert issue_keys.is_project_key(project)


@pytest.mark.parametrize("text", ["it-12", " IT-12 ", "It-12\n"])
def test_case_and_blanks_around_do_not_matter(text):
    assert issue_keys.parse(text) == ("IT", 12)


@pytest.mark.parametrize(
    "text", ["", "IT", "IT-", "IT-0", "IT-012", "I-1", "1T-1", "IT 12", "IT-12a", "ITSUPPORTDESK-1", "IT-1234567890"]
)
def test_what_is_no_issue_key_is_none(text):
    assert issue_keys.parse(text) is None


@pytest.mark.parametrize("text", ["it", "I", "TOOLONGAKEY", "IT-1", "Ä1", ""])
def test_what_is_no_project_key(text):
    assert not issue_keys.is_project_key(text)
