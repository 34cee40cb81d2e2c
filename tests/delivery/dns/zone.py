"""A resolver that knows what a test tells it, and answers as dnspython's does."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import dns.message
import dns.rdata
import dns.rdatatype
import dns.resolver

#: In place of records: what goes wrong instead.
SILENT = dns.resolver.LifetimeTimeout(timeout=3, errors=[])
BROKEN = dns.resolver.NoNameservers(request=dns.message.make_query("example.com", "TXT"), errors=[])


class Zone:
    """`Zone({"example.com": {"MX": ["10 mx.example.com."], "TXT": ["v=spf1 -all"]}})`; other names do not exist."""

    def __init__(self, names: dict[str, dict[str, list[str] | Exception]] | None = None) -> None:
        self.names = names or {}
        self.asked: list[tuple[str, str]] = []
        self.lifetimes: list[float] = []
        self._lock = threading.Lock()

    def resolve(self, qname: str, rdtype: str, *, lifetime: float, search: bool, raise_on_no_answer: bool) -> Any:
        assert not search
        name = qname.rstrip(".")
        with self._lock:
            self.asked.append((name, rdtype))
            self.lifetimes.append(lifetime)
        if any(len(label) > 63 for label in name.split(".")):
            raise dns.name.LabelTooLong
        if name not in self.names:
            raise dns.resolver.NXDOMAIN
        found = self.names[name].get(rdtype, [])
        if isinstance(found, Exception):
            raise found
        return [_record(rdtype, text) for text in found]


def _record(kind: str, text: str) -> Any:
    if kind == "TXT":
        text = " ".join('"' + part.replace('"', '\\"') + '"' for part in _pieces(text))
    return dns.rdata.from_text("IN", kind, text)


def _pieces(text: str) -> Iterable[str]:
    """A TXT record is made of strings of 255 bytes at most."""
    return [text[i : i + 255] for i in range(0, len(text), 255)] or [""]
