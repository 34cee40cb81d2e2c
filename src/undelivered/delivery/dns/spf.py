"""SPF (RFC 7208): whether a domain lets an address send, evaluated as a receiver does it; and what is wrong with it.

Without an address every term is walked through and nothing matches: so a record can be judged although nobody knows
which addresses a provider sends from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from undelivered.delivery.dns.lookup import Answer, Lookup

IPAddress = IPv4Address | IPv6Address

#: Terms that ask the domain name system, in all of a record and what it includes; and answers with nothing in them.
MOST_LOOKUPS = 10
MOST_VOID = 2
#: Names in an MX record, each of which is asked for its addresses.
MOST_MX = 10


class Result(StrEnum):
    """What a receiver is told (RFC 7208, 2.6)."""

    PASS = "pass"  # noqa: S105 - no password: the address may send
    FAIL = "fail"  # it may not: `-all`
    SOFTFAIL = "softfail"  # probably not: `~all`
    NEUTRAL = "neutral"  # nothing is said about it
    NONE = "none"  # no record
    TEMPERROR = "temperror"  # no answer of the domain name system
    PERMERROR = "permerror"  # the record cannot be used; to most receivers the same as none, or worse


QUALIFIERS = {"+": Result.PASS, "-": Result.FAIL, "~": Result.SOFTFAIL, "?": Result.NEUTRAL}
_TERM = re.compile(r"([+?~-]?)([a-z][a-z0-9._-]*)(?:(:)(.*)|(/.*))?", re.IGNORECASE | re.DOTALL)
_MODIFIER = re.compile(r"([a-z][a-z0-9._-]*)=(.*)", re.IGNORECASE | re.DOTALL)
_CIDR = re.compile(r"(?:/(\d{1,2}))?(?://(\d{1,3}))?")
_MACRO = re.compile(r"%(?:\{([a-z])(\d*)(r?)([.+,/_=-]*)\}|([%_-]))|%", re.IGNORECASE)


class _Stop(Exception):
    """The evaluation ends here, whatever else the records say."""

    def __init__(self, result: Result, why: str) -> None:
        super().__init__(why)
        self.result = result
        self.why = why


@dataclass(slots=True)
class Verdict:
    """`why` is a sentence where `result` is an error. `names`: the domains whose records were read, in order."""

    result: Result
    why: str = ""
    lookups: int = 0
    names: list[str] = field(default_factory=list)
    uses_ptr: bool = False


def published(answer: Answer) -> list[str]:
    """The SPF records among a domain's TXT records."""
    return [text for text in answer.values if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]


def check(lookup: Lookup, domain: str, address: str | None = None, sender: str = "") -> Verdict:
    """Whether `domain` lets `address` send. None: no address, every term is walked through."""
    walk = _Walk(lookup, ip_address(address) if address else None, sender or f"postmaster@{domain}", domain)
    verdict = walk.verdict
    try:
        verdict.result = walk.domain(domain)
    except _Stop as stop:
        verdict.result, verdict.why = stop.result, stop.why
    return verdict


class _Walk:
    def __init__(self, lookup: Lookup, address: IPAddress | None, sender: str, start: str) -> None:
        mapped = getattr(address, "ipv4_mapped", None)
        self.lookup = lookup
        self.address: IPAddress | None = mapped or address
        self.sender = sender
        self.start = start
        self.void = 0
        self.verdict = Verdict(Result.NONE)

    def domain(self, domain: str) -> Result:
        self.verdict.names.append(domain)
        answer = self.lookup.txt(domain)
        if answer.failed:
            raise _Stop(Result.TEMPERROR, f"There was no answer about {domain}.")
        records = published(answer)
        if len(records) > 1:
            raise _Stop(Result.PERMERROR, f"{domain} has {len(records)} SPF records; only one may be there.")
        return self._record(records[0], domain) if records else Result.NONE

    def _record(self, record: str, domain: str) -> Result:
        terms = record.split()[1:]
        redirect = self._redirect(terms, domain)
        for term in terms:
            if _MODIFIER.fullmatch(term):
                continue
            found = _TERM.fullmatch(term)
            name = found[2].lower() if found else ""
            if found is None or name not in _MECHANISMS:
                raise _Stop(Result.PERMERROR, f"{domain} has “{term[:60]}” in its SPF record, which means nothing.")
            if _MECHANISMS[name](self, found[4] or found[5] or "", domain):
                return QUALIFIERS[found[1] or "+"]
        if redirect is None:
            return Result.NEUTRAL
        self._count()
        target = self._name(redirect, domain)
        result = self.domain(target)
        if result is Result.NONE:
            raise _Stop(Result.PERMERROR, f"{domain} goes on at {target}, which has no SPF record.")
        return result

    def _redirect(self, terms: list[str], domain: str) -> str | None:
        """Where a record without `all` goes on (6.1)."""
        found = [m[2] for term in terms if (m := _MODIFIER.fullmatch(term)) and m[1].lower() == "redirect"]
        if len(found) > 1 or (found and not found[0]):
            raise _Stop(Result.PERMERROR, f"{domain} has a redirect in its SPF record that cannot be used.")
        return found[0] if found else None

    # --- mechanisms (5): each tells whether the address matches -----------------------------------------------------

    def _all(self, value: str, domain: str) -> bool:
        return True

    def _include(self, value: str, domain: str) -> bool:
        self._count()
        name = self._name(value, domain)
        result = self.domain(name)
        if result is Result.NONE:
            raise _Stop(Result.PERMERROR, f"{domain} includes {name}, which has no SPF record.")
        return result is Result.PASS

    def _a(self, value: str, domain: str) -> bool:
        self._count()
        name, four, six = self._name_and_cidr(value, domain)
        return self._among(self._addresses(name), four, six)

    def _mx(self, value: str, domain: str) -> bool:
        self._count()
        name, four, six = self._name_and_cidr(value, domain)
        hosts = [text.partition(" ")[2] for text in self._heard(self.lookup.mx(name), name).values]
        if len(hosts) > MOST_MX:
            raise _Stop(Result.PERMERROR, f"{domain} names the mail servers of {name}, which are more than {MOST_MX}.")
        return any(self._among(self._addresses(host), four, six) for host in hosts if host != ".")

    def _ip4(self, value: str, domain: str) -> bool:
        return self._network(value, domain, 4)

    def _ip6(self, value: str, domain: str) -> bool:
        return self._network(value, domain, 6)

    def _network(self, value: str, domain: str, version: int) -> bool:
        try:
            network = ip_network(value, strict=False)
        except ValueError:
            network = None
        if network is None or network.version != version:
            raise _Stop(
                Result.PERMERROR, f"{domain} has “ip{version}:{value[:60]}” in its SPF record: no such address."
            )
        return self.address is not None and self.address.version == version and self.address in network

    def _exists(self, value: str, domain: str) -> bool:
        self._count()
        if self.address is None and "%" in value:  # it asks about the address
            return False
        name = self._name(value, domain)
        found = bool(self._heard(self.lookup.ask(name, "A"), name).values)
        return found and self.address is not None

    def _ptr(self, value: str, domain: str) -> bool:
        """Not to be used (5.5), slow, and left out by many receivers: here it matches nothing."""
        self._count()
        self.verdict.uses_ptr = True
        return False

    # --- limits (4.6.4) ---------------------------------------------------------------------------------------------

    def _count(self) -> None:
        self.verdict.lookups += 1
        if self.verdict.lookups > MOST_LOOKUPS:
            raise _Stop(
                Result.PERMERROR,
                f"The SPF record of {self.start} needs more than {MOST_LOOKUPS} look-ups, with what it includes: "
                "receivers stop there.",
            )

    def _heard(self, answer: Answer, name: str) -> Answer:
        if answer.failed:
            raise _Stop(Result.TEMPERROR, f"There was no answer about {name}.")
        if answer.void:
            self.void += 1
            if self.void > MOST_VOID:
                raise _Stop(
                    Result.PERMERROR,
                    f"The SPF record of {self.start} names more than {MOST_VOID} things that are not there, "
                    f"{name} among them: receivers stop there.",
                )
        return answer

    def _addresses(self, name: str) -> list[IPAddress]:
        """Of the family that is asked about (5.3)."""
        kind = "AAAA" if self.address is not None and self.address.version == 6 else "A"
        answer = self.lookup.addresses(name) if self.address is None else self.lookup.ask(name, kind)
        return [ip_address(one) for one in self._heard(answer, name).values]

    def _among(self, found: list[IPAddress], four: int, six: int) -> bool:
        own = self.address
        if own is None:
            return False
        bits = four if own.version == 4 else six
        return any(own.version == one.version and own in ip_network(f"{one}/{bits}", strict=False) for one in found)

    # --- names (4.8, 7) ---------------------------------------------------------------------------------------------

    def _name_and_cidr(self, value: str, domain: str) -> tuple[str, int, int]:
        spec, slash, cidr = value.partition("/")
        sizes = _CIDR.fullmatch(slash + cidr)
        four, six = (int(sizes[1] or 32), int(sizes[2] or 128)) if sizes else (99, 0)
        if four > 32 or six > 128:
            raise _Stop(Result.PERMERROR, f"{domain} has a network size in its SPF record that cannot be used.")
        return (self._name(spec, domain) if spec else domain), four, six

    def _name(self, spec: str, domain: str) -> str:
        name = _MACRO.sub(lambda found: self._macro(found, domain), spec).rstrip(".")
        if not name:
            raise _Stop(Result.PERMERROR, f"{domain} names no domain where its SPF record needs one.")
        while len(name) > 253 and "." in name:  # the left is cut off (7.3)
            name = name.partition(".")[2]
        return name

    def _macro(self, found: re.Match[str], domain: str) -> str:
        if found[5]:
            return {"%": "%", "_": " ", "-": "%20"}[found[5]]
        if not found[1]:
            raise _Stop(Result.PERMERROR, f"{domain} has a macro in its SPF record that cannot be used.")
        local, _, of = self.sender.rpartition("@")
        values = {"s": self.sender, "l": local, "o": of, "d": domain, "i": self._dotted(), "h": of, "p": "unknown"}
        values["v"] = "ip6" if self.address is not None and self.address.version == 6 else "in-addr"
        value = values.get(found[1].lower())
        if value is None:
            raise _Stop(Result.PERMERROR, f"{domain} has a macro in its SPF record that cannot be used.")
        parts = re.split(f"[{re.escape(found[4] or '.')}]", value)
        if found[3]:
            parts.reverse()
        return ".".join(parts[-int(found[2]) :] if found[2] and int(found[2]) else parts)

    def _dotted(self) -> str:
        if isinstance(self.address, IPv6Address):
            return ".".join(self.address.exploded.replace(":", ""))
        return str(self.address or "192.0.2.0")


_MECHANISMS = {
    "all": _Walk._all,
    "include": _Walk._include,
    "a": _Walk._a,
    "mx": _Walk._mx,
    "ip4": _Walk._ip4,
    "ip6": _Walk._ip6,
    "exists": _Walk._exists,
    "ptr": _Walk._ptr,
}
