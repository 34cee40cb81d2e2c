"""Questions to the domain name system. An answer is a value, also where there is none; all questions share one limit
of time, and none is asked twice."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Protocol

#: For so long one question may take, and all of a look together.
ONE_S = 3.0
ALL_S = 8.0
AT_ONCE = 8
#: More records of one name and type are not read: nobody has them for a good reason.
MOST_RECORDS = 100


class Status(StrEnum):
    """How a question ended."""

    FOUND = "found"
    NO_RECORD = "no-record"  # the name is there and has no record of this type (RFC 2308: NODATA)
    NO_NAME = "no-name"  # the name is not there at all: NXDOMAIN
    FAILED = "failed"  # nobody answered, or with an error: it may be there or not


@dataclass(frozen=True, slots=True)
class Answer:
    """`values`: texts of TXT records, names or addresses. MX: `10 mail.example.com`, the most wanted first."""

    status: Status
    values: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        return self.status is Status.FAILED

    @property
    def void(self) -> bool:
        """Answered, with nothing (RFC 7208, 4.6.4)."""
        return self.status in (Status.NO_RECORD, Status.NO_NAME)


class Resolver(Protocol):
    """What is used of `dns.resolver.Resolver`."""

    def resolve(
        self, qname: str, rdtype: str, *, lifetime: float, search: bool, raise_on_no_answer: bool
    ) -> Iterable[Any]: ...


class Lookup:
    """The questions of one look at a domain."""

    def __init__(self, resolver: Resolver | None = None, *, seconds: float = ALL_S) -> None:
        self._resolver = resolver
        self._until = time.monotonic() + seconds
        self._known: dict[tuple[str, str], Answer] = {}

    def txt(self, name: str) -> Answer:
        return self.ask(name, "TXT")

    def mx(self, name: str) -> Answer:
        return self.ask(name, "MX")

    def addresses(self, name: str) -> Answer:
        """Of both families; failed where nothing is known of either."""
        four, six = self.ask(name, "A"), self.ask(name, "AAAA")
        if values := four.values + six.values:
            return Answer(Status.FOUND, values)
        return four if four.failed else six

    def ask(self, name: str, kind: str) -> Answer:
        key = (name.lower().rstrip("."), kind)
        if key not in self._known:
            self._known[key] = self._ask(*key)
        return self._known[key]

    def ahead(self, questions: Iterable[tuple[str, str]]) -> None:
        """Asks what will be asked, all at once: the time is that of the slowest."""
        with ThreadPoolExecutor(AT_ONCE, "dns") as pool:
            list(pool.map(lambda question: self.ask(*question), dict.fromkeys(questions)))

    def _ask(self, name: str, kind: str) -> Answer:
        import dns.exception  # 50 modules, for pages that few open
        import dns.name
        import dns.resolver

        left = self._until - time.monotonic()
        if left <= 0:
            return Answer(Status.FAILED)
        try:
            resolver = self._resolver or _systems_own()
            found = resolver.resolve(
                name + ".", kind, lifetime=min(left, ONE_S), search=False, raise_on_no_answer=False
            )
            values = _read(found, kind)
        except dns.resolver.NXDOMAIN:
            return Answer(Status.NO_NAME)
        except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel):  # there is no such name
            return Answer(Status.NO_NAME)
        except (dns.exception.DNSException, OSError):
            return Answer(Status.FAILED)
        return Answer(Status.FOUND, values) if values else Answer(Status.NO_RECORD)


@cache
def _systems_own() -> Resolver:
    """As the machine is set up (/etc/resolv.conf). Raises `NoResolverConfiguration` where it is not."""
    import dns.resolver

    return dns.resolver.Resolver()


def _read(records: Iterable[Any], kind: str) -> tuple[str, ...]:
    found = list(records)[:MOST_RECORDS]
    if kind == "MX":
        ordered = sorted((one.preference, str(one.exchange).lower()) for one in found)
        return tuple(f"{preference} {name.rstrip('.') or '.'}" for preference, name in ordered)
    if kind == "TXT":  # several strings are one text (RFC 7208, 3.3)
        return tuple(b"".join(one.strings).decode("utf-8", "replace") for one in found)
    return tuple(str(one).rstrip(".") for one in found)
