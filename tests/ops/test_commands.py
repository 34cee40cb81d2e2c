"""The command line: what is printed, what goes wrong in one sentence, and that `--help` is everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata

import click
import pytest
from click.testing import CliRunner, Result

from tests import make
from undelivered.__main__ import COMMANDS, cli
from undelivered.desk.models import ApiToken, AuditEntry, Membership, Person, Role
from undelivered.env import Env


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch):
    """`undelivered ARGUMENTS` in this process, on the tests' database."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", os.environ["DJANGO_SETTINGS_MODULE"])

    def called(*arguments: str) -> Result:
        return CliRunner().invoke(cli, arguments)

    return called


def program(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`undelivered ARGUMENTS` as a process of its own, as a shell would see it end."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("UNDELIVERED_")}
    return subprocess.run(
        [sys.executable, "-m", "undelivered", *arguments], env={**kept, **environ}, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help_whose_first_line_says_what_it_does(call, name):
    answer = call(name, "--help")
    assert answer.exit_code == 0
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.get_short_help_str(200)


def test_help_needs_neither_settings_nor_a_database():
    answer = program("--help", UNDELIVERED_WEB_PORT="nonsense")
    assert answer.returncode == 0
    assert all(name in answer.stdout for name in COMMANDS)


def test_an_unknown_command_is_named(call):
    answer = call("fly")
    assert answer.exit_code == 2
    assert "fly" in answer.output


def test_the_version_is_printed_alone(call):
    assert call("version").output == metadata.version("undelivered") + "\n"


def test_a_wrong_setting_is_a_sentence_and_exit_code_two():
    answer = program("settings", UNDELIVERED_KEEP_DAYS="soon")
    assert answer.returncode == 2
    assert (
        answer.stderr
        == "undelivered: UNDELIVERED_KEEP_DAYS: 'soon' cannot be used: use a whole number from 1 to 3650.\n"
    )


def test_a_command_without_a_running_database_says_what_to_do(tmp_path):
    answer = program("token", "create", "--project", "IT", UNDELIVERED_DATA_DIR=str(tmp_path))
    assert answer.returncode == 1
    assert answer.stderr.startswith("undelivered: No Undelivered is running")
    assert "Traceback" not in answer.stderr


def test_settings_are_listed_without_their_secrets(call, monkeypatch):
    monkeypatch.setenv("UNDELIVERED_SECRET_KEY", "very secret indeed")
    monkeypatch.setenv("UNDELIVERED_SITE_NAME", "Our desk")
    answer = call("settings").output
    assert "UNDELIVERED_SECRET_KEY=(secret)\n" in answer
    assert "very secret" not in answer
    assert "UNDELIVERED_SITE_NAME=Our desk\n" in answer
    assert "UNDELIVERED_SAMPLE=yes  (default)" in answer
    assert answer.count("UNDELIVERED_") >= len(Env.__dataclass_fields__)


@pytest.mark.django_db
class TestToken:
    def test_it_is_printed_alone_and_opens_its_project(self, call, client):
        make.project("IT")
        answer = call("token", "create", "--project", "it", "--name", "Monitoring")
        secret = answer.output.removesuffix("\n")
        assert "\n" not in secret
        shown = client.get("/api/v1/projects", headers={"Authorization": f"Bearer {secret}"})
        assert [project["key"] for project in shown.json()["items"]] == ["IT"]
        assert AuditEntry.objects.get().action == "token.created"

    def test_its_scopes_can_be_fewer(self, call):
        make.project("IT")
        assert call("token", "create", "--project", "IT", "--scope", "read").exit_code == 0
        assert ApiToken.objects.get().scopes == ["read"]

    def test_a_scope_that_does_not_exist_makes_no_token(self, call):
        make.project("IT")
        answer = call("token", "create", "--project", "IT", "--scope", "everything")
        assert answer.exit_code == 2
        assert not ApiToken.objects.exists()

    def test_a_project_that_does_not_exist_is_named(self, call):
        answer = call("token", "create", "--project", "NOPE")
        assert (answer.exit_code, answer.output) == (1, "Error: There is no project NOPE.\n")


@pytest.mark.django_db
class TestUser:
    def test_the_password_is_printed_alone_and_works(self, call):
        make.project("IT")
        answer = call("user", "create", "Mara@Desk.example", "--project", "IT", "--role", "agent")
        person = Person.objects.get()
        assert person.email == "mara@desk.example"
        assert person.check_password(answer.output.strip())
        assert Membership.objects.get().role == Role.AGENT

    def test_an_existing_account_gets_a_new_password_and_keeps_what_it_may(self, call):
        make.person("boss@desk.example", name="Boss", is_site_admin=True)
        answer = call("user", "create", "boss@desk.example")
        person = Person.objects.get()
        assert person.check_password(answer.output.strip())
        assert (person.name, person.is_site_admin) == ("Boss", True)

    @pytest.mark.parametrize("arguments", [("no-address",), ("a@desk.example", "--password", "short")])
    def test_what_cannot_be_used_makes_nobody(self, call, arguments):
        assert call("user", "create", *arguments).exit_code == 1
        assert not Person.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_migrating_twice_is_the_same_as_once(call):
    assert call("migrate").output == "The database is up to date.\n"
