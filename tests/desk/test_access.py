"""Who may do what, in their own projects and in others'."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from tests import make
from undelivered.desk import access
from undelivered.desk.models import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def desks():
    return make.project("IT"), make.project("HR")


def keys(found):
    return [project.key for project in found]


def test_a_site_admin_may_do_everything_everywhere(desks):
    boss = make.person(is_site_admin=True)
    assert keys(access.projects_of(boss)) == keys(access.administered(boss)) == ["HR", "IT"]
    assert access.role_in(boss, desks[0]) is Role.ADMIN
    assert access.may_administer(boss, desks[1])


def test_a_project_admin_administers_that_project_only(desks):
    it, hr = desks
    admin = make.person(admin_of=it)
    assert keys(access.projects_of(admin)) == keys(access.administered(admin)) == ["IT"]
    assert access.may_administer(admin, it)
    assert access.may_work(admin, it)
    assert not access.may_administer(admin, hr)
    assert not access.may_work(admin, hr)


def test_an_agent_works_in_a_project_but_does_not_administer_it(desks):
    agent = make.person(agent_of=desks[0])
    assert keys(access.projects_of(agent)) == ["IT"]
    assert access.may_work(agent, desks[0])
    assert not access.may_administer(agent, desks[0])


def test_the_admin_next_to_an_agent_does_not_make_the_agent_one(desks):
    agent = make.person(agent_of=desks[0])
    make.person(admin_of=desks[0])
    make.person(admin_of=desks[0])
    assert keys(access.administered(agent)) == []


def test_each_project_is_listed_once_however_many_members_it_has(desks):
    admin = make.person(admin_of=desks[0])
    for _ in range(3):
        make.person(admin_of=desks[0])
    assert keys(access.administered(admin)) == ["IT"]


def test_an_admin_here_and_agent_there_administers_only_here(desks):
    it, hr = desks
    both = make.person(admin_of=it, agent_of=hr)
    assert keys(access.projects_of(both)) == ["HR", "IT"]
    assert keys(access.administered(both)) == ["IT"]


@pytest.mark.parametrize("who", ["nobody", "stranger", "switched off", "switched off site admin"])
def test_others_see_nothing(desks, who):
    person = {
        "nobody": AnonymousUser,
        "stranger": make.person,
        "switched off": lambda: make.person(admin_of=desks[0], is_active=False),
        "switched off site admin": lambda: make.person(is_site_admin=True, is_active=False),
    }[who]()
    assert keys(access.projects_of(person)) == keys(access.administered(person)) == []
    assert access.role_in(person, desks[0]) is None
    assert not access.may_work(person, desks[0])


def test_an_archived_project_is_not_listed(desks):
    it, _ = desks
    it.archived_at = timezone.now()
    it.save()
    assert keys(access.projects_of(make.person(is_site_admin=True))) == ["HR"]
