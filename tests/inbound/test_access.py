"""Who may submit: logins, trusted networks, and what a door remembers of them on disk."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from undelivered.inbound.access import Access, Grant, digest, restore, save

IT, HR = Grant(1, ("it.example",), "it-1", 7), Grant(2, ("hr.example",), "10.0.0.0/8")
INNER = Grant(3, ("it.example",), "10.1.0.0/16")


def network(text: str, grant: Grant) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, Grant]:
    return ipaddress.ip_network(text), grant


ACCESS = Access(
    {"it-1": (digest("secret"), IT)},
    (network("10.0.0.0/8", HR), network("10.1.0.0/16", INNER), network("2001:db8::/32", HR)),
    ("bounces.it.example",),
)


@pytest.mark.parametrize(
    ("user", "password", "grant"),
    [("it-1", "secret", IT), ("it-1", "Secret", None), ("it-1", "", None), ("it-2", "secret", None), ("", "", None)],
)
def test_logging_in(user: str, password: str, grant: Grant | None) -> None:
    assert ACCESS.log_in(user, password) == grant


@pytest.mark.parametrize(
    ("address", "grants"),
    [
        ("10.2.3.4", (HR,)),
        ("10.1.2.3", (INNER, HR)),
        ("::ffff:10.2.3.4", (HR,)),
        ("2001:db8::1", (HR,)),
        ("192.0.2.1", ()),
        ("fe80::1", ()),
        ("", ()),
        ("no address", ()),
    ],
)
def test_trusted_networks_the_narrowest_first(address: str, grants: tuple[Grant, ...]) -> None:
    assert ACCESS.trusted(address) == grants


def test_what_is_known_survives_on_disk_without_passwords(tmp_path: Path) -> None:
    path = tmp_path / "access.json"
    save(ACCESS, path)
    assert restore(path) == ACCESS
    assert "secret" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"users": [], "networks": []}', '{"users": {"a": 1}}', "\x00"])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "access.json"
    assert restore(path) is None
    path.write_text(content)
    assert restore(path) is None
