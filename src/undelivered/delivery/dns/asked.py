"""What a look at a From domain needs to know beforehand: how its mail is sent, and what its admins entered."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from undelivered.delivery.address_parts import ascii_domain
from undelivered.delivery.address_reach import parse_ip, why_private_ip, why_private_name
from undelivered.delivery.dns import known
from undelivered.delivery.dns.dkim import Signature
from undelivered.delivery.dns.known import KnownProvider
from undelivered.delivery.models import Provider, ReturnPath


@dataclass(frozen=True, slots=True)
class Sender:
    """Who hands the mail on: a provider, as far as records in DNS are about it."""

    name: str
    return_path: ReturnPath
    host: str = ""  # empty: an API
    username: str = ""
    known: KnownProvider | None = None
    rehearsal: bool = False

    @property
    def public_host(self) -> str:
        """The host's name, where the internet knows it."""
        literal = parse_ip(self.host)
        return "" if not self.host or literal or why_private_name(ascii_domain(self.host)) else ascii_domain(self.host)

    @property
    def login_domain(self) -> str:
        """The domain of the login's address, if it is one."""
        return ascii_domain(self.username.rpartition("@")[2]) if "@" in self.username else ""


def sender(provider: Provider) -> Sender:
    """A provider in these words. Its URL was read when it was stored."""
    parts = urlsplit(provider.url)
    host = parts.hostname or ""
    api = parts.scheme == "esp"
    return Sender(
        provider.name,
        ReturnPath(provider.return_path),
        "" if api else host,
        unquote(parts.username or ""),
        known.by_api(host) if api else known.by_host(host),
        provider.rehearsal,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    domain: str  # of the From header, in ASCII
    bounce_domain: str  # empty: there is none
    smtp_name: str  # what this site's SMTP door calls itself
    sender: Sender | None  # None: there is no provider yet
    selectors: tuple[str, ...] = ()  # DKIM selectors that an admin entered
    addresses: tuple[str, ...] = ()  # that mail leaves from, as an admin entered them
    seen: tuple[Signature, ...] = ()  # signatures of a mail that came back
    report_to: str = ""  # for DMARC reports, in what is proposed

    @property
    def chosen(self) -> ReturnPath:
        """Where the provider's settings let bounces go."""
        return self.sender.return_path if self.sender else ReturnPath.LOGIN

    @property
    def mode(self) -> ReturnPath:
        """Where bounces go. Without a bounce domain, they cannot come to us."""
        return ReturnPath.LOGIN if self.chosen is ReturnPath.SIGNED and not self.bounce_domain else self.chosen

    @property
    def spf_domain(self) -> str:
        """The domain of the envelope sender, which SPF is checked against; empty: the provider's own."""
        if self.mode is ReturnPath.PROVIDER:
            return ""
        if self.mode is ReturnPath.SIGNED:
            return self.bounce_domain
        return (self.sender.login_domain if self.sender else "") or self.domain

    @property
    def who(self) -> str:
        return self.sender.name if self.sender else "the provider"


def is_public(address: str) -> bool:
    return why_private_ip(ip_address(address)) is None
