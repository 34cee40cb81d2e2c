"""The project `IT`, and a program that calls the API with a token of it. Imports wait until Django is set up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.api.caller import Caller
    from undelivered.desk.models import Project


@pytest.fixture
def project(db: None) -> Project:
    from tests import make

    return make.project("IT")


@pytest.fixture
def caller_of() -> Callable[..., Caller]:
    """A caller with a token of a project, with the scopes named or all."""
    from tests.api.caller import Caller
    from undelivered.desk import tokens

    def made(project: Project, *scopes: str) -> Caller:
        _, secret = tokens.create(project, name="robot", scopes=scopes or tokens.ALL_SCOPES)
        return Caller(secret)

    return made


@pytest.fixture
def caller(project: Project, caller_of: Callable[..., Caller]) -> Caller:
    return caller_of(project)
