"""One look at a From domain: everything that its mail depends on in DNS, within a few seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NoReturn

from undelivered.delivery.dns import dmarc
from undelivered.delivery.dns.asked import Asked
from undelivered.delivery.dns.checks import dkim as dkim_check
from undelivered.delivery.dns.checks import dmarc as dmarc_check
from undelivered.delivery.dns.checks import mx as mx_check
from undelivered.delivery.dns.checks import spf as spf_check
from undelivered.delivery.dns.lookup import Lookup, Resolver
from undelivered.delivery.dns.standing import Check, Record, Standing, What
from undelivered.delivery.models import ReturnPath

#: What keeps mail from arriving, or bounces from being heard of.
BAD = (Standing.WRONG, Standing.MISSING)


@dataclass(frozen=True, slots=True)
class Look:
    """What was found, and for which way of sending."""

    checks: tuple[Check, ...]
    mode: str
    provider: str

    @property
    def worst(self) -> Standing:
        """The standing that is to be seen first."""
        order = (Standing.WRONG, Standing.MISSING, Standing.WEAK, Standing.UNKNOWN, Standing.OK, Standing.NOT_NEEDED)
        return min((one.standing for one in self.checks), key=order.index, default=Standing.UNKNOWN)

    def of(self, what: What) -> list[Check]:
        return [one for one in self.checks if one.what is what]

    def bounces_can_come(self) -> bool:
        """Whether the bounce domain leads here: what a probe needs."""
        return any(one.standing in (Standing.OK, Standing.WEAK) for one in self.of(What.MX))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> Look | None:
        """What was stored; None where nothing was, or by a version that saw things otherwise."""
        try:
            checks = tuple(_check(one) for one in stored["checks"])
            return cls(checks, str(stored["mode"]), str(stored["provider"]))
        except (KeyError, TypeError, ValueError):
            return None


def look(asked: Asked, resolver: Resolver | None = None) -> Look:
    lookup = Lookup(resolver)
    lookup.ahead(_first(asked))
    walked = dmarc.walk(lookup, asked.domain)
    spf = spf_check.checks(lookup, asked)
    dkim = dkim_check.check(lookup, asked)
    found = [
        mx_check.bounces(lookup, asked),
        *spf,
        dkim,
        dmarc_check.check(lookup, asked, walked),
        dmarc_check.alignment(asked, walked, spf[0], dkim),
        mx_check.replies(lookup, asked),
    ]
    return Look(tuple(found), asked.mode.value, asked.who)


def plan(asked: Asked) -> Look:
    """What is to be published, before anybody has looked."""
    found = look(asked, _Nobody())
    checks = (
        one if one.standing is Standing.NOT_NEEDED else replace(one, standing=Standing.UNKNOWN, why="")
        for one in found.checks
    )
    return replace(found, checks=tuple(checks))


class _Nobody:
    def resolve(self, *args: object, **options: object) -> NoReturn:
        raise OSError


def _first(asked: Asked) -> list[tuple[str, str]]:
    """What will be asked in any case."""
    found = [(asked.domain, "MX"), (asked.domain, "TXT"), *dmarc_check.questions(asked), *dkim_check.questions(asked)]
    if asked.bounce_domain:
        found += [(asked.bounce_domain, "MX"), (asked.bounce_domain, "TXT")]
        found += [(asked.smtp_name, "A"), (asked.smtp_name, "AAAA")]
    return found


def _check(stored: Mapping[str, Any]) -> Check:
    return Check(
        What(stored["what"]),
        Standing(stored["standing"]),
        stored["why"],
        stored["name"],
        tuple(stored["found"]),
        tuple(Record(**one) for one in stored["wanted"]),
    )


def follows(asked: Asked, found: Look | None) -> tuple[ReturnPath, str]:
    """Which mode of the return path the provider and the records lead to, and why."""
    sender = asked.sender
    if sender is None:
        return ReturnPath.LOGIN, "There is no provider yet."
    if sender.known and sender.known.return_path is ReturnPath.PROVIDER:
        return ReturnPath.PROVIDER, f"{sender.known.label} takes bounces itself and tells of them by webhook."
    if not sender.host:
        return ReturnPath.PROVIDER, "Mail goes out through an API: bounces go to the provider, and its webhooks tell."
    if sender.known and sender.known.return_path is ReturnPath.LOGIN:
        why = f"{sender.known.label} wants its login's address as envelope sender: bounces reach that mailbox."
        return ReturnPath.LOGIN, why
    if not asked.bounce_domain:
        return ReturnPath.LOGIN, "There is no bounce domain: bounces go to the address in the From header."
    if found is None or not found.bounces_can_come():
        return ReturnPath.LOGIN, "The MX of the bounce domain does not lead here yet."
    return ReturnPath.SIGNED, f"The MX leads here. A test mail shows whether {sender.name} keeps our envelope sender."
