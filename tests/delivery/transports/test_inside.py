"""A project's provider is not spoken to inside the network, wherever its name leads by now."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest
from django.conf import settings as django_settings

from undelivered.delivery import providers
from undelivered.delivery.models import Provider
from undelivered.delivery.outcomes import Unreachable
from undelivered.delivery.transports import inside, oauth
from undelivered.delivery.transports.inside import outside
from undelivered.delivery.transports.oauth import NoToken, Tokens
from undelivered.delivery.transports.oauth_url import OAuth
from undelivered.delivery.transports.provider_url import parse_provider_url
from undelivered.delivery.transports.smtp import SmtpTransport


@pytest.fixture
def listener():
    """Whether somebody connects to a port of this machine."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0)
        yield server


def was_reached(listener):
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_only_addresses_that_the_internet_reaches_are_left():
    assert outside("x.example", ["10.0.0.1", "23.128.0.5", "::1", "::ffff:127.0.0.1"]) == ["23.128.0.5"]
    assert outside("x.example", []) == []
    with pytest.raises(OSError, match=r"x\.example leads to 169\.254\.169\.254, inside a network"):
        outside("x.example", ["169.254.169.254", "fe80::1"])


def send(settings):
    async def run():
        transport = SmtpTransport(settings)
        try:
            return await transport.send("a@desk.example", "b@desk.example", b"Subject: x\r\n\r\nx\r\n")
        finally:
            await transport.close()

    return asyncio.run(run())


def test_a_name_that_leads_inside_is_not_connected_to(listener):
    port = listener.getsockname()[1]
    settings = replace(parse_provider_url(f"smtp+plain://localhost:{port}"), public_only=True)
    outcome = send(settings)
    assert isinstance(outcome, Unreachable)
    assert "inside a network" in outcome.reply
    assert not was_reached(listener)


def test_the_token_server_of_a_project_is_not_inside_either(listener, monkeypatch):
    for proxy in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    settings = OAuth(f"https://localhost:{listener.getsockname()[1]}/token", "client")
    with pytest.raises(NoToken, match="inside a network"):
        asyncio.run(Tokens(settings, "secret", public_only=True).get())
    assert not was_reached(listener)


def test_an_address_outside_is_connected_to_as_it_was_looked_up(monkeypatch):
    """The one that was judged, not what the name leads to a moment later."""
    asked, connected = [], []

    def getaddrinfo(host, port, **options):
        asked.append(host)
        return [(0, 0, 0, "", (address, port)) for address in ("10.0.0.1", "23.128.0.5", "23.128.0.6")]

    def create_connection(address, *args):
        connected.append(address)
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(inside.socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(inside.socket, "create_connection", create_connection)
    with pytest.raises(OSError, match="refused"):
        oauth._post("https://token.example/x", b"", True)
    assert asked == ["token.example"]
    assert connected == [("23.128.0.5", 443), ("23.128.0.6", 443)]


@pytest.mark.parametrize(
    ("project_id", "rehearsal", "allowed", "public_only"),
    [(7, False, False, True), (None, False, False, False), (7, True, False, False), (7, False, True, False)],
)
def test_that_holds_for_hosts_that_projects_name_unless_the_site_allows_them(
    settings, project_id, rehearsal, allowed, public_only
):
    settings.ENV = replace(django_settings.ENV, allow_private_hosts=allowed)
    provider = Provider(url="smtp://mail.example.com", project_id=project_id, rehearsal=rehearsal)
    assert providers.smtp_settings(provider, connections=1).public_only is public_only
