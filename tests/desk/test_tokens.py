"""API tokens: shown once, found by their digest, and of no use once revoked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests import make
from undelivered.desk import tokens
from undelivered.desk.models import ApiToken, Project

pytestmark = pytest.mark.django_db


def test_a_token_opens_its_project_and_the_secret_is_not_stored():
    project = make.project()
    token, secret = tokens.create(project, name="sync")
    found = tokens.verify(secret)
    assert found == token
    assert found.project == project
    again = tokens.verify(secret)
    for one in (again, again.project):  # as the query of Django would have made them
        known = type(one).objects.get(pk=one.pk)
        assert {f.attname: getattr(one, f.attname) for f in one._meta.concrete_fields} == {
            f.attname: getattr(known, f.attname) for f in known._meta.concrete_fields
        }
    assert secret.startswith(tokens.PREFIX)
    assert secret not in str(ApiToken.objects.values())


def test_secrets_are_all_different():
    project = make.project()
    assert len({tokens.create(project)[1] for _ in range(20)}) == 20


@pytest.mark.parametrize("wrong", ["", "und_", "und_x", "ä", "\ud800", "x" * 10_000])
def test_a_wrong_secret_opens_nothing(wrong):
    tokens.create(make.project())
    assert tokens.verify(wrong) is None


def test_a_revoked_token_opens_nothing():
    token, secret = tokens.create(make.project())
    tokens.revoke(token)
    assert tokens.verify(secret) is None


def test_a_token_that_is_kept_is_not_asked_for_again(django_assert_num_queries):
    project = make.project()
    token, secret = tokens.create(project)
    tokens.verify(secret)
    with django_assert_num_queries(0):
        found = tokens.verify(secret, kept_s=60)
    assert found == token
    assert found.project == project
    assert found.scopes == token.scopes


def test_two_calls_with_one_token_share_nothing_that_one_of_them_could_change():
    _, secret = tokens.create(make.project())
    one, two = (tokens.verify(secret, kept_s=60) for _ in range(2))
    one.project.name = "Another"
    one.scopes.clear()
    assert two.project.name != "Another"
    assert two.scopes


def test_a_token_is_asked_for_again_when_what_is_kept_is_too_old(django_assert_num_queries):
    _, secret = tokens.create(make.project())
    tokens.verify(secret)
    with django_assert_num_queries(1):
        tokens.verify(secret, kept_s=0)


def test_a_token_that_is_revoked_here_is_not_kept():
    token, secret = tokens.create(make.project())
    tokens.verify(secret)
    tokens.revoke(token)
    assert tokens.verify(secret, kept_s=60) is None


def test_what_opens_nothing_is_not_kept():
    project = make.project()
    token, secret = tokens.create(project)
    ApiToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now())
    assert tokens.verify(secret, kept_s=60) is None
    ApiToken.objects.filter(pk=token.pk).update(revoked_at=None)
    assert tokens.verify(secret, kept_s=60) == token


def test_only_so_many_are_kept(monkeypatch):
    monkeypatch.setattr(tokens, "MOST_KEPT", 3)
    project = make.project()
    secrets = [tokens.create(project)[1] for _ in range(5)]
    for secret in secrets:
        tokens.verify(secret)
        assert len(tokens._kept._rows) <= 3


def test_revoking_twice_keeps_the_first_moment():
    token, _ = tokens.create(make.project())
    tokens.revoke(token)
    first = ApiToken.objects.get().revoked_at
    tokens.revoke(token)
    assert ApiToken.objects.get().revoked_at == first


def test_the_token_of_an_archived_project_opens_nothing():
    project = make.project()
    _, secret = tokens.create(project)
    Project.objects.update(archived_at=timezone.now())
    assert tokens.verify(secret) is None


def test_a_scope_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="fly is not a scope"):
        tokens.create(make.project(), scopes=("read", "fly"))


def test_its_use_is_noted_once_a_minute_at_most():
    token, secret = tokens.create(make.project())
    tokens.verify(secret)
    used = ApiToken.objects.get().last_used_at
    assert used is not None
    tokens.verify(secret)
    assert ApiToken.objects.get().last_used_at == used
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=used - timedelta(minutes=2))
    tokens.verify(secret)
    assert ApiToken.objects.get().last_used_at >= used
