"""One file for each mailer that reports failures in a form of its own; here is the list, and the choice among them."""

from __future__ import annotations

from collections.abc import Iterator

from undelivered.bounces import plain
from undelivered.bounces.dialects import (
    amazon_sns,
    aol,
    carriers,
    exchange,
    fml,
    gateways,
    google,
    lotus,
    phquery,
    zoho,
)
from undelivered.bounces.finding import Finding
from undelivered.bounces.notice import ADDRESS, Notice

DIALECTS: tuple[plain.Dialect, ...] = (
    amazon_sns.DIALECT,
    fml.DIALECT,
    google.GROUPS,
    google.GMAIL,
    exchange.EXCHANGE_2007,
    exchange.EXCHANGE_2003,
    lotus.DIALECT,
    zoho.DIALECT,
    carriers.KDDI,
    carriers.VERIZON,
    phquery.DIALECT,
    aol.DIALECT,
    *gateways.GATEWAYS,
)

GENERIC = plain.Dialect("any", lambda notice: True)


def recognised(notice: Notice) -> Iterator[plain.Dialect]:
    """The dialects this notice may be written in, the most certain first."""
    for dialect in DIALECTS:
        if dialect.recognises(notice):
            yield dialect


def complete(notice: Notice, findings: list[Finding]) -> list[Finding]:
    """Fill what a standard report left out from the words for people beside it."""
    named = [f for f in findings if f.recipient]
    failed = plain.failed_recipients_header(notice)
    if (
        len(named) == 1 and len(failed) == 1 and "@" not in named[0].recipient
    ):  # a file or a pipe; the header tells whose
        named[0].recipient = failed[0]
    for finding in named:
        if "@" not in finding.recipient:
            finding.recipient = _with_domain(notice, finding.recipient)
    if not named:
        found = plain.read(notice, GENERIC)
        for one in found:
            if findings:
                one.status = one.status or findings[0].status
                one.action = one.action or findings[0].action
                one.said = findings[0].said + one.said
        return found or to_original(notice, findings)
    for finding in named:
        if len(named) == 1:
            finding.said.append(plain.without_advice(notice.own_text))
        else:
            finding.said += paragraphs_about(notice, finding.recipient, [f.recipient for f in named])
    return named


def _with_domain(notice: Notice, local: str) -> str:
    """For a local part alone, as local mailers tell it: the address in the returned mail that it begins."""
    addresses: list[str] = ADDRESS.findall(notice.returned.header("to")[:2000])
    return next((a for a in addresses if a.partition("@")[0].lower() == local.lower()), local)


def to_original(notice: Notice, findings: list[Finding]) -> list[Finding]:
    """When a failure names nobody: whom the returned mail was for, if that is one address."""
    addresses = list(dict.fromkeys(ADDRESS.findall(notice.returned.header("to")[:2000])))
    if len(addresses) != 1:
        return []
    one = findings[0] if findings else Finding("", [notice.own_text], rule="recipient of the returned mail")
    one.recipient, one.action = addresses[0], one.action or ("delayed" if notice.is_delay else "failed")
    return [one]


def paragraphs_about(notice: Notice, address: str, all_addresses: list[str]) -> list[str]:
    """The lines for people about one of several recipients: from its address to the next one's."""
    text = notice.own_text
    lowered = text.lower()
    at = lowered.find(address.lower())
    if at < 0:
        return []
    end = text.find("\n\n", at + len(address) + 2)
    lines = lowered[at : end if end > 0 else at + 1000].split("\n")
    others = tuple(other.lower() for other in all_addresses if other.lower() != address.lower())
    kept = [lines[0]]
    for line in lines[1:]:
        if line.lstrip(" <*\t").startswith(others):
            break
        kept.append(line)
    return [text[at : at + len("\n".join(kept))]]
