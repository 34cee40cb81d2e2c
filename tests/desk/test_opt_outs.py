"""What customers turn off: said twice is said once, and only what changed is written down."""

from __future__ import annotations

import pytest

from tests import make
from undelivered.desk import opt_outs
from undelivered.desk.models import AuditEntry, ProjectOptOut

pytestmark = pytest.mark.django_db


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_a_request_is_turned_off_and_on_once_however_often_it_is_said() -> None:
    ann = make.customer("ann@northwind.example", "Ann")
    request = make.request(make.project("IT"), ann)
    for on in (True, False, False, True, True):
        opt_outs.turn(request, ann, on=on)
        assert opt_outs.is_off(request, ann) is not on
    assert actions() == ["request.notifications_off", "request.notifications_on"]


def test_a_project_is_turned_off_and_on_once_however_often_it_is_said() -> None:
    project, ann = make.project("IT"), make.customer("ann@northwind.example", "Ann")
    for on in (True, False, False, True, True):
        opt_outs.turn_project(project, ann, on=on)
        assert (opt_outs.of_project(project, ann) is None) is on
    assert actions() == ["customer.optional_mail_off", "customer.optional_mail_on"]
    entry = AuditEntry.objects.first()
    assert (entry.actor, entry.project, entry.target) == ("Ann", project, "ann@northwind.example")


def test_a_project_turned_off_says_nothing_about_another_one() -> None:
    ann = make.customer()
    opt_outs.turn_project(make.project("IT"), ann, on=False)
    assert opt_outs.of_project(make.project("HR"), ann) is None


def test_what_was_said_of_a_request_outlives_the_projects_switch() -> None:
    ann = make.customer()
    request = make.request(make.project("IT"), ann)
    opt_outs.turn(request, ann, on=False)
    opt_outs.turn_project(request.project, ann, on=False)
    opt_outs.turn_project(request.project, ann, on=True)
    assert opt_outs.is_off(request, ann)


def test_the_wishes_of_those_involved_are_read_in_one_query(django_assert_num_queries) -> None:
    ann, bo, cy, di = (make.customer() for _ in range(4))
    request = make.request(make.project("IT"), ann, participants=(bo, cy))
    opt_outs.turn(request, ann, on=False)
    opt_outs.turn(request, bo, on=False)
    opt_outs.turn_project(request.project, bo, on=False)
    opt_outs.turn_project(request.project, di, on=False)
    with django_assert_num_queries(1):
        assert opt_outs.wishes(request, [ann.pk, bo.pk, cy.pk]) == ({ann.pk, bo.pk}, {bo.pk})


def test_a_customer_who_is_gone_leaves_no_wish_behind() -> None:
    ann = make.customer()
    opt_outs.turn_project(make.project("IT"), ann, on=False)
    ann.delete()
    assert not ProjectOptOut.objects.exists()
