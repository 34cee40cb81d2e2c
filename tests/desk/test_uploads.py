"""Files between the look and the word: kept for an hour, for whoever gave them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests import make
from undelivered.desk import uploads
from undelivered.desk.models import Upload

pytestmark = pytest.mark.django_db


def test_a_file_comes_back_as_it_was_given() -> None:
    project, ann = make.project("IT"), make.person()
    kept = uploads.keep(project, ann, b"a,b\n" * 1000, name="x" * 300, options={"cause": "manual"})
    found = uploads.find(project, ann, kept.pk)
    assert found
    assert uploads.body(found) == b"a,b\n" * 1000
    assert (found.name, found.options) == ("x" * 200, {"cause": "manual"})
    assert len(bytes(found.body)) < 100


def test_only_whoever_gave_it_finds_it_and_only_for_its_project() -> None:
    project, ann = make.project("IT"), make.person()
    kept = uploads.keep(project, ann, b"x", options={})
    assert uploads.find(project, make.person(), kept.pk) is None
    assert uploads.find(make.project("HR"), ann, kept.pk) is None


def test_after_an_hour_it_is_gone_with_the_next_one() -> None:
    project, ann = make.project("IT"), make.person()
    old = uploads.keep(project, ann, b"x", options={})
    Upload.objects.update(at=timezone.now() - timedelta(minutes=61))
    assert uploads.find(project, ann, old.pk) is None
    new = uploads.keep(project, ann, b"y", options={})
    assert list(Upload.objects.all()) == [new]
