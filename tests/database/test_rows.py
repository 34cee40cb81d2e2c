"""Rows by hand-written statements are what Django would have read and written."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.forms import model_to_dict

from tests import make
from undelivered.database import rows
from undelivered.desk.models import AuditEntry, Comment, Customer, Project, Request
from undelivered.rules.models import Rule

pytestmark = pytest.mark.django_db

REQUESTS = f"""
SELECT {rows.columns(Request, "r")}, {rows.columns(Project, "p")}, {rows.columns(Customer, "c")}
FROM desk_request r JOIN desk_project p ON p.id = r.project_id JOIN desk_customer c ON c.id = r.reporter_id
WHERE r.id = %s
"""


def as_read(model, pk):
    return rows.read(model, f"SELECT {rows.columns(model, 't')} FROM {model._meta.db_table} t WHERE id = %s", [pk])


def test_a_row_is_the_model_that_django_reads():
    project = make.project(daily_limit=None)
    rule = Rule.objects.create(project=project, event="request_created", name="Created", recipients=["reporter"])
    for one in (project, rule):
        [read] = as_read(type(one), one.pk)
        expected = type(one).objects.get(pk=one.pk)
        assert {name: getattr(read, name) for name in vars(expected) if name != "_state"} == {
            name: value for name, value in vars(expected).items() if name != "_state"
        }
        assert (read._state.adding, read._state.db) == (False, "default")


def test_what_is_selected_beside_it_needs_no_query_any_more(django_assert_num_queries):
    made = make.request(make.project())
    [read] = rows.read(Request, REQUESTS, [made.pk], project=Project, reporter=Customer)
    with django_assert_num_queries(0):
        assert (read, read.project, read.reporter) == (made, made.project, made.reporter)
        assert (read.project.key, read.reporter.address) == (made.project.key, made.reporter.address)


def test_nothing_found_is_an_empty_list():
    assert as_read(Project, 12345) == []


def test_an_inserted_row_is_the_one_that_django_would_have_stored():
    request = make.request(make.project())
    for made in (
        Comment(request=request, person=make.person(), body="It is “ready”.\n\\x%s"),
        AuditEntry(action="x", actor="Ann", detail={"to": "ann@x.example", "n": [1, None, True]}),
    ):
        rows.insert(made)
        assert made.pk is not None
        kept = type(made).objects.get(pk=made.pk)
        assert model_to_dict(kept) == model_to_dict(made)
        made.save()  # an update: it knows that it is stored
        assert type(made).objects.count() == 1


def test_what_the_database_refuses_is_an_error_of_django_s():
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.insert(AuditEntry(action="x", actor=None, detail={}))
