"""Providers: whose mail goes where, and passwords that never go anywhere else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests import make
from undelivered.delivery import providers
from undelivered.delivery.models import Provider
from undelivered.delivery.provider_entry import without_password
from undelivered.delivery.providers import (
    FALLBACK,
    FIRST,
    fallback_of,
    pause_s,
    provider_for,
    set_provider,
    smtp_settings,
)
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import AuditEntry

pytestmark = pytest.mark.django_db


def put(project=None, url="smtp://ann:hunter2@mail.example.com:587", **more):
    return set_provider(project, url, by=UNDELIVERED, **more)


@pytest.fixture(autouse=True)
def no_dns(monkeypatch):
    """Names are resolved to a public address, without a network."""
    monkeypatch.setattr(providers.socket, "getaddrinfo", lambda host, port: [(0, 0, 0, "", ("93.184.215.14", 0))])


def test_a_project_uses_its_own_provider_else_the_sites():
    project, other = make.project("IT"), make.project("HR")
    assert provider_for(project) is None
    site, own = put(), put(project)
    assert provider_for(project) == own
    assert provider_for(other) == provider_for(None) == site
    providers.remove(project, by=UNDELIVERED)
    assert provider_for(project) == site


def test_a_fallback_is_never_taken_for_the_first():
    project = make.project("IT")
    site, own = put(), put(project)
    others = [put(owner, "smtp://second.example.com", rank=FALLBACK) for owner in (None, project)]
    assert [provider_for(None), provider_for(project)] == [site, own]
    assert [fallback_of(site), fallback_of(own)] == others
    assert fallback_of(others[0]) is None


def test_a_fallback_stands_in_for_its_own_owners_provider_only():
    project = make.project("IT")
    site, own = put(), put(project)
    put(None, "smtp://second.example.com", rank=FALLBACK)
    assert fallback_of(own) is None
    assert fallback_of(site) is not None


def test_who_takes_the_mail_of_a_provider_that_is_out_of_order():
    first = put()
    assert providers.meanwhile(first) is None
    other = put(None, "smtp://second.example.com", rank=FALLBACK)
    assert providers.meanwhile(first) is None  # it works
    first.incident_since = timezone.now()
    assert providers.meanwhile(first) == other
    Provider.objects.filter(pk=other.pk).update(incident_since=timezone.now())
    assert providers.meanwhile(first) is None


def test_a_fallback_needs_something_to_stand_in_for():
    put()
    with pytest.raises(ValueError, match="set that one first"):
        put(make.project(), rank=FALLBACK)


def test_a_fallback_has_a_password_of_its_own():
    put()
    other = put(url="smtp://ann@mail.example.com:587", rank=FALLBACK)
    assert smtp_settings(other, connections=1).password == ""
    assert smtp_settings(provider_for(None), connections=1).password == "hunter2"


def test_a_fallback_can_be_taken_away_alone_and_goes_with_the_first():
    project = make.project("IT")
    own = put(project)
    for rank, left in ((FALLBACK, [own.pk]), (FIRST, [])):
        put(project, "smtp://second.example.com", rank=FALLBACK)
        providers.remove(project, by=UNDELIVERED, rank=rank)
        assert list(Provider.objects.values_list("pk", flat=True)) == left
    removed = [entry.detail for entry in AuditEntry.objects.order_by("pk") if "removed" in entry.detail]
    assert [entry.get("fallback", False) for entry in removed] == [True, False, True]


def test_the_password_is_stored_encrypted_and_used():
    provider = put()
    assert "hunter2" not in provider.url
    assert "hunter2" not in provider.secret
    assert "hunter2" not in str(AuditEntry.objects.values())
    settings = smtp_settings(provider, connections=7)
    assert (settings.username, settings.password, settings.max_connections) == ("ann", "hunter2", 7)


def test_a_password_can_be_given_apart():
    provider = put(url="smtp://ann@mail.example.com", password="p@ss/word")
    assert smtp_settings(provider, connections=1).password == "p@ss/word"


def test_connections_of_the_url_go_first():
    assert smtp_settings(put(url="smtp://mail.example.com?connections=3"), connections=20).max_connections == 3


def test_the_stored_password_stays_while_host_and_user_stay():
    put()
    kept = put(url="smtp://ann@mail.example.com:587", name="Renamed")
    assert kept.name == "Renamed"
    assert smtp_settings(kept, connections=1).password == "hunter2"


def test_the_stored_password_stays_while_rates_and_times_change():
    put()
    kept = put(url="smtp://ann@mail.example.com?rate=5&timeout=30&connections=3&helo=desk.example&domain_connections=2")
    assert smtp_settings(kept, connections=1).password == "hunter2"


@pytest.mark.parametrize(
    "url",
    [
        "smtp://ann@mail.example.com:587?auth=xoauth2&client_id=x&token_url=https://evil.example/token",
        "smtp://ann@evil.example.com:587",
        "smtp://ann@mail.example.com:588",
        "smtp://bob@mail.example.com:587",
        "smtp+plain://ann@mail.example.com:587",
        "smtp://ann@mail.example.com:587?verify=no",
    ],
)
def test_the_stored_password_never_goes_to_another_host_port_user_or_in_clear(url):
    put()
    assert smtp_settings(put(url=url), connections=1).password == ""


def test_changing_the_provider_ends_its_incident():
    put()
    now = timezone.now()
    Provider.objects.update(paused_until=now + timedelta(minutes=5), failures=4, incident="x", incident_since=now)
    before = Provider.objects.get()
    assert providers.incident(make.project()) == before
    after = put(url="smtp://other.example.com")
    assert (after.paused_until, after.failures, after.incident, after.incident_since) == (None, 0, "", None)
    assert after.changed_at > before.changed_at
    assert providers.incident(make.project("HR")) is None


@pytest.mark.parametrize("url", ["", "http://mail.example.com", "smtp://", "smtp://mail.example.com:0", "smtp://h?x=1"])
def test_an_url_that_cannot_be_used_is_refused_and_changes_nothing(url):
    put()
    with pytest.raises(ValueError):
        put(url=url)
    assert Provider.objects.get().url == "smtp://ann@mail.example.com:587"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "[::1]", "[fd00::1]", "localhost", "printer.local", "169.254.169.254", "intern"]
)
def test_a_project_may_not_name_a_private_host(host, monkeypatch):
    bare = host.strip("[]")
    monkeypatch.setattr(
        providers.socket, "getaddrinfo", lambda *_: [(0, 0, 0, "", (bare, 0))] if bare[0] in "1f:" else []
    )
    with pytest.raises(ValueError, match="not a public host"):
        put(make.project(), url=f"smtp://{host}:587")
    assert put(None, url=f"smtp://{host}:587")  # the site may


def test_a_name_that_leads_to_a_private_host_is_refused_too(monkeypatch):
    monkeypatch.setattr(
        providers.socket, "getaddrinfo", lambda *_: [(0, 0, 0, "", (ip, 0)) for ip in ("93.184.215.14", "192.168.1.1")]
    )
    with pytest.raises(ValueError, match="not a public host"):
        put(make.project(), url="smtp://sneaky.example.com")


def test_a_token_server_may_not_be_a_private_host_either(monkeypatch):
    monkeypatch.setattr(providers.socket, "getaddrinfo", lambda *_: [(0, 0, 0, "", ("93.184.215.14", 0))])
    url = "smtps://ann@mail.example.com?auth=xoauth2&client_id=1&token_url=https://"
    with pytest.raises(ValueError, match=r"printer\.local is not a public host"):
        put(make.project(), url=f"{url}printer.local/token")
    assert put(make.project("HR"), url=f"{url}login.example.com/token")


def test_a_name_that_is_not_found_now_may_be_found_later(monkeypatch):
    def fails(*_):
        raise OSError("no such name")

    monkeypatch.setattr(providers.socket, "getaddrinfo", fails)
    assert put(make.project(), url="smtp://not-yet.example.com")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("smtp://ann:pw@h.example:587?verify=no", "smtp://ann@h.example:587?verify=no"),
        ("smtp://a%40b:p%40w@h.example", "smtp://a%40b@h.example"),
        ("smtp://h.example", "smtp://h.example"),
        ("smtps://ann@h.example", "smtps://ann@h.example"),
        ("smtp://ann:@[2001:db8::1]:25", "smtp://ann@[2001:db8::1]:25"),
    ],
)
def test_an_url_is_shown_without_its_password(url, shown):
    assert without_password(url) == shown


def test_pauses_double_up_to_five_minutes():
    assert [pause_s(n) for n in range(1, 9)] == [5, 10, 20, 40, 80, 160, 300, 300]
    assert pause_s(10_000) == 300


def test_resuming_makes_the_next_mail_the_probe_and_is_in_the_audit_log():
    provider = put()
    Provider.objects.update(paused_until=timezone.now() + timedelta(minutes=5), failures=4)
    providers.resume(provider, by=UNDELIVERED)
    provider.refresh_from_db()
    assert provider.paused_until < timezone.now()
    assert provider.failures == 4
    assert AuditEntry.objects.filter(action="provider.resumed").exists()
