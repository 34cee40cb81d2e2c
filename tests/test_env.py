"""Settings from the environment: defaults, files for secrets, and a clear error for everything that is wrong."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest

from undelivered import env as environment
from undelivered.env import Env, SettingError, read

GOOD = {
    "WEB_PORT": ("8080", 8080),
    "SMTP_PORT": ("0", 0),
    "LMTP": ("/run/undelivered/lmtp", Path("/run/undelivered/lmtp")),
    "WEB_HOST": ("::1", "::1"),
    "WEB_PROCESSES": ("4", 4),
    "PUBLIC_URL": ("https://desk.example.com/", "https://desk.example.com"),
    "SITE_NAME": ("Northwind", "Northwind"),
    "TIME_ZONE": ("Europe/Berlin", "Europe/Berlin"),
    "ADMIN_EMAIL": ("ann@example.com", "ann@example.com"),
    "PROVIDER_URL": ("smtps://ann:a%40b@mail.example.com", "smtps://ann:a%40b@mail.example.com"),
    "DATABASE_URL": ("postgres://ann:pw@db.example.com:5433/desk", "postgres://ann:pw@db.example.com:5433/desk"),
    "FROM_ADDRESS": ("it@example.com", "it@example.com"),
    "DAILY_LIMIT": ("100", 100),
    "SIZE_LIMIT": ("1000", 1000),
    "KEEP_DAYS": ("3", 3),
    "SAMPLE": ("No", False),
    "RETRY_HOURS": ("48", 48),
    "ALLOW_PRIVATE_HOSTS": ("on", True),
    "DEBUG": ("1", True),
    "LOG_LEVEL": ("debug", "DEBUG"),
    "LOG_FORMAT": ("JSON", "json"),
    "METRICS_TOKEN": ("0123456789abcdef", "0123456789abcdef"),
    "BOUNCE_DOMAIN": ("Bounces.Example.COM", "bounces.example.com"),
    "SECRET_KEY_PREVIOUS": (
        " new old 2026-03-01T12:00:00Z\nolder ",
        (("new", None), ("old", datetime(2026, 3, 1, 12, tzinfo=UTC)), ("older", None)),
    ),
}
WRONG = [
    ("WEB_PORT", "eighty"),
    ("WEB_PORT", "65536"),
    ("WEB_PORT", "-1"),
    ("SMTP_PORT", "25.0"),
    ("LMTP", "0"),
    ("LMTP", "lmtp.sock"),
    ("LMTP", "/" + "x" * 100),
    ("WEB_HOST", "no host"),
    ("WEB_PROCESSES", "0"),
    ("WEB_PROCESSES", "65"),
    ("PUBLIC_URL", "desk.example.com"),
    ("PUBLIC_URL", "ftp://desk.example.com"),
    ("PUBLIC_URL", "https://desk.example.com/help"),
    ("PUBLIC_URL", "https://desk.example.com?x=1"),
    ("PUBLIC_URL", "https://desk.example.com:99999"),
    ("PUBLIC_URL", "https://ann:pw@desk.example.com"),
    ("PUBLIC_URL", "https://[::1"),
    ("TIME_ZONE", "Berlin"),
    ("LOG_FORMAT", "xml"),
    ("METRICS_TOKEN", "short"),
    ("METRICS_TOKEN", "0123456789 abcdef"),
    ("TIME_ZONE", "Europe"),
    ("TIME_ZONE", "../etc/passwd"),
    ("ADMIN_EMAIL", "ann"),
    ("ADMIN_EMAIL", "Ann <ann@example.com>"),
    ("PROVIDER_URL", "http://mail.example.com"),
    ("PROVIDER_URL", "smtp://"),
    ("PROVIDER_URL", "smtp://mail.example.com:99999"),
    ("PROVIDER_URL", "smtp://mail.example.com?tls=maybe"),
    ("DATABASE_URL", "mysql://db.example.com/desk"),
    ("DATABASE_URL", "postgresql://db.example.com/desk?nothing=known"),
    ("DAILY_LIMIT", "0"),
    ("DAILY_LIMIT", "lots"),
    ("SIZE_LIMIT", "6MB"),
    ("KEEP_DAYS", "0"),
    ("KEEP_DAYS", "1000000000"),
    ("WORKER_CONNECTIONS", "9" * 5000),
    ("RETRY_HOURS", "721"),
    ("DEBUG", "perhaps"),
    ("SAMPLE", "2"),
    ("LOG_LEVEL", "LOUD"),
    ("BOUNCE_DOMAIN", "bounces@example.com"),
    ("BOUNCE_DOMAIN", "bounces.example.com."),
    ("SECRET_KEY_PREVIOUS", "2026-03-01T12:00:00Z"),
    ("SECRET_KEY_PREVIOUS", "old 2026-03-01T12:00:00Z 2026-03-01T12:00:00Z"),
    ("SECRET_KEY_PREVIOUS", "old 2026-13-01T12:00:00Z"),
]


def test_without_any_variable_everything_has_a_default():
    env = read({"HOME": "/home/ann"})
    assert (env.web_host, env.web_port, env.smtp_port) == ("127.0.0.1", 8025, 2525)
    assert (env.keep_days, env.retry_hours, env.size_limit) == (21, 24, 6 * 1024 * 1024)
    assert env.daily_limit is None
    assert env.database_url is None
    assert env.secret_key is None
    assert (env.time_zone, env.debug, env.allow_private_hosts) == ("UTC", False, False)
    assert env.url == "http://127.0.0.1:8025"


def test_an_empty_variable_is_the_default():
    assert read({"UNDELIVERED_WEB_PORT": ""}).web_port == 8025


@pytest.mark.parametrize(("name", "value", "wanted"), [(name, *pair) for name, pair in GOOD.items()])
def test_a_value_is_read(name, value, wanted):
    assert getattr(read({f"UNDELIVERED_{name}": value}), name.lower()) == wanted


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_an_error_that_names_the_variable_and_what_is_allowed(name, value):
    with pytest.raises(SettingError, match=rf"^UNDELIVERED_{name}: .*cannot be used: use "):
        read({f"UNDELIVERED_{name}": value})


@pytest.mark.parametrize(("word", "rate"), [("20", 20), ("0.5", 0.5), ("none", None)])
def test_a_provider_rate_may_be_less_than_one_a_second(word, rate):
    assert read({"UNDELIVERED_PROVIDER_RATE": word}).provider_rate == rate


@pytest.mark.parametrize("word", ["0", "-1", "nan", "fast"])
def test_a_provider_rate_that_is_none_is_refused(word):
    with pytest.raises(SettingError, match=r"UNDELIVERED_PROVIDER_RATE: .* use a number of mails a second"):
        read({"UNDELIVERED_PROVIDER_RATE": word})


@pytest.mark.parametrize(("word", "where"), [("2424", 2424), ("none", None), ("None", None)])
def test_lmtp_is_spoken_on_a_port_a_socket_or_not_at_all(word: str, where: int | None) -> None:
    assert read({"UNDELIVERED_LMTP": word}).lmtp == where


@pytest.mark.parametrize("word", ["none", "Unlimited"])
def test_no_daily_limit_can_be_said(word):
    assert read({"UNDELIVERED_DAILY_LIMIT": word}).daily_limit is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://ann:hunter2@db.example.com/x"),
        ("DATABASE_URL", "postgresql://ann:hun/ter2@db.example.com/x?hunter2=1"),
        ("PROVIDER_URL", "smtp://ann:hunter2/x@mail.example.com"),
        ("PROVIDER_URL", "hunter2"),
    ],
)
def test_an_error_never_shows_a_secret(name, value):
    with pytest.raises(SettingError) as error:
        read({f"UNDELIVERED_{name}": value})
    assert "hunter2" not in str(error.value)
    assert "ter2" not in str(error.value)


def test_a_name_that_does_not_exist_is_an_error():
    with pytest.raises(SettingError, match="UNDELIVERED_WEBPORT is not a setting"):
        read({"UNDELIVERED_WEBPORT": "1"})


def test_what_only_the_tests_read_is_left_alone():
    read({"UNDELIVERED_TEST_DATABASE_URL": "postgresql:///x"})


def test_a_secret_can_come_from_a_file(tmp_path):
    (tmp_path / "key").write_text("from a file\n")
    assert read({"UNDELIVERED_SECRET_KEY_FILE": str(tmp_path / "key")}).secret_key == "from a file"


def test_a_secret_given_twice_is_an_error(tmp_path):
    (tmp_path / "key").write_text("from a file\n")
    with pytest.raises(SettingError, match="both set"):
        read({"UNDELIVERED_SECRET_KEY": "x", "UNDELIVERED_SECRET_KEY_FILE": str(tmp_path / "key")})


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(SettingError, match="UNDELIVERED_ADMIN_PASSWORD_FILE: cannot read"):
        read({"UNDELIVERED_ADMIN_PASSWORD_FILE": str(tmp_path / "none")})


def test_an_empty_file_is_an_error_and_not_the_default(tmp_path):
    (tmp_path / "key").write_text("\n")
    with pytest.raises(SettingError, match="is empty"):
        read({"UNDELIVERED_SECRET_KEY_FILE": str(tmp_path / "key")})


def test_only_secrets_come_from_files(tmp_path):
    with pytest.raises(SettingError, match="only secrets can be given as a file"):
        read({"UNDELIVERED_WEB_PORT_FILE": str(tmp_path / "port")})


def test_the_data_folder_of_root_is_one_that_another_account_reaches(monkeypatch):
    monkeypatch.setattr(environment.os, "geteuid", lambda: 0)
    assert read({}).data_dir == Path("/var/lib/undelivered")


def test_the_data_folder_of_a_plain_user_follows_the_desktop_rules(monkeypatch):
    monkeypatch.setattr(environment.os, "geteuid", lambda: 1000)
    assert read({"XDG_DATA_HOME": "/somewhere"}).data_dir == Path("/somewhere/undelivered")


def test_every_setting_says_what_it_means_and_its_default_can_be_used():
    for one in fields(Env):
        assert one.metadata["meaning"].endswith((".", "`.")), one.name
        default = one.metadata["default"]
        if isinstance(default, str | int) and not isinstance(default, bool):
            assert one.metadata["parse"](str(default)) == default


def test_the_provider_may_be_an_email_service_with_its_secrets() -> None:
    assert read({"UNDELIVERED_PROVIDER_URL": "esp://:hush@postmark"}).provider_url == "esp://:hush@postmark"
    for url, complaint in (
        ("esp://postmark", "Postmark needs server_token"),
        ("esp://mailjet?api_key=hush", "Mailjet needs secret_key"),
        ("esp://:hush@pigeon", "known are amazon_ses"),
        ("pigeon://:hush@coop", "or esp://:secret@name"),
    ):
        with pytest.raises(SettingError) as refusal:
            read({"UNDELIVERED_PROVIDER_URL": url})
        assert complaint in str(refusal.value)
        assert "hush" not in str(refusal.value)
