"""The suppression list as a file: looked at first, taken over once, and written for a spreadsheet without formulas."""

from __future__ import annotations

import csv
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests import make
from undelivered.delivery import suppression_files
from undelivered.delivery.models import Suppression
from undelivered.desk.models import AuditEntry, Person, Project, Upload
from undelivered.web.pages import suppression_files as page

pytestmark = pytest.mark.django_db
LIST = "address,cause,detail\nann@x.example,bounce,550 no such user\nnobody,,\nbo@x.example,,\n"


@pytest.fixture
def it() -> Project:
    return make.project("IT")


@pytest.fixture
def mara(client: Client, it: Project) -> Person:
    person = make.person(admin_of=it, name="Mara Lindqvist")
    client.force_login(person)
    return person


def give(client: Client, **values: Any) -> Any:
    return client.post(reverse("suppression-import", args=["IT"]), {"cause": "manual", **values}, follow=True)


def take(client: Client, id: Any) -> Any:
    return client.post(reverse("suppression-import-look", args=["IT", id]), follow=True)


def exported(client: Client, **query: str) -> tuple[Any, list[list[str]]]:
    answer = client.get(reverse("suppression-export", args=["IT"]), query)
    text = b"".join(answer.streaming_content).decode()
    return answer, list(csv.reader(text.splitlines()))


@pytest.mark.parametrize("where", ["suppression-import", "suppression-export"])
def test_agents_are_kept_out(client: Client, it: Project, where: str) -> None:
    client.force_login(make.person(agent_of=it))
    assert client.get(reverse(where, args=["IT"])).status_code == 403


@pytest.mark.parametrize("form", ["file", "text"])
def test_a_list_is_looked_at_and_then_taken_over(client: Client, it: Project, mara: Person, form: str) -> None:
    given = SimpleUploadedFile("old.csv", LIST.encode()) if form == "file" else LIST
    looked = give(client, **{form: given})
    assert "Import 2 addresses" in looked.text
    assert [line.number for line in looked.context["outcome"].bad] == [3]
    assert not Suppression.objects.exists()
    done = take(client, Upload.objects.get().pk)
    assert "2 addresses are on the list now." in done.text
    assert dict(Suppression.objects.values_list("address", "cause")) == {
        "ann@x.example": "userunknown",
        "bo@x.example": "manual",
    }
    assert not Upload.objects.exists()
    entry = AuditEntry.objects.get(action="suppression.imported")
    assert (entry.person, entry.detail["taken"], entry.detail["bad lines"]) == (mara, 2, 1)


def test_every_line_that_cannot_be_used_is_shown_with_its_number_and_the_reason(
    client: Client, it: Project, mara: Person
) -> None:
    looked = give(client, text="ann@x.example\n\nnobody\nx@@y.example")
    rows = [(line.number, line.text) for line in looked.context["outcome"].bad]
    assert rows == [(3, "nobody"), (4, "x@@y.example")]
    assert "There are 2 @" in looked.text
    assert "The 2 lines below are left out." in looked.text


def test_a_second_click_imports_nothing_twice(client: Client, it: Project, mara: Person) -> None:
    give(client, text="ann@x.example")
    kept = Upload.objects.get().pk
    take(client, kept)
    again = take(client, kept)
    assert again.status_code == 404
    assert "was imported already" in again.text
    assert AuditEntry.objects.filter(action="suppression.imported").count() == 1


def test_nobody_else_sees_the_file_that_somebody_gave(client: Client, it: Project, mara: Person) -> None:
    give(client, text="ann@x.example")
    where = reverse("suppression-import-look", args=["IT", Upload.objects.get().pk])
    client.force_login(make.person(admin_of=it))
    assert client.get(where).status_code == client.post(where).status_code == 404
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    ("values", "field", "why"),
    [
        ({}, "file", "Choose a file"),
        ({"text": "a@x.example", "file": SimpleUploadedFile("a.csv", b"a@x.example")}, "text", "not both"),
        ({"file": SimpleUploadedFile("a.csv", b"")}, "file", "Choose a file"),
        ({"file": SimpleUploadedFile("a.csv", b"a\xff@x.example")}, "file", "Line 1 is not UTF-8"),
        ({"text": "a@x.example", "cause": "spamdetected"}, "cause", "not one of the available choices"),
    ],
)
def test_what_cannot_be_a_list_is_refused_by_field(
    client: Client, it: Project, mara: Person, values: dict[str, Any], field: str, why: str
) -> None:
    answer = give(client, **values)
    assert answer.status_code == 422
    assert why in str(answer.context["form"].errors[field])
    assert not Upload.objects.exists()


def test_a_file_that_is_too_large_is_refused(
    client: Client, it: Project, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST_BYTES", 5)
    answer = give(client, file=SimpleUploadedFile("a.csv", b"ann@x.example"))
    assert "Split it." in str(answer.context["form"].errors["file"])


def test_too_many_addresses_are_refused_and_nothing_is_written(
    client: Client, it: Project, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suppression_files, "MOST", 2)
    answer = give(client, text="a@x.example\nb@x.example\nc@x.example")
    assert (answer.status_code, "Split the file." in answer.text) == (422, True)
    assert "Split the file." in take(client, Upload.objects.get().pk).text
    assert not Suppression.objects.exists()


def test_a_list_without_one_good_line_offers_no_import(client: Client, it: Project, mara: Person) -> None:
    assert "There is nothing to import." in give(client, text="nobody").text


def test_what_a_file_says_is_text_on_the_page(client: Client, it: Project, mara: Person) -> None:
    looked = give(client, text='<script>alert(1)</script>\n"ann@x.example",<script>alert(2)</script>')
    assert "<script>alert" not in looked.text


def test_the_list_is_exported_as_it_is_filtered(client: Client, it: Project, mara: Person) -> None:
    make.customer("cy@x.example", of=it)
    for address, cause, project in (
        ("ann@x.example", "userunknown", it),
        ("bo@x.example", "feedback", it),
        ("cy@x.example", "userunknown", None),
        ("di@x.example", "userunknown", make.project("HR")),
    ):
        Suppression.objects.create(project=project, address=address, address_key=address, cause=cause)
    answer, [heading, *rows] = exported(client)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="suppressions-IT-')
    assert heading == list(suppression_files.HEADING)
    assert [(row[0], row[6]) for row in rows] == [("cy@x.example", "yes"), ("bo@x.example", ""), ("ann@x.example", "")]
    assert [row[0] for row in exported(client, cause="feedback")[1][1:]] == ["bo@x.example"]
    assert [row[0] for row in exported(client, q="ann")[1][1:]] == ["ann@x.example"]
    assert AuditEntry.objects.filter(action="suppression.exported").count() == 3


def test_a_long_list_is_exported_whole_and_a_formula_is_text(
    client: Client, it: Project, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "EXPORTED_AT_ONCE", 2)
    for n in range(5):
        address = f"={n}@x.example"
        Suppression.objects.create(project=it, address=address, address_key=address, cause="manual", detail="@SUM(1)")
    _, [_, *rows] = exported(client)
    assert [row[0] for row in rows] == [f"'={n}@x.example" for n in (4, 3, 2, 1, 0)]
    assert {row[4] for row in rows} == {"'@SUM(1)"}


def test_an_empty_list_is_a_file_with_a_heading(client: Client, it: Project, mara: Person) -> None:
    assert exported(client)[1] == [list(suppression_files.HEADING)]


def test_the_page_filters_by_cause_and_marks_what_holds_for_the_whole_site(
    client: Client, it: Project, mara: Person
) -> None:
    until = timezone.now() + timedelta(days=2)
    make.customer("bo@x.example", of=it)
    for address, cause, project in (("ann@x.example", "mailboxfull", it), ("bo@x.example", "userunknown", None)):
        Suppression.objects.create(project=project, address=address, address_key=address, cause=cause, until=until)
    where = reverse("suppressions", args=["IT"])
    whole = client.get(where)
    assert whole.text.count("Whole site") == 1
    found = client.get(where, {"cause": "mailboxfull"})
    assert [row.entry.address for row in found.context["rows"]] == ["ann@x.example"]
    assert 'value="mailboxfull" selected' in found.text
    assert "/suppressions/export?cause=mailboxfull" in found.text
    assert "Nobody is on the list for this cause" in client.get(where, {"cause": "feedback"}).text
