"""Whether the provider may send: the SPF record of the envelope sender's domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address

from undelivered.delivery.dns import spf
from undelivered.delivery.dns.asked import Asked, is_public
from undelivered.delivery.dns.lookup import Lookup
from undelivered.delivery.dns.spf import Result
from undelivered.delivery.dns.standing import Check, Record, Standing, What

#: How deep a provider's own record is searched for one of its addresses.
DEEPEST = 3
ADDRESS_WANTED = "ip4:…"


def checks(lookup: Lookup, asked: Asked) -> list[Check]:
    """Of the domain that receivers look at now, and of the bounce domain, for the day when bounces come here."""
    domain, who = asked.spf_domain, asked.who
    if not domain:
        why = f"{who} sends under an envelope sender of its own, and SPF is checked against that domain."
        found = [Check(What.SPF, Standing.NOT_NEEDED, why)]
    else:
        found = [_check(lookup, asked, domain)]
    if asked.bounce_domain and domain != asked.bounce_domain:
        later = _check(lookup, asked, asked.bounce_domain)
        if later.standing is not Standing.OK:
            why = f"Needed once bounces come here. {later.why}"
            later = replace(later, standing=Standing.NOT_NEEDED, why=why)
        found.append(later)
    return found


def _check(lookup: Lookup, asked: Asked, domain: str) -> Check:
    records = tuple(spf.published(lookup.txt(domain)))
    standing, why = _stands(lookup, asked, domain)
    if standing is Standing.OK:
        text = records[0]
    elif len(records) == 1:
        text = _with(records[0], _terms(asked))
    else:  # nobody else sends under a bounce domain; under one that people write from, somebody may be forgotten
        text = f"v=spf1 {' '.join(_terms(asked))} {'-all' if domain == asked.bounce_domain else '~all'}"
    return Check(What.SPF, standing, why, domain, records, (Record(domain, "TXT", text),))


def _stands(lookup: Lookup, asked: Asked, domain: str) -> tuple[Standing, str]:
    verdict = spf.check(lookup, domain)
    if verdict.result is Result.NONE:
        return Standing.MISSING, f"{domain} has no SPF record: nothing says that {asked.who} may send for it."
    if verdict.result is Result.TEMPERROR:
        return Standing.UNKNOWN, verdict.why
    if verdict.result is Result.PERMERROR:
        return Standing.WRONG, verdict.why
    if verdict.result is Result.PASS:
        return Standing.WRONG, f"The record lets the whole internet send as {domain}: it ends in +all."
    standing, why = _covers(lookup, asked, domain)
    if standing is Standing.OK and verdict.result is Result.NEUTRAL:
        return Standing.WEAK, f"{why} It says nothing about everybody else: end it in ~all or -all."
    if standing is Standing.OK and verdict.uses_ptr:
        return Standing.WEAK, f"{why} It uses ptr, which many receivers leave out."
    if standing is Standing.OK:
        why += f" It needs {verdict.lookups} of {spf.MOST_LOOKUPS} look-ups."
    return standing, why


def _covers(lookup: Lookup, asked: Asked, domain: str) -> tuple[Standing, str]:
    """Whether the record lets the provider's addresses send, as far as they are known."""
    who = asked.who
    if asked.addresses:
        wrong = [
            (one, result) for one in asked.addresses if (result := _result(lookup, domain, one)) is not Result.PASS
        ]
        if wrong:
            return Standing.WRONG, f"The record does not let {wrong[0][0]} send ({wrong[0][1]})."
        return Standing.OK, f"The record lets {_listed(asked.addresses)} send."
    known = asked.sender.known if asked.sender else None
    if known and known.include:
        sample = _one_of(lookup, known.include)
        if sample is None:
            return Standing.UNKNOWN, f"There was no answer about {known.include}, which lists the addresses of {who}."
        if _result(lookup, domain, sample) is not Result.PASS:
            return Standing.WRONG, f"The record does not let {known.label} send. Add include:{known.include}."
        return Standing.OK, f"The record lets {known.label} send."
    guessed = _of_host(lookup, asked)
    if not guessed:
        return (
            Standing.UNKNOWN,
            "The record can be read. Enter the addresses that mail leaves from, to have them checked.",
        )
    missing = next((one for one in guessed if _result(lookup, domain, one) is not Result.PASS), None)
    if missing is None:
        return Standing.OK, f"The record lets {_listed(guessed)}, the address of {who}, send."
    return (
        Standing.WEAK,
        f"The record of {domain} does not let {missing}, the address of {who}, send. "
        "Where mail leaves from another address, enter that one.",
    )


def _result(lookup: Lookup, domain: str, address: str) -> Result:
    return spf.check(lookup, domain, address).result


def _one_of(lookup: Lookup, domain: str, depth: int = 0) -> str | None:
    """An address that a provider's own record lets send: records that were flattened name it, too."""
    texts = spf.published(lookup.txt(domain))
    terms = texts[0].split()[1:] if texts and depth < DEEPEST else []
    for term in terms:
        if term.lower().startswith("ip4:"):
            return term[4:].partition("/")[0]
    for term in terms:
        name, _, value = term.partition("=") if "=" in term else term.partition(":")
        if name.lower() in ("include", "redirect") and "%" not in value and (got := _one_of(lookup, value, depth + 1)):
            return got
    return None


def _of_host(lookup: Lookup, asked: Asked) -> tuple[str, ...]:
    """A mail server of one's own mostly sends from the address that it listens on."""
    host = _host(asked)
    return tuple(one for one in lookup.addresses(host).values if is_public(one)) if host else ()


def _host(asked: Asked) -> str:
    return asked.sender.public_host if asked.sender and not asked.sender.rehearsal else ""


def _terms(asked: Asked) -> list[str]:
    """What the record has to say for this provider."""
    if asked.addresses:
        return [f"ip{ip_address(one).version}:{one}" for one in asked.addresses]
    known = asked.sender.known if asked.sender else None
    if known and known.include:
        return [f"include:{known.include}"]
    host = _host(asked)
    return [f"a:{host}"] if host else [ADDRESS_WANTED]


def _with(record: str, terms: Sequence[str]) -> str:
    """A record that is there, with what it lacks put before its end."""
    parts = record.split()
    there = {part.lower().lstrip("+") for part in parts}
    lacking = [one for one in terms if one.lower() not in there]
    end = next((i for i, part in enumerate(parts) if _ends(part)), None)
    if end is None:
        return " ".join([*parts, *lacking, "~all"])
    last = parts[end] if parts[end].lower() not in ("all", "+all", "?all") else "~all"
    return " ".join([*parts[:end], *lacking, last, *parts[end + 1 :]])


def _ends(part: str) -> bool:
    return part.lower().lstrip("+-~?") == "all" or part.lower().startswith("redirect=")


def _listed(addresses: Sequence[str]) -> str:
    return " and ".join([", ".join(addresses[:-1]), addresses[-1]]) if len(addresses) > 1 else addresses[0]
