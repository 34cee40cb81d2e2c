"""The first admin is made once; the generated password is shown until it is changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings

from tests import make
from undelivered.desk.models import AuditEntry, Person
from undelivered.env import Env
from undelivered.ops import first_admin

pytestmark = pytest.mark.django_db


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return replace(settings.ENV, data_dir=tmp_path, admin_email="boss@desk.example", admin_password=None)


def test_the_first_start_makes_a_site_admin_with_a_password_that_nobody_guesses(env):
    person = first_admin.ensure(env)
    assert person is not None
    assert person.is_site_admin
    shown = first_admin.password_to_show(env)
    assert shown is not None
    assert shown[0] == "boss@desk.example"
    assert len(shown[1]) >= 12
    assert Person.objects.get().check_password(shown[1])
    assert AuditEntry.objects.get().action == "person.created"


def test_only_we_can_read_the_password(env):
    first_admin.ensure(env)
    assert (env.data_dir / first_admin.FILE).stat().st_mode & 0o777 == 0o600


def test_where_somebody_can_sign_in_nobody_is_made(env):
    make.person("mara@desk.example")
    assert first_admin.ensure(env) is None
    assert Person.objects.count() == 1


def test_a_password_that_was_given_is_not_shown(env):
    person = first_admin.ensure(replace(env, admin_password="correct horse battery"))
    assert person is not None
    assert person.check_password("correct horse battery")
    assert first_admin.password_to_show(env) is None
    assert not (env.data_dir / first_admin.FILE).exists()


def test_a_password_that_was_changed_is_forgotten(env):
    person = first_admin.ensure(env)
    assert person is not None
    person.set_password("something else entirely")
    person.save()
    assert first_admin.password_to_show(env) is None
    assert not (env.data_dir / first_admin.FILE).exists()


def test_an_account_that_was_switched_off_shows_nothing(env):
    first_admin.ensure(env)
    Person.objects.update(is_active=False)
    assert first_admin.password_to_show(env) is None


def test_a_file_that_says_nothing_is_no_password(env):
    (env.data_dir / first_admin.FILE).write_text("garbled")
    assert first_admin.password_to_show(env) is None
