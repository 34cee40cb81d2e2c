"""Members are added and removed; a new person's password is good."""

import pytest

from tests import make
from undelivered.desk import members
from undelivered.desk.actors import UNDELIVERED, By
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import Membership, Role

pytestmark = pytest.mark.django_db


def test_initial_passwords_differ_and_are_long():
    made = {members.initial_password() for _ in range(50)}
    assert len(made) == 50
    assert all(len(one) == 23 for one in made)


def test_an_account_that_is_switched_off_is_not_let_in_by_the_back_door():
    person = make.person(is_active=False)
    with pytest.raises(BadInput, match="switched off"):
        members.add(make.project(), email=person.email, name="", role=Role.ADMIN, by=UNDELIVERED)


def test_the_last_admin_goes_only_by_a_site_admins_hand():
    project = make.project()
    admin = make.person(admin_of=project)
    with pytest.raises(BadInput, match="last admin"):
        members.remove(admin.memberships.get(), by=By(person=admin))
    members.remove(admin.memberships.get(), by=By(person=make.person(is_site_admin=True)))
    assert not Membership.objects.exists()


def test_one_of_two_admins_may_go():
    project = make.project()
    first, _ = make.person(admin_of=project), make.person(admin_of=project)
    members.remove(first.memberships.get(), by=By(person=first))
    assert Membership.objects.count() == 1
