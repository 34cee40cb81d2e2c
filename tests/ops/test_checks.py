"""System checks: each finds its trouble, says what to do, and is quiet otherwise."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from tests import make
from undelivered.delivery.models import Provider, Worker
from undelivered.delivery.tally import Tally
from undelivered.ops import checks
from undelivered.ops.checks import TAG

pytestmark = pytest.mark.django_db
GOOD_KEY = "mH2v9wQx7Lr4Zk8Tn3Yb6Pd1Sf5Gj0Cc-Aa"


@pytest.fixture
def world(monkeypatch, tmp_path):
    """A site without fault; `world(x=...)` changes settings."""

    def change(**values):
        monkeypatch.setattr(settings, "ENV", dataclasses.replace(settings.ENV, **values))

    monkeypatch.setattr(settings, "SECRET_KEY", GOOD_KEY)
    change(data_dir=tmp_path, least_free_disk=1)
    Provider.objects.create(name="Relay", url="smtp://mail.example.com:587")
    Worker.objects.create(host="one", pid=1, stats=Tally().figures())
    return change


def found():
    return {
        message.id.removeprefix("undelivered."): message for message in run_checks(tags=[TAG], databases=["default"])
    }


def test_a_site_in_order_has_nothing_to_mend(world):
    assert found() == {}


def test_every_message_has_an_id_of_its_own_and_a_hint():
    source = Path(checks.__file__).read_text()
    ids = re.findall(r'id="undelivered\.([EW]\d{3})"', source)
    assert len(ids) == len(set(ids)) >= 13
    assert source.count("hint=") >= len(ids)


def test_debug_pages_on_an_open_server(world, monkeypatch):
    monkeypatch.setattr(settings, "DEBUG", True)
    assert "E001" not in found()
    world(web_host="0.0.0.0")
    assert "E001" in found()


def test_links_that_only_this_machine_can_open(world):
    world(web_host="0.0.0.0")
    assert "UNDELIVERED_PUBLIC_URL" in found()["W002"].hint


def test_signing_in_without_encryption(world, monkeypatch):
    monkeypatch.setattr(settings, "PUBLIC_URL", "http://desk.example.com")
    assert set(found()) == {"W003"}


@pytest.mark.parametrize("key", ["short", "ab" * 30])
def test_a_weak_key(world, monkeypatch, key):
    Worker.objects.all().delete()
    monkeypatch.setattr(settings, "SECRET_KEY", key)
    assert "W004" in found()
    assert key not in str(found()["W004"])


@pytest.mark.parametrize(("free", "expected"), [(500, "E005"), (2000, "W005"), (4000, None)])
def test_a_disk_that_fills_up(world, monkeypatch, free, expected):
    world(least_free_disk=1000)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(9999, 0, free))
    assert set(found()) == ({expected} if expected else set())


def test_mails_that_were_put_aside(world, tmp_path):
    (tmp_path / "spool" / "aside").mkdir(parents=True)
    (tmp_path / "spool" / "aside" / "x.mail").touch()
    assert "1 mail" in found()["E006"].msg


def test_migrations_that_are_missing(world):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'delivery' AND name = '0002_content_raw'")
    assert "undelivered migrate" in found()["E007"].hint


def test_no_provider(world):
    Provider.objects.all().delete()
    assert "anybody" in found()["W008"].msg
    project = make.project()
    make.project("HR")
    Provider.objects.create(name="Own", project=project, url="smtp://own.example")
    assert "1 project " in found()["W008"].msg


def test_no_provider_for_the_site_is_well_where_every_project_has_one(world):
    Provider.objects.update(project=make.project())
    assert found() == {}


def test_an_outage_that_lasts(world):
    Provider.objects.update(incident_since=timezone.now() - timedelta(minutes=14), incident="Connection refused")
    assert found() == {}
    Provider.objects.update(incident_since=timezone.now() - timedelta(minutes=16))
    assert "Connection refused" in found()["W009"].hint


def test_an_outage_that_lasts_says_who_stands_in(world):
    Provider.objects.update(incident_since=timezone.now() - timedelta(minutes=16), incident="Connection refused")
    assert "Its mail waits" in found()["W009"].hint
    Provider.objects.create(name="Second", url="smtp://second.example", rank=1)
    assert "Its mail goes to Second meanwhile" in found()["W009"].hint


def test_no_worker(world):
    Worker.objects.update(seen_at=timezone.now() - timedelta(minutes=2))
    assert set(found()) == {"E010"}


def test_clocks_that_differ(world):
    Worker.objects.create(host="two", pid=2, stats=Tally().figures(clock=timezone.now().timestamp() - 40))
    assert "two is 40 seconds behind" in found()["W011"].msg


def test_workers_with_another_secret_key(world):
    Worker.objects.create(host="two", pid=2, stats=Tally().figures(key="0123456789ab"))
    assert "two" in found()["E012"].msg


@pytest.mark.parametrize("newer", ["worker", "web server"])
def test_a_new_key_that_not_every_process_has_yet(world, monkeypatch, newer):
    other = "another key, as good as the first one, 123"
    with override_settings(SECRET_KEY=other, SECRET_KEY_FALLBACKS=[GOOD_KEY] if newer == "worker" else []):
        Worker.objects.create(host="two", pid=2, stats=Tally().figures())
    if newer == "web server":
        monkeypatch.setattr(settings, "SECRET_KEY_FALLBACKS", [other])
    assert set(found()) == {"W017"}
    assert "two" in found()["W017"].msg


def test_a_weak_key_from_before(world, monkeypatch):
    monkeypatch.setattr(settings, "SECRET_KEY_FALLBACKS", ["short"])
    assert set(found()) == {"W018"}
    assert "secret-key forget" in found()["W018"].hint


def test_workers_of_two_versions(world):
    Worker.objects.create(host="two", pid=2, stats=Tally().figures(version="9.9.9"))
    assert "9.9.9" in found()["W013"].msg


def test_rows_that_found_no_day(world):
    make.notification(make.project(), at=datetime(2020, 1, 1, tzinfo=UTC))
    assert "delivery_notification: a row found" in found()["E014"].msg


def test_days_ahead_that_run_out(world):
    with connection.cursor() as cursor:
        soon = datetime.now(UTC) + timedelta(days=3)
        cursor.execute(f"DROP TABLE delivery_notsent_p{soon:%Y%m%d}")
    assert "2 days ahead" in found()["W015"].msg


def test_without_a_database_only_settings_are_looked_at(world):
    Worker.objects.all().delete()
    assert run_checks(tags=[TAG]) == []


def test_checks_of_an_empty_database_are_quiet(world):
    """`migrate` runs all checks before there is a table."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA empty")
        cursor.execute("SET LOCAL search_path TO empty")
        assert [message.id for message in run_checks(tags=[TAG], databases=["default"])] == ["undelivered.E007"]
        cursor.execute("SET LOCAL search_path TO public")
