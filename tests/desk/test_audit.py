"""The audit log: who did what to whom, newest first, and gone with the action that failed."""

from __future__ import annotations

import pytest
from django.db import transaction

from tests import make
from undelivered.desk import audit
from undelivered.desk.actors import UNDELIVERED, By
from undelivered.desk.models import AuditEntry

pytestmark = pytest.mark.django_db


def test_an_entry_says_who_did_what_to_whom_and_how():
    project, ann = make.project(), make.person("ann@desk.example", name="Ann")
    audit.record("suppression.lifted", by=By(ann), project=project, target="bob@northwind.example", skipped=3)
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.person, entry.project) == ("Ann", ann, project)
    assert (entry.action, entry.target, entry.detail) == (
        "suppression.lifted",
        "bob@northwind.example",
        {"skipped": 3},
    )


@pytest.mark.parametrize(
    ("by", "shown"),
    [(UNDELIVERED, "Undelivered"), (By(program="token sync"), "token sync")],
)
def test_programs_are_actors_too(by, shown):
    assert audit.record("log.exported", by=by).actor == shown


def test_a_customer_is_an_actor_under_their_name():
    assert audit.record("customer.accepted", by=By(customer=make.customer(name="Bob"))).actor == "Bob"


def test_an_action_without_words_cannot_be_recorded():
    with pytest.raises(ValueError, match="not an action"):
        audit.record("something.else", by=UNDELIVERED)


def test_what_is_too_long_is_cut_and_not_an_error():
    entry = audit.record("log.exported", by=By(program="p" * 1000), target="t" * 5000)
    assert (len(entry.actor), len(entry.target)) == (254, 1000)


def test_pages_are_newest_first_and_continue_without_gap():
    project = make.project()
    for number in range(7):
        audit.record("log.exported", by=UNDELIVERED, project=project, target=str(number))
    first = audit.entries(project, limit=4)
    second = audit.entries(project, before=first[-1].pk, limit=4)
    assert [entry.target for entry in first + second] == ["6", "5", "4", "3", "2", "1", "0"]


def test_a_project_sees_its_own_entries_and_the_site_all():
    it, hr = make.project("IT"), make.project("HR")
    audit.record("log.exported", by=UNDELIVERED, project=it)
    audit.record("log.exported", by=UNDELIVERED, project=hr)
    audit.record("person.created", by=UNDELIVERED)
    assert len(audit.entries(it)) == 1
    assert len(audit.entries(None)) == 3


def test_the_entry_of_an_action_that_failed_is_gone_with_it():
    def act():
        with transaction.atomic():
            audit.record("log.exported", by=UNDELIVERED)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    assert not AuditEntry.objects.exists()
