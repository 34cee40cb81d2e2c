"""What came in, as pages ask for it: each project its own, nobody's apart, newest first, within the kept days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from tests import make
from undelivered.database import ids
from undelivered.delivery.failures import BadCursor
from undelivered.desk.models import Project
from undelivered.inbound import kept
from undelivered.inbound.kept import Filters
from undelivered.inbound.models import Arrival

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make.project("IT")


def arrived(project: Project | None, *, ago: timedelta = timedelta(0), **values: Any) -> Arrival:
    id = ids.uuid7_at(datetime.now(UTC) - ago)
    defaults = {"door": "smtp", "raw": b"mail", "state": "applied", "recipient": "ann@x.example"}
    return Arrival.objects.create(id=id, project_id=project.pk if project else None, **{**defaults, **values})


def listed(project: Project | None, **filters: str) -> list[Arrival]:
    return kept.page(project, Filters(**filters)).items


def test_a_project_sees_its_own_and_the_site_admins_what_is_nobodys(project: Project) -> None:
    mine, others, nobodys = arrived(project), arrived(make.project("HR")), arrived(None)
    assert listed(project) == [mine]
    assert listed(None) == [nobodys]
    assert kept.get(project, mine.id) == mine
    assert kept.get(None, nobodys.id) == nobodys
    for one in (others, nobodys):
        assert kept.get(project, one.id) is None
    assert kept.get(None, mine.id) is None


def test_pages_are_newest_first_and_go_on_where_the_last_one_ended(project: Project) -> None:
    made = [arrived(project, ago=timedelta(minutes=n)) for n in range(5)]
    first = kept.page(project, Filters(), limit=2)
    second = kept.page(project, Filters(), cursor=first.next or "", limit=2)
    third = kept.page(project, Filters(), cursor=second.next or "", limit=2)
    assert first.items + second.items + third.items == made
    assert third.next is None


@pytest.mark.parametrize("cursor", ["x", "' or 1=1", "\0"])
def test_a_made_up_cursor_is_refused(project: Project, cursor: str) -> None:
    with pytest.raises(BadCursor):
        kept.page(project, Filters(), cursor=cursor)


def test_what_is_older_than_the_kept_days_is_not_shown(project: Project, settings: Any) -> None:
    old = arrived(project, ago=timedelta(days=settings.ENV.keep_days, minutes=1))
    assert listed(project) == []
    assert kept.get(project, old.id) is None


@pytest.mark.parametrize(
    ("filters", "n"),
    [
        ({"made": "ignored"}, 1),
        ({"door": "webhook"}, 1),
        ({"made": "ignored", "door": "webhook"}, 0),
        ({"made": "nothing"}, 0),
        ({"recipient": "ANN@x.example"}, 1),
        ({"recipient": "a"}, 2),
        ({"recipient": "@X.example"}, 2),
        ({"recipient": "@bücher.example"}, 1),
        ({"recipient": "%"}, 0),
    ],
)
def test_filters(project: Project, filters: dict[str, str], n: int) -> None:
    arrived(project, recipient="Ann@x.example")
    arrived(project, recipient="andy@x.example", door="webhook")
    arrived(project, recipient="bo@xn--bcher-kva.example", state="ignored")
    assert len(listed(project, **filters)) == n


def test_only_so_much_of_the_bytes_is_read_as_is_shown(project: Project) -> None:
    one = arrived(project, raw=b"\x00\xff" * 50)
    assert kept.raw(one.id, 3) == (b"\x00\xff\x00", 100)
    assert kept.raw(one.id, 1000) == (b"\x00\xff" * 50, 100)
    assert kept.raw(ids.uuid7(), 10) == (b"", 0)


def test_the_list_reads_no_bytes_and_only_the_days_that_are_kept(project: Project) -> None:
    arrived(project)
    with connection.execute_wrapper(spy := Spy()):
        listed(project, recipient="ann")
    [sql] = spy.seen
    assert '"raw"' not in sql
    assert sql.count('"id" >=') == sql.count('"id" <') == 1


class Spy:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.seen.append(sql)
        return execute(sql, params, many, context)


def test_nobodys_count_is_what_a_person_should_look_at(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for state in ("unmatched", "broken", "ignored", "new", "applied"):
        arrived(None, state=state)
    arrived(project, state="unmatched")
    assert str(kept.nobodys()) == "2"
    monkeypatch.setattr(kept, "CAP", 1)
    assert str(kept.nobodys()) == "1+"
