"""Email addresses: is one valid, can it be reached from the internet, and are two the same?

Call `validate` first and `private` second: a bare private IP address (`someone@192.168.0.217`) passes the first, so
that the second can say what is really the matter.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from undelivered.delivery.address_faults import Problem, acceptable, diagnose
from undelivered.delivery.address_parts import ascii_domain, plain_domain, take_apart
from undelivered.delivery.address_reach import parse_ip, why_private_ip, why_private_name

__all__ = ("Problem", "canonical", "domain_of", "private", "validate")

_DOT_ATOM = re.compile(r"[^\s\x00-\x1f\x7f\"(),:;<>@\[\\\].]+(?:\.[^\s\x00-\x1f\x7f\"(),:;<>@\[\\\].]+)*\Z")


def validate(address: str) -> Problem | None:
    """What is wrong with the form of this address; None when RFC 5321 or RFC 6531 accept it."""
    return None if acceptable(address) else diagnose(address)


def private(address: str) -> Problem | None:
    """Why this address cannot be reached from the public internet; None when nothing says so."""
    return _private_at(domain_of(address))


@lru_cache(maxsize=8192)
def _private_at(domain: str) -> Problem | None:
    ip = parse_ip(domain) or parse_ip(unicodedata.normalize("NFKC", domain))
    if ip is not None:
        why = why_private_ip(ip)
        return Problem("private-ip", f"{ip} cannot be reached from the internet: {why}.") if why else None
    why = why_private_name(domain) if domain else None
    return Problem("private-name", f"“{domain}” cannot be reached from the internet: {why}.") if why else None


def canonical(address: str) -> str:
    """The key by which two addresses are compared: case and spelling of the domain are folded, dots and tags never are.

    RFC 5321 lets a server tell Ann@ from ann@, but none that people use does.
    """
    if plain_domain(address) is not None:
        return address.lower()
    parts = take_apart(unicodedata.normalize("NFC", address).strip())
    if not parts.at:
        return _lower(parts.whole)
    return f"{_lower(_least_quoted(parts.local))}@{_lower(ascii_domain(parts.domain))}"


def domain_of(address: str) -> str:
    """The part after the @ in IDNA ASCII and lower case; empty when there is none."""
    if (domain := plain_domain(address)) is not None:
        return domain.lower()
    return ascii_domain(take_apart(unicodedata.normalize("NFC", address).strip()).domain)


def _lower(text: str) -> str:
    return unicodedata.normalize("NFC", text.lower())


def _least_quoted(local: str) -> str:
    """All quoted forms of a local part are equivalent (RFC 5321, 4.1.2): take the one with the fewest quotes."""
    if len(local) < 2 or not (local.startswith('"') and local.endswith('"')):
        return local
    inner = re.sub(r"\\(.)", r"\1", local[1:-1], flags=re.DOTALL)
    if _DOT_ATOM.match(inner):
        return inner
    return '"' + re.sub(r'(["\\])', r"\\\1", inner) + '"'
