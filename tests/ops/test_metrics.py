"""What Prometheus reads: who may, which numbers, and that one part that fails costs no other."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from tests import make
from undelivered.delivery import vitals
from undelivered.delivery.models import DailyCount, DailyUse, Notification, Provider, Worker
from undelivered.delivery.states import State
from undelivered.delivery.tally import Tally
from undelivered.inbound.models import Arrival
from undelivered.ops import metrics

pytestmark = pytest.mark.django_db
TOKEN = "a-token-for-tests-alone"


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setattr(settings, "ENV", dataclasses.replace(settings.ENV, metrics_token=TOKEN))
    return TOKEN


def scrape(client, **headers):
    """{(name, labels): value}"""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(found, name, /, **labels):
    return found[name, tuple(sorted(labels.items()))]


# --- who may read them ------------------------------------------------------------------------------------------------


def test_a_program_on_the_same_machine_needs_no_token(client):
    assert client.get("/metrics").status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_what_came_through_a_proxy_is_refused(client, header):
    answer = client.get("/metrics", headers={header: "1"})
    assert answer.status_code == 403
    assert "UNDELIVERED_METRICS_TOKEN" in answer.text


def test_others_are_refused(client):
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 403


def test_where_people_come_in_by_another_address_local_programs_need_the_token_too(client, monkeypatch):
    monkeypatch.setattr(settings, "PUBLIC_URL", "https://desk.example.com")
    assert client.get("/metrics").status_code == 403


def test_the_token_opens_them_from_everywhere(client, token):
    headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": "192.0.2.7"}
    assert client.get("/metrics", headers=headers, REMOTE_ADDR="192.0.2.7").status_code == 200


@pytest.mark.parametrize("given", ["Bearer wrong", "Basic YTpi", "Bearer", "Bearer a-token-for-tests-alonë"])
def test_a_wrong_token_is_refused_even_on_the_same_machine(client, token, given):
    answer = client.get("/metrics", headers={"Authorization": given})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_they_cannot_be_posted_to(client):
    assert client.post("/metrics").status_code == 405


# --- what they say ----------------------------------------------------------------------------------------------------


def test_the_queue_is_counted_by_what_it_waits_for(client):
    project = make.project()
    now = timezone.now()
    make.notification(project, due_at=now - timedelta(seconds=90))
    make.notification(project, due_at=now - timedelta(seconds=10))
    make.notification(project, due_at=now + timedelta(hours=1))
    make.notification(project, state=State.SENDING, due_at=None, worker=1)
    make.notification(project, state=State.HELD, due_at=now + timedelta(hours=1))
    make.notification(project, state=State.SENT, due_at=None)
    found = scrape(client)
    for state, n in (("due", 2), ("later", 1), ("sending", 1), ("held", 1)):
        assert of(found, "undelivered_queue_notifications", state=state) == n
    assert 90 <= of(found, "undelivered_queue_oldest_due_seconds") < 120


def test_what_came_back_and_is_not_read_yet_is_counted(client):
    now = timezone.now()
    for seconds in (-90, -10, 3600):
        Arrival.objects.create(door="smtp", raw=b"x", due_at=now + timedelta(seconds=seconds))
    Arrival.objects.create(door="smtp", raw=b"x", state="applied", due_at=None)
    found = scrape(client)
    assert of(found, "undelivered_arrivals_waiting", state="due") == 2
    assert of(found, "undelivered_arrivals_waiting", state="later") == 1
    assert 90 <= of(found, "undelivered_arrivals_oldest_due_seconds") < 120


def test_nothing_unread_has_no_age(client):
    assert of(scrape(client), "undelivered_arrivals_oldest_due_seconds") == 0


def test_an_empty_queue_has_no_age(client):
    assert of(scrape(client), "undelivered_queue_oldest_due_seconds") == 0


def test_beyond_the_ceiling_the_counts_are_believed(monkeypatch):
    monkeypatch.setattr(vitals, "CEILING", 10_000)
    project = make.project()
    DailyCount.objects.create(project=project, day=timezone.localdate(), kind="request", state="queued", n=250_000)
    assert vitals._beyond({"due": 10_001, "later": 40, "sending": 100, "held": 0}, timezone.now())["due"] == 249_860
    assert vitals.queue().due == 0  # nothing is there: they are not asked


def test_notifications_of_today_are_counted_by_state_and_reason(client):
    project = make.project()
    row = {"project": project, "kind": "request", "state": "failed", "reason": "provider_error"}
    DailyCount.objects.create(day=timezone.localdate(), n=7, **row)
    DailyCount.objects.create(day=timezone.localdate() - timedelta(days=1), n=70, **row)
    found = scrape(client)
    labels = {"kind": "request", "state": "failed", "reason": "provider_error"}
    assert of(found, "undelivered_notifications_today", **labels) == 7


def test_a_worker_shows_what_it_has_counted(client):
    tally = Tally()
    for seconds in (0.004, 0.3, 700):
        tally.attempted("accepted", seconds)
    tally.results["failed/provider_error"] = 2
    row = Worker.objects.create(
        host="one", pid=1, stats=tally.figures(in_hand=4, pool={"size": 3, "available": 1, "waiting": 0})
    )
    found = scrape(client)
    worker = str(row.pk)
    assert of(found, "undelivered_workers_alive") == 1
    assert of(found, "undelivered_attempts_total", worker=worker, outcome="accepted") == 3
    assert of(found, "undelivered_results_total", worker=worker, state="failed", reason="provider_error") == 2
    assert of(found, "undelivered_attempt_duration_seconds_bucket", worker=worker, le="0.005") == 1
    assert of(found, "undelivered_attempt_duration_seconds_bucket", worker=worker, le="600.0") == 2
    assert of(found, "undelivered_attempt_duration_seconds_bucket", worker=worker, le="+Inf") == 3
    assert of(found, "undelivered_worker_in_hand", worker=worker, host="one") == 4
    assert of(found, "undelivered_worker_pool_connections", worker=worker, host="one", state="used") == 2
    assert abs(of(found, "undelivered_worker_clock_skew_seconds", worker=worker, host="one")) < 5


def test_a_worker_of_an_earlier_version_counts_nothing_and_breaks_nothing(client):
    Worker.objects.create(host="one", pid=1)
    found = scrape(client)
    assert of(found, "undelivered_workers_alive") == 1
    assert of(found, "undelivered_scrape_failed", part="workers") == 0


def test_a_worker_that_is_not_seen_is_not_alive(client):
    Worker.objects.create(host="one", pid=1, seen_at=timezone.now() - timedelta(minutes=3))
    assert of(scrape(client), "undelivered_workers_alive") == 0


def test_a_provider_in_trouble_is_down_and_shows_for_how_long(client):
    project = make.project()
    site = Provider.objects.create(name="Relay", url="smtp://mail.example.com:587")
    since = timezone.now() - timedelta(minutes=10)
    own = Provider.objects.create(name="Own", project=project, url="smtp://own.example", incident_since=since)
    found = scrape(client)
    assert of(found, "undelivered_provider_up", provider=str(site.pk), name="Relay", project="") == 1
    assert of(found, "undelivered_provider_up", provider=str(own.pk), name="Own", project="IT") == 0
    age = of(found, "undelivered_provider_incident_seconds", provider=str(own.pk), name="Own", project="IT")
    assert 600 <= age < 660


def test_daily_limits_and_what_is_used_of_them(client):
    project = make.project(daily_limit=100)
    make.project("HR")
    DailyUse.objects.create(project=project, day=timezone.localdate(), used=30)
    found = scrape(client)
    assert of(found, "undelivered_daily_limit", project="IT") == 100
    assert of(found, "undelivered_daily_used", project="IT") == 30
    assert ("undelivered_daily_limit", (("project", "HR"),)) not in found


def test_partitions_and_rows_that_found_none(client):
    make.notification(make.project(), at=datetime(2020, 1, 1, tzinfo=UTC))
    found = scrape(client)
    assert of(found, "undelivered_partition_days_ahead", table="delivery_notification") >= 29
    assert of(found, "undelivered_misplaced_rows", table="delivery_notification") == 1
    assert of(found, "undelivered_misplaced_rows", table="delivery_deliveryevent") == 0


def test_database_disk_and_spool(client):
    found = scrape(client)
    assert of(found, "undelivered_database_bytes") > 1_000_000
    assert of(found, "undelivered_database_connections", state="active") >= 1
    assert of(found, "undelivered_database_connections_max") >= 20
    assert of(found, "undelivered_disk_free_bytes") > 0
    assert of(found, "undelivered_spool_mails") == 0


def test_a_part_that_fails_is_named_and_the_others_come(client, monkeypatch):
    def broken():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    monkeypatch.setitem(metrics.PARTS, "queue", broken)
    found = scrape(client)
    assert of(found, "undelivered_scrape_failed", part="queue") == 1
    assert of(found, "undelivered_scrape_failed", part="database") == 0
    assert ("undelivered_queue_oldest_due_seconds", ()) not in found


def test_no_address_is_in_them(client):
    project = make.project()
    make.notification(project, "ann@northwind.example")
    Provider.objects.create(name="Relay", url="smtp://ann%40x.example@mail.example.com:587")
    assert "@" not in client.get("/metrics").text


def test_without_a_database_they_still_answer_and_say_so(client, monkeypatch):
    def away(part):
        if part in metrics.WITHOUT_DATABASE:
            return part()
        raise DatabaseError("the server is away")

    monkeypatch.setattr(metrics, "_bounded", away)
    found = scrape(client)
    assert of(found, "undelivered_scrape_failed", part="queue") == 1
    assert of(found, "undelivered_disk_free_bytes") > 0


# --- what they cost ---------------------------------------------------------------------------------------------------


def test_a_scrape_is_a_fixed_number_of_queries(client):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            scrape(client)
        return [q["sql"] for q in captured.captured_queries if "SAVEPOINT" not in q["sql"]]

    before = len(queries())
    for key in ("AA", "BB", "CC"):
        project = make.project(key, daily_limit=5)
        Provider.objects.create(name=key, project=project, url="smtp://mail.example.com")
        Worker.objects.create(host=key, pid=1)
        for _ in range(5):
            make.notification(project)
    assert len(queries()) == before


def test_the_queue_is_read_through_its_partial_indexes_and_within_the_kept_days():
    project = make.project()
    Notification.objects.bulk_create(
        Notification(
            project=project, kind="request", event="x", name="x", recipient="a@x.example", recipient_key="a@x.example",
            recipient_domain="x.example", content_id="01a205ec-75c1-7000-901d-895d6d22565f", state=State.SENT,
            due_at=None,
        )
        for _ in range(2000)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE delivery_notification")
        with CaptureQueriesContext(connection) as captured:
            vitals.queue()
        cursor.execute("EXPLAIN " + captured.captured_queries[-1]["sql"])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    today = f"delivery_notification_p{datetime.now(UTC):%Y%m%d}"
    assert today in plan
    assert f"Seq Scan on {today}" not in plan
    assert f"p{datetime.now(UTC) + timedelta(days=5):%Y%m%d}" not in plan
