"""Taking a file's entries over: the look says what the import does, and the import is all or nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests import make
from undelivered.delivery import suppression, suppression_import
from undelivered.delivery.models import Suppression
from undelivered.delivery.suppression_files import Bad, Line, read
from undelivered.delivery.suppression_import import Outcome, look, take
from undelivered.desk.actors import UNDELIVERED, By
from undelivered.desk.models import AuditEntry, Project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make.project("IT")


def blocked(project: Project | None, address: str, **values: Any) -> Suppression:
    return Suppression.objects.create(
        project=project, address=address, address_key=address, **{"cause": "userunknown", **values}
    )


def counted(outcome: Outcome) -> tuple[int, int, int, int, int]:
    return outcome.new, outcome.complaints, outcome.there, outcome.twice, outcome.bad_lines


def causes() -> dict[str, str]:
    return dict(Suppression.objects.values_list("address_key", "cause"))


LIST = """address,cause,detail
ann@x.example,bounce,550 no such user
Ann@X.example,complaint,the same again
bo@x.example,complaint,
cy@x.example,manual,
bad@@x.example,,
di@x.example,complaint,
ed@x.example,,
"""


def test_the_look_says_what_the_import_then_does(project: Project) -> None:
    blocked(project, "bo@x.example", cause="mailboxfull")
    blocked(project, "cy@x.example")
    blocked(project, "di@x.example", cause="feedback")
    blocked(project, "ed@x.example", until=timezone.now() - timedelta(seconds=1))
    expected = (2, 1, 2, 1, 1)
    seen = look(project, read(LIST))
    assert counted(seen) == expected
    assert [line.address for line in seen.examples] == ["ann@x.example", "ed@x.example"]
    assert [(one.number, one.text) for one in seen.bad] == [(6, "bad@@x.example,,")]
    assert Suppression.objects.count() == 4
    assert counted(take(project, read(LIST), by=UNDELIVERED)) == expected
    assert causes() == {
        "ann@x.example": "userunknown",
        "bo@x.example": "feedback",
        "cy@x.example": "userunknown",
        "di@x.example": "feedback",
        "ed@x.example": "manual",
    }
    assert counted(take(project, read(LIST), by=UNDELIVERED)) == (0, 0, 5, 1, 1)


def test_an_entry_has_what_the_line_says_and_who_imported_it(project: Project) -> None:
    mara, until = make.person(), timezone.now().replace(microsecond=0) + timedelta(days=9)
    text = f"address,cause,since,until,detail\nAnn@x.example,full,2026-01-02,{until.isoformat()},busy"
    line = next(iter(read(text.replace("full", "Mailbox full"))))
    take(project, [line], by=By(mara), name="old.csv")
    entry = Suppression.objects.get()
    assert (entry.address, entry.address_key, entry.cause, entry.detail) == (
        "Ann@x.example",
        "ann@x.example",
        "mailboxfull",
        "busy",
    )
    assert (entry.until, entry.created_by, entry.notification_id) == (until, mara, None)
    assert entry.since.date().isoformat() in {"2026-01-01", "2026-01-02"}
    audit = AuditEntry.objects.get()
    assert (audit.action, audit.target, audit.person, audit.project) == (
        "suppression.imported",
        "old.csv",
        mara,
        project,
    )
    assert audit.detail == {"taken": 1, "on the list already": 0, "bad lines": 0}


def test_what_holds_for_the_site_or_another_project_is_no_entry_of_this_one(project: Project) -> None:
    blocked(None, "ann@x.example")
    blocked(make.project("HR"), "ann@x.example")
    assert counted(take(project, read("ann@x.example"), by=UNDELIVERED)) == (1, 0, 0, 0, 0)
    assert Suppression.objects.filter(address_key="ann@x.example").count() == 3


def test_an_import_that_breaks_leaves_nothing_behind(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppression_import, "BATCH", 2)

    def lines() -> Any:
        yield from read("a@x.example\nb@x.example\nc@x.example")
        raise RuntimeError("the disk is on fire")

    with pytest.raises(RuntimeError):
        take(project, lines(), by=UNDELIVERED)
    assert not Suppression.objects.exists()
    assert not AuditEntry.objects.exists()


def test_many_batches_are_one_import(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppression_import, "BATCH", 3)
    text = "\n".join(f"a{n % 8}@x.example" for n in range(20))
    assert counted(take(project, read(text), by=UNDELIVERED)) == (8, 0, 0, 12, 0)
    assert AuditEntry.objects.count() == 1


def test_only_so_many_bad_lines_are_kept_and_all_are_counted(project: Project) -> None:
    bad = [Bad(n, "x", "why") for n in range(suppression_import.BAD_SHOWN + 5)]
    outcome = look(project, bad)
    assert (len(outcome.bad), outcome.bad_lines) == (suppression_import.BAD_SHOWN, len(bad))


def test_somebody_who_adds_the_same_address_at_the_same_moment_is_counted_as_there(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(1, "ann@x.example", "ann@x.example", "manual")
    seen = suppression_import._there

    def then_somebody_adds(*values: Any) -> Any:
        found = seen(*values)
        blocked(project, "ann@x.example")
        return found

    monkeypatch.setattr(suppression_import, "_there", then_somebody_adds)
    assert counted(take(project, [line], by=UNDELIVERED)) == (0, 0, 1, 0, 0)


def test_what_is_exported_from_one_project_can_be_imported_into_another(project: Project) -> None:
    from undelivered.delivery.suppression_files import written

    blocked(project, "=ann@x.example", detail="=1+1", cause="mailboxfull", until=timezone.now() + timedelta(days=3))
    blocked(None, "bo@x.example", cause="hostunknown")
    make.customer("bo@x.example", of=project)
    other = make.project("HR")
    text = "".join(written(suppression.listing(project)))
    assert counted(take(other, read(text), by=UNDELIVERED)) == (2, 0, 0, 0, 0)
    kept = {one.address: (one.cause, one.detail) for one in Suppression.objects.filter(project=other)}
    assert kept == {"=ann@x.example": ("mailboxfull", "=1+1"), "bo@x.example": ("hostunknown", "")}
