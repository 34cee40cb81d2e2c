"""`undelivered smtp-credential`, `smtp-network` and `smtp`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests import make
from undelivered.__main__ import cli
from undelivered.desk.models import AuditEntry
from undelivered.inbound.access import digest
from undelivered.inbound.models import SmtpCredential, TrustedNetwork


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


@pytest.mark.django_db
def test_a_credential_is_made_and_its_user_and_password_printed() -> None:
    make.project(from_address="it@it.example")
    answer = call("smtp-credential", "create", "--project", "it", "--name", "Helpdesk")
    assert answer.exit_code == 0, answer.output
    user, password = answer.stdout.split()
    made = SmtpCredential.objects.get()
    assert (made.username, made.digest, made.from_domains, made.name) == (
        user,
        digest(password),
        ["it.example"],
        "Helpdesk",
    )
    assert AuditEntry.objects.get().actor == "undelivered command line"


@pytest.mark.django_db
def test_credentials_are_listed_without_passwords_and_revoked_once() -> None:
    make.project()
    user, password = call("smtp-credential", "create", "--project", "IT", "--from-domain", "x.example").stdout.split()
    listed = call("smtp-credential", "list", "--project", "IT").stdout
    assert listed == f"{user}\tunused\tx.example\t\n"
    assert password not in listed
    assert call("smtp-credential", "revoke", user).exit_code == 0
    assert "revoked" in call("smtp-credential", "list", "--project", "IT").stdout
    assert call("smtp-credential", "revoke", user).exit_code == 1


@pytest.mark.django_db
def test_networks_are_added_listed_and_removed() -> None:
    make.project(from_address="it@it.example")
    assert call("smtp-network", "add", "--project", "IT", "10.1.2.3/24").stdout == "10.1.2.0/24\tit.example\n"
    assert call("smtp-network", "list", "--project", "IT").stdout == "10.1.2.0/24\tit.example\n"
    assert call("smtp-network", "remove", "--project", "IT", "10.1.2.0/24").exit_code == 0
    assert not TrustedNetwork.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("smtp-credential", "create", "--project", "XX"), "no project XX"),
        (("smtp-credential", "create", "--project", "IT", "--from-domain", "no domain"), "not a domain"),
        (("smtp-credential", "revoke", "nobody"), "no credential nobody"),
        (("smtp-network", "add", "--project", "IT", "everybody"), "not a network"),
        (("smtp-network", "add", "--project", "IT", "0.0.0.0/0"), "too wide"),
        (("smtp-network", "remove", "--project", "IT", "10.0.0.0/8"), "does not trust"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(arguments: tuple[str, ...], words: str) -> None:
    make.project()
    answer = call(*arguments)
    assert answer.exit_code != 0
    assert words in answer.output


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"SMTP_TLS_PORT": "465"}, "needs UNDELIVERED_TLS_CERT"),
        ({"TLS_CERT": "/nonexistent/cert.pem"}, "UNDELIVERED_TLS_CERT cannot be used"),
        ({"SMTP_HOST": "192.0.2.1"}, "cannot be used"),
        ({"SMTP_NAME": "two words"}, "use a host name"),
    ],
)
def test_a_door_that_cannot_start_says_why(tmp_path: Path, settings: dict[str, str], words: str) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("UNDELIVERED_")}
    environ |= {"UNDELIVERED_DATA_DIR": str(tmp_path), "UNDELIVERED_SECRET_KEY": "x"}
    environ |= {f"UNDELIVERED_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "undelivered", "smtp", "--port", "0"]
    answer = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert answer.returncode in {1, 2}
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr
