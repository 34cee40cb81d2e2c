"""The log as queries: pages without gap or overlap, every filter, what is kept, and plans that read little."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from tests import make
from undelivered.database import ids, partitions
from undelivered.delivery import counts, enqueue, failures, kept_counts
from undelivered.delivery.failures import BadCursor
from undelivered.delivery.filters import BadFilter, Filters, matching
from undelivered.delivery.models import DailyCount, DailyCountDelta, DeliveryEvent, NotSent
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State

pytestmark = pytest.mark.django_db
KEEP = timedelta(days=21)


@pytest.fixture
def project():
    return make.project()


def failed(project, recipient="ann@x.example", **values):
    return make.notification(project, recipient, **{"state": "failed", "reason": "provider_error", **values})


def found(project, **filters) -> list[UUID]:
    return [row.id for row in failures.page(project, Filters(**filters), limit=100).items]


# --- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("filters", [{}, {"recipient": "a*"}, {"recipient": "ANN@x.example"}])
def test_pages_show_every_row_once_newest_first(project, filters):
    assert_every_row_once([failed(project).id for n in range(63)], project, Filters(**filters))


def test_pages_of_every_kind_together_show_every_row_once_newest_first(project):
    kinds = itertools.cycle(("request", "invitation", "request", "account"))
    made = [failed(project, f"a{n}@x.example", kind=kind).id for n, kind in zip(range(63), kinds, strict=False)]
    assert_every_row_once(made, project, Filters(kind=""))


@pytest.mark.parametrize("first_look", [1, 7, 40, 100])
@pytest.mark.parametrize(
    "filters", [{}, {"state": "all"}, {"kind": ""}, {"name": "Sent"}, {"since": timezone.now() - timedelta(days=30)}]
)
def test_pages_of_a_beginning_show_every_row_once_however_rare_it_is(project, monkeypatch, first_look, filters):
    monkeypatch.setattr(failures, "FIRST_LOOK", first_look)
    now, made = timezone.now(), []
    for hours in range(20 * 24, 0, -8):
        at = now - timedelta(hours=hours)
        failed(project, f"bob{hours}@x.example", at=at, name="Sent")
        if hours % 24 == 0 or hours < 100:
            made.append(failed(project, f"ann{hours}@x.example", at=at + timedelta(seconds=1), name="Sent").id)
    assert_every_row_once(made, project, Filters(recipient="ann*", **filters))


def test_addresses_that_begin_alike_are_found_within_a_period(project, monkeypatch):
    monkeypatch.setattr(failures, "FIRST_LOOK", 1)
    now = timezone.now()
    rows = [failed(project, f"ann{n}@x.example", at=now - timedelta(days=n, hours=1)).id for n in range(10)]
    period = {"since": now - timedelta(days=7), "until": now - timedelta(days=3)}
    assert found(project, recipient="ann*", **period) == rows[3:7]


def assert_every_row_once(made: list[UUID], project, filters: Filters) -> None:
    seen, cursor = [], None
    while True:
        page = failures.page(project, filters, cursor=cursor)
        assert len(page.items) <= failures.PAGE
        seen += [row.id for row in page.items]
        cursor = page.next
        if cursor is None:
            break
        assert len(page.items) == failures.PAGE
    assert seen == made[::-1]


def test_a_last_page_that_is_full_has_no_next(project):
    for _ in range(5):
        failed(project)
    page = failures.page(project, Filters(), limit=5)
    assert (len(page.items), page.next) == (5, None)


def test_rows_that_come_meanwhile_do_not_shift_the_next_page(project):
    made = [failed(project).id for _ in range(6)]
    first = failures.page(project, Filters(), limit=3)
    failed(project)
    second = failures.page(project, Filters(), cursor=first.next, limit=3)
    assert [row.id for row in (*first.items, *second.items)] == made[::-1]


@pytest.mark.parametrize(
    "cursor", ["nonsense", "0" * 32, "IT-12", "6ba7b814-9dad-41d1-80b4-00c04fd430c8", "\x00", "f" * 31, "é"]
)
def test_a_cursor_that_is_none_of_ours_is_refused(project, cursor):
    with pytest.raises(BadCursor):
        failures.page(project, Filters(), cursor=cursor)


def test_a_cursor_of_rows_that_are_gone_is_refused(project):
    old = ids.uuid7_at(timezone.now() - KEEP - timedelta(hours=1))
    with pytest.raises(BadCursor, match="no longer kept"):
        failures.page(project, Filters(), cursor=old.hex)


def test_a_cursor_from_the_far_future_begins_at_the_newest(project):
    row = failed(project)
    assert failures.page(project, Filters(), cursor="ffffffff-ffff-7fff-bfff-ffffffffffff").items == [row]


def test_what_is_no_longer_kept_is_not_shown_even_if_it_is_still_there(project):
    now = timezone.now()
    failed(project, at=now - KEEP - timedelta(minutes=1))
    kept = failed(project, at=now - KEEP + timedelta(minutes=1))
    assert found(project) == [kept.id]
    assert found(project, since=now - timedelta(days=300)) == [kept.id]


def test_other_projects_rows_are_not_shown(project):
    failed(make.project("HR"))
    assert found(project, state="all") == []


# --- filters ----------------------------------------------------------------------------------------------------------


def test_the_tabs_are_kinds_and_failed_is_what_is_shown_first(project):
    request, invitation = failed(project), failed(project, kind="invitation")
    sent = make.notification(project, state="sent")
    assert found(project) == [request.id]
    assert found(project, kind="invitation") == [invitation.id]
    assert found(project, state="all") == [sent.id, request.id]
    assert found(project, kind="", state="all") == [sent.id, invitation.id, request.id]


@pytest.mark.parametrize("state", State)
def test_each_state_can_be_asked_for(project, state):
    rows = {one: make.notification(project, state=one).id for one in State}
    assert found(project, state=state.value) == [rows[state]]


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_can_be_asked_for(project, reason):
    rows = {one: failed(project, reason=one).id for one in Reason}
    assert found(project, reason=reason.value) == [rows[reason]]
    assert found(project, reason=reason.value, state="all") == [rows[reason]]
    assert found(project, reason=reason.value, state="sent") == []


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        ("ann@x.example", {0}),
        (" ANN@X.Example ", {0}),
        ("an*", {0, 1}),
        ("AN", {0, 1}),
        ("ann@x*", {0}),
        ("@x.example", {0, 2}),
        ("@X.EXAMPLE", {0, 2}),
        ("@bücher.example", {3}),
        ("bob_*", {2}),
        ("b%", set()),
        ("nobody@x.example", set()),
        ("@example", set()),
        ("*", {0, 1, 2, 3}),
    ],
)
def test_recipients_are_found_by_address_beginning_and_domain(project, recipient, expected):
    addresses = ("Ann@x.example", "anna@y.example", "bob_1@x.example", "cem@bücher.example")
    rows = [failed(project, address).id for address in addresses]
    assert {rows.index(id) for id in found(project, recipient=recipient)} == expected


def test_rows_are_found_by_name_and_issue_key(project):
    row = failed(project, name="Request created", issue_key="IT-12")
    failed(project, name="Request created", issue_key="IT-123")
    failed(project, name="Request resolved", issue_key="IT-1")
    assert found(project, name="Request created", issue_key="IT-12") == [row.id]
    assert found(project, issue_key=" it-12 ") == [row.id]
    assert len(found(project, name="Request created")) == 2


def test_a_period_is_from_its_first_moment_up_to_but_not_including_its_last(project):
    noon = timezone.now().replace(microsecond=0) - timedelta(days=2)
    rows = [failed(project, at=noon + timedelta(hours=n)).id for n in range(4)]
    period = {"since": noon + timedelta(hours=1), "until": noon + timedelta(hours=3)}
    assert found(project, **period) == [rows[2], rows[1]]


@pytest.mark.parametrize("until", [datetime(1960, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)])
@pytest.mark.parametrize("recipient", ["", "ann*"])
def test_a_period_far_away_is_no_error(project, until, recipient):
    failed(project)
    assert len(found(project, until=until, recipient=recipient)) == (1 if until.year > 2000 else 0)


@pytest.mark.parametrize(
    ("field", "filters"),
    [
        ("kind", {"kind": "nonsense"}),
        ("state", {"state": "lost"}),
        ("state", {"state": ""}),
        ("reason", {"reason": "bad_luck"}),
        ("issue_key", {"issue_key": "12"}),
        ("issue_key", {"issue_key": "IT-12\x00"}),
        ("name", {"name": "a\x00"}),
        ("recipient", {"recipient": "a\x00"}),
        ("until", {"since": datetime(2026, 2, 1, tzinfo=UTC), "until": datetime(2026, 1, 1, tzinfo=UTC)}),
    ],
)
def test_a_value_that_cannot_be_names_its_field(project, field, filters):
    with pytest.raises(BadFilter) as error:
        failures.page(project, Filters(**filters))
    assert error.value.field == field
    assert str(error.value).endswith(".")
    assert isinstance(error.value, ValueError)


# --- counts -----------------------------------------------------------------------------------------------------------


def test_matching_rows_are_counted_up_to_a_cap(project):
    for _ in range(5):
        failed(project)
    assert str(failures.count(project, Filters())) == "5"
    capped = failures.count(project, Filters(), cap=3)
    assert (capped.n, capped.capped, str(capped)) == (3, True, "3+")
    exact = failures.count(project, Filters(), cap=5)
    assert (exact.n, exact.capped) == (5, False)
    assert str(failures.Capped(10_000, True)) == "10,000+"


def test_addresses_that_begin_alike_are_counted_up_to_a_lower_cap(project, monkeypatch):
    monkeypatch.setattr(failures, "CAP_ALIKE", 2)
    for n in range(3):
        failed(project, f"ann{n}@x.example")
    assert str(failures.count(project, Filters(recipient="ann*"))) == "2+"
    assert str(failures.count(project, Filters(recipient="ann1*"))) == "1"
    assert str(failures.count(project, Filters(recipient="@x.example"))) == "3"


@pytest.mark.parametrize(
    ("filters", "n"),
    [
        ({"recipient": "a*"}, 3),
        ({"recipient": "a*", "state": "all"}, 4),
        ({"recipient": "a*", "state": "sent"}, 1),
        ({"recipient": "a*", "kind": "invitation"}, 1),
        ({"recipient": "a*", "kind": "", "state": "all"}, 5),
        ({"recipient": "a_*"}, 1),
        ({"recipient": "a%*"}, 1),
        ({"recipient": "a*", "name": "Odd"}, 1),
        ({"recipient": "*", "state": "all"}, 4),
        ({"recipient": "A_b"}, 1),
    ],
)
def test_addresses_that_begin_alike_are_counted_as_they_are_found(project, filters, n):
    failed(project, "a_b@x.example")
    failed(project, "a%b@x.example", name="Odd")
    failed(project, "anna@x.example")
    failed(project, "ann@x.example", kind="invitation")
    make.notification(project, "alf@x.example", state="sent")
    make.notification(project, "bob@x.example", state="sent", kind="account")
    assert failures.count(project, Filters(**filters)).n == n
    assert len(found(project, **filters)) == n


def test_all_matching_ids_can_be_had_newest_first_up_to_a_number(project):
    made = [failed(project).id for _ in range(4)]
    assert failures.ids_matching(project, Filters(), limit=3) == made[:0:-1]


def test_the_tabs_counts_are_those_of_the_rows(project):
    def made(kind, state, reason="", n=1):
        for _ in range(n):
            row = make.notification(project, kind=kind, state=state, reason=reason)
            counts.add([(project.pk, row.created_at, kind, state, reason, 1)])

    made("request", "failed", "provider_error", 3)
    made("request", "failed", "suppressed", 2)
    made("request", "sent", n=4)
    counts.fold()
    made("invitation", "failed", "private_address")
    made("request", "failed", "suppressed")
    assert kept_counts.tab_counts(project) == {"invitation": 1, "request": 6}
    kept = kept_counts.kept_counts(project)
    assert kept.total("request") == 10
    assert kept.by_reason("request")[Reason.SUPPRESSED] == 3
    assert kept.by_reason("request")[Reason.UNKNOWN_ERROR] == 0
    assert failures.count(project, Filters()).n == kept.failed("request")


def test_the_chart_has_every_kept_day_and_leaves_out_the_others(project):
    today = timezone.now().date()

    def counted(day: date, n: int):
        DailyCount.objects.create(project=project, day=day, kind="request", state="failed", reason="suppressed", n=n)

    counted(today, 2)
    counted(today - timedelta(days=20), 3)
    counted(today - timedelta(days=21), 5)
    DailyCountDelta.objects.create(
        project_id=project.pk, day=today, kind="request", state="failed", reason="suppressed", n=-1
    )
    chart = kept_counts.kept_counts(project).chart("request")
    assert [day.day for day in chart] == [today - timedelta(days=20 - n) for n in range(21)]
    assert chart[-1].by_reason == {Reason.SUPPRESSED: 1}
    assert (chart[0].total, chart[1].total) == (3, 0)


def test_the_names_for_the_filter_are_those_that_occur(project):
    for name in ("Request resolved", "Request created", "Request resolved"):
        make.notification(project, name=name)
    make.notification(project, name="Customer invited", kind="invitation")
    assert failures.names(project, "request") == ["Request created", "Request resolved"]


# --- one row ----------------------------------------------------------------------------------------------------------


def test_a_row_opens_to_its_history_and_words(project):
    [row] = enqueue.enqueue(
        project=project,
        kind="request",
        event="request_created",
        name="Request created",
        content=make.content(project, subject="Hello"),
        to=[enqueue.Addressee("ann@x.example")],
    )
    DeliveryEvent.objects.create(
        notification_id=row.id, event_key="accepted-1", at=timezone.now() + timedelta(seconds=1), type="accepted"
    )
    found = failures.get(row.id)
    assert found == row
    assert found.project == project
    assert [event.type for event in failures.events(row.id)] == ["queued", "accepted"]
    assert failures.content(found).subject == "Hello"


@pytest.mark.parametrize(
    "id",
    [
        UUID("6ba7b814-9dad-41d1-80b4-00c04fd430c8"),
        UUID(int=0),
        UUID(int=2**128 - 1),
        UUID("ffffffff-ffff-7fff-bfff-ffffffffffff"),
    ],
)
def test_an_id_that_is_none_of_ours_is_nothing(id):
    assert failures.get(id) is None


def test_a_row_that_is_no_longer_kept_is_nothing(project):
    assert failures.get(failed(project, at=timezone.now() - KEEP - timedelta(minutes=1)).id) is None


def test_content_that_is_gone_is_nothing(project):
    assert failures.content(failed(project, content_id=ids.uuid7())) is None


def test_a_request_shows_who_was_told_and_who_was_not(project):
    told = [failed(project, issue_key="IT-1").id, make.notification(project, issue_key="IT-1").id]
    make.notification(project, issue_key="IT-2")
    enqueue.not_sent([NotSent(project=project, issue_key="IT-1", event="x", name="x", cause="own_activity")])
    rows, decisions = failures.for_request(project, "IT-1")
    assert [row.id for row in rows] == told[::-1]
    assert [one.cause for one in decisions] == ["own_activity"]


def test_the_newest_to_an_address_of_whatever_kind(project):
    made = [make.notification(project, "Ann@x.example", kind=kind).id for kind in ("request", "invitation")]
    make.notification(project, "bob@x.example")
    assert [row.id for row in failures.to_address(project, "ann@X.example")] == made[::-1]


def test_the_newest_invitation_of_each_address(project):
    make.notification(project, "ann@x.example", kind="invitation")
    newest = make.notification(project, "ann@x.example", kind="invitation")
    make.notification(project, "bob@x.example", kind="request")
    assert failures.latest_invitations(project, ["ANN@x.example", "bob@x.example"]) == {"ann@x.example": newest}


# --- plans ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def three_weeks(project):
    """Partitions for the whole kept time, and enough rows for the planner to care."""

    def execute(sql):
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor

    today = datetime.now(UTC).date()
    partitions.ensure(execute, today=today, back=django_settings.ENV.keep_days + 1, ahead=1)
    make.copies(failed(project, issue_key="IT-1"), 300)
    make.copies(make.notification(project, "bob@y.example", state="sent"), 3000)
    make.copies(make.notification(project, state="sent", at=timezone.now() - timedelta(days=1, hours=1)), 2000)
    execute("ANALYZE delivery_notification")
    return today


#: Filters, and how many days they may read at most.
QUESTIONS = [
    ({}, 22),
    ({"state": "all"}, 22),
    ({"state": "cancelled"}, 22),
    ({"reason": "suppressed"}, 22),
    ({"reason": "suppressed", "state": "all"}, 22),
    ({"recipient": "ann@x.example"}, 22),
    ({"recipient": "ann*"}, 22),
    ({"recipient": "@x.example"}, 22),
    ({"issue_key": "IT-1"}, 22),
    ({"since": timedelta(0)}, 2),
    ({"since": timedelta(days=3), "until": timedelta(days=2)}, 2),
]


def test_a_page_reads_only_the_days_in_question_and_by_an_index(project, three_weeks):
    midnight = datetime(three_weeks.year, three_weeks.month, three_weeks.day, tzinfo=UTC)
    for filters, days in QUESTIONS:
        period = {name: midnight - value for name, value in filters.items() if name in ("since", "until")}
        rest = {name: value for name, value in filters.items() if name not in period}
        query = matching(project, Filters(**rest, **period).checked()).order_by("-id")[:26]
        plan = query.explain()
        read = set(re.findall(r"delivery_notification_p(\d{8})", plan))
        assert 1 <= len(read) <= days, plan
        assert "delivery_notification_default" not in plan
        assert f"Seq Scan on delivery_notification_p{three_weeks:%Y%m%d}" not in plan, plan


def test_one_notification_is_one_partition(project, three_weeks):
    row = failed(project)
    plans = (
        type(row).objects.filter(id=row.id).explain(),
        DeliveryEvent.objects.filter(notification_id=row.id).explain(),
    )
    for plan in plans:
        assert len(set(re.findall(r"_p(\d{8})", plan))) == 1
        assert "default" not in plan
