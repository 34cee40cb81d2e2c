"""`undelivered secret-key`: a new key without losing what the one before did."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from django.conf import settings

from undelivered import env as environment
from undelivered.__main__ import cli
from undelivered.database import secret_key
from undelivered.delivery import keys, secrets
from undelivered.delivery.models import Provider
from undelivered.desk.models import AuditEntry

pytestmark = pytest.mark.django_db


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["secret-key", *arguments])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site whose key is in its data folder, with a provider's password."""
    monkeypatch.delenv("UNDELIVERED_SECRET_KEY")
    monkeypatch.setenv("UNDELIVERED_DATA_DIR", str(tmp_path))
    for name in ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "SECRET_KEY_ENDS"):
        monkeypatch.setattr(settings, name, getattr(settings, name))
    monkeypatch.setattr(settings, "ENV", environment.read())
    secret_key.ensure(environment.read())
    keys.take(secret_key.keys(environment.read()))
    Provider.objects.create(name="P", url="smtp://x.example", secret=secrets.encrypt("hunter2"))
    return tmp_path


def test_a_new_key_is_made_and_stored_passwords_are_put_under_it(folder):
    old = settings.SECRET_KEY
    answer = call("rotate")
    assert answer.exit_code == 0, answer.output
    found = secret_key.keys(environment.read())
    assert [one.key for one in found.former] == [old]
    assert secret_key.fingerprint(found.current) in answer.output
    assert "encrypted anew: 1." in answer.output
    assert "restart" in answer.output
    assert old not in answer.output
    assert found.current not in answer.output
    assert secrets.renewed(Provider.objects.get().secret) is None
    assert secrets.decrypt(Provider.objects.get().secret) == "hunter2"
    entry = AuditEntry.objects.get(action="secret_key.rotated")
    assert entry.target == secret_key.fingerprint(found.current)


def test_the_list_names_no_key_but_tells_them_apart(folder):
    old = settings.SECRET_KEY
    call("rotate")
    answer = call("list").output
    first, second, stored = answer.splitlines()
    assert first == f"{secret_key.fingerprint(settings.SECRET_KEY)}  in use"
    assert second.startswith(f"{secret_key.fingerprint(old)}  before, until 2")
    assert stored.startswith("Stored passwords: 1 under the key in use, 0 under one from before, 0 ")
    assert old not in answer


def test_keys_from_before_are_forgotten_when_nothing_lies_under_them(folder):
    stale = Provider.objects.get().secret
    call("rotate")
    Provider.objects.update(secret=stale)
    assert "reencrypt" in call("forget", "--yes").output
    assert len(secret_key.keys(environment.read()).former) == 1
    assert "encrypted anew: 1." in call("reencrypt").output
    assert call("forget").exit_code == 1  # it asks, and nobody says yes
    assert call("forget", "--yes").exit_code == 0
    assert secret_key.keys(environment.read()).former == ()
    assert AuditEntry.objects.filter(action="secret_key.forgotten").exists()


def test_what_cannot_be_read_is_said(folder):
    Provider.objects.update(secret="gAAAAAB")
    answer = call("rotate")
    assert answer.exit_code == 0
    assert "1 cannot be read" in answer.output


def test_a_key_that_is_a_setting_is_changed_by_whoever_set_it():
    answer = call("rotate")
    assert answer.exit_code == 1
    assert "UNDELIVERED_SECRET_KEY_PREVIOUS" in answer.output
    assert not AuditEntry.objects.exists()
    assert "UNDELIVERED_SECRET_KEY_PREVIOUS" in call("forget", "--yes").output
