"""The System page: for site admins alone, and every picture from real numbers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from tests import make
from undelivered.database.vitals import Days
from undelivered.delivery.models import DailyUse, Provider, Throughput, Worker
from undelivered.delivery.states import State
from undelivered.delivery.tally import BUCKETS, Tally
from undelivered.desk.models import AuditEntry
from undelivered.web.pages import flow_chart, system
from undelivered.web.templatetags.system_look import bytes, lasting, without_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    person = make.person(is_site_admin=True)
    client.force_login(person)
    return person


def shown(client) -> str:
    answer = client.get(reverse("system"))
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


# --- who may open it --------------------------------------------------------------------------------------------------


def test_it_is_for_site_admins_alone(client):
    client.force_login(make.person(admin_of=make.project()))
    assert client.get(reverse("system")).status_code == 403
    assert "/system" not in client.get(reverse("home")).text


def test_whoever_is_signed_out_signs_in_first(client):
    assert client.get(reverse("system")).status_code == 302


def test_site_admins_find_it_in_the_menu(client, admin):
    assert f'href="{reverse("system")}"' in client.get(reverse("home")).text
    assert re.search(r'href="/system" aria-current="page"', client.get(reverse("system")).text)


def test_nothing_in_it_needs_a_laxer_policy(client, admin):
    answer = client.get(reverse("system"))
    assert "style=" not in answer.text
    assert "onclick" not in answer.text
    assert "'unsafe-inline'" not in answer["Content-Security-Policy"]


# --- what it shows ----------------------------------------------------------------------------------------------------


def test_an_empty_site_shows_what_to_mend_first(client, admin):
    text = shown(client)
    assert "No worker is running: nothing is sent." in text
    assert "No provider is set for the site" in text
    assert "undelivered.E010" in text
    assert text.index("No worker") < text.index("No provider")  # the serious first


def test_a_site_in_order_says_so(client, admin, monkeypatch):
    monkeypatch.setattr(settings, "SECRET_KEY", "mH2v9wQx7Lr4Zk8Tn3Yb6Pd1Sf5Gj0Cc-Aa")
    client.force_login(admin)  # sessions are signed by the key
    Provider.objects.create(name="Relay", url="smtp://mail.example.com:587")
    Worker.objects.create(host="one", pid=1, stats=Tally().figures())
    assert "Nothing to mend" in shown(client)


def test_the_queue_and_its_oldest(client, admin):
    project = make.project()
    make.notification(project, due_at=timezone.now() - timedelta(minutes=7))
    make.notification(project, due_at=timezone.now() + timedelta(hours=1))
    make.notification(project, state=State.SENDING, due_at=None, worker=1)
    text = shown(client)
    assert "Due now 1 1 being sent, 1 to be tried again" in text
    assert "Oldest that is due 7 min" in text


def test_throughput_of_the_last_hour_and_day(client, admin):
    now = timezone.now()
    Throughput.objects.create(slot=now - timedelta(minutes=10), sent=1200, failed=3, retried=4)
    Throughput.objects.create(slot=now - timedelta(hours=5), sent=800, failed=1, retried=0)
    Throughput.objects.create(slot=now - timedelta(hours=30), sent=9999, failed=9999, retried=9999)
    text = shown(client)
    assert "Sent in the last hour 1,200 3 failed, 4 to be tried again" in text
    assert "Sent 2,000" in text
    assert "Failed 4" in text
    assert "9,999" not in text


def test_workers_with_what_they_do(client, admin):
    tally = Tally()
    for _ in range(20):
        tally.attempted("accepted", 0.04)
    Worker.objects.create(host="one", pid=41, stats=tally.figures(in_hand=7))
    Worker.objects.create(host="two", pid=42, seen_at=timezone.now() - timedelta(minutes=5))
    text = shown(client)
    assert "1 running" in text
    assert "one process 41" in text
    assert "In hand 7 Attempts 20" in text
    assert "two process 42 Not seen since" in text
    assert "An attempt takes 38 ms" in text


def test_a_provider_in_trouble_can_be_tried_now(client, admin):
    later = timezone.now() + timedelta(minutes=3)
    provider = Provider.objects.create(
        name="Relay", url="smtp://ann%40x.example@mail.example.com:587", failures=3, paused_until=later,
        incident_since=timezone.now() - timedelta(minutes=1), incident="Connection refused",
    )  # fmt: skip
    text = shown(client)
    assert "Paused" in text
    assert "Connection refused" in text
    assert client.post(reverse("system-resume", kwargs={"provider_id": provider.pk})).status_code == 302
    provider.refresh_from_db()
    assert provider.paused_until < timezone.now()
    assert AuditEntry.objects.get(action="provider.resumed").person == admin


def test_a_fallback_is_shown_behind_its_first_and_where_mail_goes_meanwhile(client, admin):
    Provider.objects.create(name="Second", url="smtp://second.example.com", rank=1)
    Provider.objects.create(name="First", url="smtp://first.example.com", incident_since=timezone.now())
    text = shown(client)
    assert text.index("First the whole site") < text.index("Second the whole site, fallback")
    assert "Its mail goes to Second meanwhile." in text


def test_nobody_else_tries_a_provider_again(client):
    provider = Provider.objects.create(name="Relay", url="smtp://mail.example.com")
    client.force_login(make.person(admin_of=make.project()))
    assert client.post(reverse("system-resume", kwargs={"provider_id": provider.pk})).status_code == 403


def test_a_provider_that_works_shows_no_user_name(client, admin):
    Provider.objects.create(name="Relay", url="smtp://ann%40x.example@mail.example.com:587")
    text = shown(client)
    assert "smtp://mail.example.com:587" in text
    assert "ann%40" not in text


def test_limits_nearest_to_their_end_first(client, admin):
    for key, limit, used in (("AA", 100, 10), ("BB", 100, 95), ("CC", None, 50)):
        project = make.project(key, daily_limit=limit)
        DailyUse.objects.create(project=project, day=timezone.localdate(), used=used)
    text = shown(client)
    assert text.index("BB 95 of 100") < text.index("AA 10 of 100")
    assert "50 of" not in text


# --- the pictures -----------------------------------------------------------------------------------------------------


def test_the_last_column_is_the_half_hour_that_runs_now():
    now = datetime(2026, 3, 4, 12, 40, tzinfo=UTC)
    slots = [
        Throughput(slot=datetime(2026, 3, 4, 12, 35, tzinfo=UTC), sent=5, failed=0, retried=0),
        Throughput(slot=datetime(2026, 3, 4, 12, 25, tzinfo=UTC), sent=2, failed=1, retried=0),
    ]
    flow = flow_chart.draw(slots, now)
    assert len(flow.columns) == 48
    assert [column.numbers for column in flow.columns[-2:]] == [(2, 0, 1), (5, 0, 0)]
    assert flow.columns[-1].words == "12:30 to 13:00: 5 sent"
    assert flow.columns[0].begins == flow_chart.since(now) == datetime(2026, 3, 3, 13, 0, tzinfo=UTC)
    assert flow.sentence == "The last 24 hours: 7 sent, 0 to be tried again, 1 failed."


def test_a_single_failure_can_be_seen_beside_thousands():
    now = datetime(2026, 3, 4, 12, 40, tzinfo=UTC)
    flow = flow_chart.draw([Throughput(slot=now, sent=100_000, failed=1, retried=0)], now)
    [sent, failed] = flow.columns[-1].pieces
    assert (sent.kind, failed.kind) == ("sent", "failed")
    assert float(failed.height) >= 1


def test_a_missing_day_ahead_is_marked():
    today = datetime(2026, 3, 4, tzinfo=UTC).date()
    all_days = tuple(today + timedelta(days=i) for i in range(-2, 4))
    holed = tuple(day for day in all_days if day != today + timedelta(days=2))
    days = [Days("a", all_days, 3, 3, 0), Days("b", holed, 1, 3, 0)]
    assert [cell.kind for cell in system._strip(days, today)] == ["kept", "kept", "today", "ahead", "missing", "ahead"]


def test_quantiles_of_durations_in_classes():
    classes = [0] * (len(BUCKETS) + 1)
    classes[BUCKETS.index(0.05)] = 10
    assert system.quantile(classes, 0.5) == pytest.approx(0.0375)
    assert system.quantile(classes, 1.0) == pytest.approx(0.05)
    classes = [0] * len(BUCKETS) + [3]
    assert system.quantile(classes, 0.95) == BUCKETS[-1]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.4, "0 s"), (59, "59 s"), (61, "1 min"), (7300, "2 h"), (90_000, "1 day"), (2e5, "2 days")],
)
def test_how_long_something_lasts(seconds, expected):
    assert lasting(seconds) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(12, "12 bytes"), (5000, "4.9 KB"), (200 * 1024**2, "200 MB"), (3.4 * 1024**3, "3.4 GB")]
)
def test_sizes(value, expected):
    assert bytes(int(value)) == expected


def test_a_providers_address_is_shown_without_its_user():
    assert without_user("smtps://ann@mail.example.com:465") == "smtps://mail.example.com:465"
    assert without_user("smtp://mail.example.com") == "smtp://mail.example.com"
