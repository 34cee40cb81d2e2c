"""The pieces of `undelivered run` that need no other process. The whole is in tests/journeys/test_run.py."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace

import click
import pytest
from django.conf import settings

from tests import make
from undelivered.delivery import providers, secrets
from undelivered.delivery.models import Provider
from undelivered.ops.commands import run
from undelivered.ops.supervisor import Supervisor


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use_is_named_with_its_setting(taken):
    with pytest.raises(click.ClickException, match=f"Port {taken} on 127.0.0.1 .* UNDELIVERED_WEB_PORT"):
        run._require_free("127.0.0.1", taken, "UNDELIVERED_WEB_PORT")


def test_the_smtp_door_takes_another_port_where_the_usual_one_is_in_use(taken, monkeypatch):
    monkeypatch.delenv("UNDELIVERED_SMTP_PORT", raising=False)
    assert run._door_port(replace(settings.ENV, smtp_port=taken)) not in {0, taken}


def test_a_port_that_was_asked_for_must_be_free(taken, monkeypatch):
    monkeypatch.setenv("UNDELIVERED_SMTP_PORT", str(taken))
    with pytest.raises(click.ClickException, match="UNDELIVERED_SMTP_PORT"):
        run._door_port(replace(settings.ENV, smtp_port=taken))


def test_waiting_for_the_web_server_ends_when_the_end_is_asked_for():
    stopped = threading.Event()
    stopped.set()
    run._await_web(Supervisor({}, print), replace(settings.ENV, web_port=1), stopped)


@pytest.mark.django_db
class TestProviderOfTheSettings:
    URL = "smtp://desk:first@mail.example.com:587"

    def store(self, url: str | None) -> Provider | None:
        run._set_provider(replace(settings.ENV, provider_url=url))
        return providers.provider_for(None)

    def test_it_becomes_the_sites(self):
        stored = self.store(self.URL)
        assert stored is not None
        assert stored.url == "smtp://desk@mail.example.com:587"
        assert secrets.decrypt(stored.secret) == "first"

    def test_the_same_again_changes_nothing(self):
        first, again = self.store(self.URL), self.store(self.URL)
        assert first is not None
        assert again is not None
        assert first.changed_at == again.changed_at

    def test_a_new_password_is_taken_over(self):
        self.store(self.URL)
        stored = self.store(self.URL.replace("first", "second"))
        assert stored is not None
        assert secrets.decrypt(stored.secret) == "second"

    def test_without_one_what_was_entered_stays(self):
        self.store(self.URL)
        assert self.store(None) is not None


@pytest.mark.django_db
class TestGreeting:
    def greet(self, capsys, *, sample: bool, **values) -> str:
        run._greet(replace(settings.ENV, **values), 2525, sample=sample)
        return capsys.readouterr().out

    def test_it_says_where_and_how_to_sign_in(self, capsys, tmp_path):
        from undelivered.ops import first_admin

        env = replace(settings.ENV, data_dir=tmp_path)
        first_admin.ensure(env)
        said = self.greet(capsys, sample=True, data_dir=tmp_path)
        assert settings.ENV.url in said
        assert env.admin_email in said
        assert "/p/IT/log/requests" in said

    def test_it_shows_no_password_that_somebody_chose(self, capsys, tmp_path):
        make.person("mara@desk.example")
        said = self.greet(capsys, sample=False, data_dir=tmp_path)
        assert "undelivered user create" in said
        assert "/p/IT/" not in said
