"""Whether there is a key that the mail's signature can be checked with, and whether the provider signs with it."""

from __future__ import annotations

from undelivered.delivery.dns import dkim
from undelivered.delivery.dns.asked import Asked
from undelivered.delivery.dns.lookup import Lookup
from undelivered.delivery.dns.standing import Check, Standing, What

ORDER = (Standing.OK, Standing.WEAK, Standing.WRONG, Standing.MISSING, Standing.UNKNOWN)
SHOWN = 300


def questions(asked: Asked) -> list[tuple[str, str]]:
    return [(dkim.name_of(selector, asked.domain), "TXT") for selector in _selectors(asked)]


def check(lookup: Lookup, asked: Asked) -> Check:
    sure = _sure(asked)
    keys = {}
    for selector in _selectors(asked):
        name = dkim.name_of(selector, asked.domain)
        found = [text for text in lookup.txt(name).values if dkim.is_key(text)]
        if found:
            keys[selector] = found
    for selector in asked.selectors:
        if selector not in keys:
            return _absent(lookup, asked, selector)
    first = [selector for selector in keys if selector in sure] or list(keys)
    if not first:
        return Check(What.DKIM, Standing.UNKNOWN, _nothing(asked), asked.domain)
    judged = {selector: _judge(keys[selector]) for selector in first}
    best = min(first, key=lambda selector: ORDER.index(judged[selector][0]))
    standing, why = judged[best]
    name = dkim.name_of(best, asked.domain)
    if best in sure:
        return Check(What.DKIM, standing, f"{_signed(asked, best)} {why}", name, _shown(keys[best]))
    why = f"There is a key at the selector {best}. {why} Whether {asked.who} signs with it, only a mail tells."
    return Check(What.DKIM, Standing.UNKNOWN, why, name, _shown(keys[best]))


def _judge(texts: list[str]) -> tuple[Standing, str]:
    if len(texts) > 1:
        return Standing.WRONG, f"There are {len(texts)} keys at one selector: receivers take any of them, or none."
    return dkim.judge(texts[0])


def _absent(lookup: Lookup, asked: Asked, selector: str) -> Check:
    name = dkim.name_of(selector, asked.domain)
    if lookup.txt(name).failed:
        return Check(What.DKIM, Standing.UNKNOWN, f"There was no answer about {name}.", name)
    why = f"There is no key at the selector {selector}. {asked.who} says which record to publish there."
    return Check(What.DKIM, Standing.MISSING, why, name)


def _nothing(asked: Asked) -> str:
    known = asked.sender.known if asked.sender else None
    where = f"where {known.label} has one, nor under" if known and known.selectors else "under"
    return (
        f"No key was found {where} the usual names. The selector is the s= in the DKIM-Signature of a mail that was "
        "sent: enter it, to have the key checked."
    )


def _signed(asked: Asked, selector: str) -> str:
    if any(one.selector == selector for one in _own(asked)):
        return f"The last test mail was signed with {selector}."
    return f"The key of the selector {selector} is there."


def _own(asked: Asked) -> list[dkim.Signature]:
    """Signatures that were seen and speak for the From domain itself."""
    return [one for one in asked.seen if one.domain == asked.domain]


def _sure(asked: Asked) -> set[str]:
    """Selectors that are known to be this provider's."""
    known = asked.sender.known.selectors if asked.sender and asked.sender.known else ()
    return {*asked.selectors, *known, *(one.selector for one in _own(asked))}


def _selectors(asked: Asked) -> list[str]:
    known = asked.sender.known.selectors if asked.sender and asked.sender.known else ()
    seen = (one.selector for one in _own(asked))
    return list(dict.fromkeys([*asked.selectors, *seen, *known, *dkim.USUAL_SELECTORS]))


def _shown(texts: list[str]) -> tuple[str, ...]:
    return tuple(text if len(text) <= SHOWN else text[:SHOWN] + " …" for text in texts)
