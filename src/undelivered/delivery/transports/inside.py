"""Hosts that a project names must not lead inside the network that the program runs in.

That is looked at when they are saved (`providers.refuse_private`), and here once more when a connection is made: until
then a name may have come to lead elsewhere.
"""

from __future__ import annotations

import http.client
import socket
import urllib.request
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from undelivered.delivery.address_reach import why_private_ip


def outside(host: str, addresses: Iterable[str]) -> list[str]:
    """Those of a host's addresses that the internet reaches. Raises OSError where there is none."""
    found = list(addresses)
    public = [one for one in found if why_private_ip(ip_address(one)) is None]
    if found and not public:
        raise OSError(f"{host} leads to {found[0]}, inside a network. A site admin can allow such hosts.")
    return public


class HttpsOutside(urllib.request.HTTPSHandler):
    """Opens https:// addresses by connections that lead out only."""

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, req)


class _Connection(http.client.HTTPSConnection):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._create_connection = self._connect_outside

    def _connect_outside(self, address: tuple[str, int], *args: Any) -> socket.socket:
        if getattr(self, "_tunnel_host", None):  # by a proxy, which the site has set and which resolves names itself
            return socket.create_connection(address, *args)
        host, port = address
        found = dict.fromkeys(str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        *others, last = outside(host, found)
        for one in others:
            try:
                return socket.create_connection((one, port), *args)
            except OSError:
                continue
        return socket.create_connection((last, port), *args)
