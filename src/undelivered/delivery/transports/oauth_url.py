"""XOAUTH2 in the options of a URL, for providers and mailboxes alike: where a token comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

OPTIONS = frozenset({"token_url", "client_id", "scope", "grant"})


class Grant(StrEnum):
    """What a token is asked for with (RFC 6749)."""

    CLIENT = "client_credentials"  # the program itself, by its client secret: Microsoft 365
    REFRESH = "refresh_token"  # a person who consented once: Google, Outlook.com


@dataclass(frozen=True, slots=True)
class OAuth:
    """How a token for XOAUTH2 is fetched; the secret is kept apart, as a password is."""

    token_url: str
    client_id: str
    scope: str = ""
    grant: Grant = Grant.CLIENT

    @property
    def host(self) -> str:
        """Who gets to see the secret."""
        return urlsplit(self.token_url).hostname or ""


def read(options: Mapping[str, str], username: str, of: str) -> OAuth | None:
    """None where the options do not say `auth=xoauth2`. Raises ValueError; `of` is what the URL is of: a provider."""
    if "auth" not in options:
        if OPTIONS & options.keys():
            raise ValueError(f"The {of} URL has options of XOAUTH2, but not auth=xoauth2")
        return None
    if options["auth"] != "xoauth2":
        raise ValueError(f"The option auth of the {of} URL is xoauth2; leave it out for passwords")
    if not username:
        raise ValueError(f"The {of} URL names no user to log in as with XOAUTH2")
    if not options.get("client_id"):
        raise ValueError(f"The {of} URL lacks the option client_id, which XOAUTH2 needs")
    grant = options.get("grant", Grant.CLIENT.value)
    if grant not in set(Grant):
        raise ValueError(f"The option grant of the {of} URL is {' or '.join(Grant)}")
    token_url = options.get("token_url", "")
    if not _may_have_a_secret(token_url):
        raise ValueError(f"The option token_url of the {of} URL is an https:// address, which XOAUTH2 needs")
    return OAuth(token_url, options["client_id"], options.get("scope", ""), Grant(grant))


def _may_have_a_secret(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host or "")))


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
