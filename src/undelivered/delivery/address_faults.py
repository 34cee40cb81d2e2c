"""What exactly is wrong with the form of an address: the diagnosis behind *Email validation error*.

`acceptable` decides (by the email-validator library, on the terms of RFC 5321 and RFC 6531); `diagnose` then looks for
the fault that a person would name first. The order of FAULTS is that order. A suggestion is only made when the fixed
address is acceptable.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from undelivered.delivery.address_parts import (
    ADDRESS_LIMIT,
    DOMAIN_LIMIT,
    FULL_STOPS,
    LABEL_LIMIT,
    LOCAL_PART_LIMIT,
    Parts,
    ascii_domain,
    blank_quotes,
    plain_domain,
    take_apart,
)
from undelivered.delivery.address_reach import parse_ip, why_private_ip, why_private_name

_ATEXT = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~.")
_AT_LOOKALIKES = ("＠", "﹫", "(at)", "[at]", "{at}", " at ")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an address is not mailed: a slug for programs, a sentence for people, and a better address if it is clear."""

    code: str
    detail: str
    suggestion: str | None = None


def acceptable(address: str) -> bool:
    """Whether this is one address by RFC 5321 or RFC 6531. Private domains are acceptable: another check names them."""
    domain = plain_domain(address)
    return _accepted(address) if domain is None else _accepted_at(domain)


@lru_cache(maxsize=8192)
def _accepted_at(domain: str) -> bool:
    """Of addresses whose other part is in order. The library is slow, and the same domains come again and again."""
    return _accepted(f"a@{domain}")


def _accepted(address: str) -> bool:
    try:
        return _refusal(address) is None
    except (ValueError, UnicodeError):
        return False


def diagnose(address: str) -> Problem:
    """The fault of an address that is not acceptable."""
    parts = take_apart(address)
    for look in FAULTS:
        problem = look(parts)
        if problem is not None:
            return problem
    return Problem("not-an-address", f"This is not an email address: {_refusal(address) or 'it has no valid form.'}")


def _refusal(address: str) -> str | None:
    """The library's objection, with the cases put aside in which it is stricter than the RFCs."""
    parts = take_apart(address)
    if len(address.encode()) > ADDRESS_LIMIT or len(parts.local.encode()) > LOCAL_PART_LIMIT:
        return "it is too long."
    local, domain = parts.local, parts.domain
    if local == '""':  # an empty quoted string is a local part (RFC 5321, 4.1.2)
        local = "empty"
    if not domain.startswith("["):
        name = domain.translate(FULL_STOPS).lower()
        ip = parse_ip(unicodedata.normalize("NFKC", name))
        if ip is not None:
            if why_private_ip(ip) is None:
                return "the IP address must stand in square brackets."
            domain = "example.com"  # the private address check names it, which says more
        elif why_private_name(name) is not None and not name.isdigit():
            # The library refuses special names whatever their form, and here only the form counts.
            domain = (name.rpartition(".")[0] or name) + ".com"
    try:
        validate_email(
            f"{local}@{domain}",
            check_deliverability=False,
            allow_quoted_local=True,
            allow_domain_literal=True,
            allow_display_name=False,
            strict=True,
        )
    except EmailNotValidError as objection:
        return str(objection)
    return None


def _sure(guess: str) -> str | None:
    return guess if acceptable(guess) else None


def _where(parts: Parts, position: int) -> str:
    return "before" if position <= len(parts.local) else "after"


def _empty(parts: Parts) -> Problem | None:
    return None if parts.whole.strip() else Problem("empty", "The address is empty.")


def _control(parts: Parts) -> Problem | None:
    for character in parts.whole:
        category = unicodedata.category(character)
        if character in "\r\n\v\f\x85\u2028\u2029":
            return Problem("line-break", "There is a line break in the address.", _sure(parts.whole.strip()))
        if character == "\t":
            return Problem("control-character", "There is a tab in the address.", _sure(parts.whole.strip()))
        if category in ("Cc", "Cs", "Cf"):
            name = f"U+{ord(character):04X}"
            cleaned = "".join(c for c in parts.whole if unicodedata.category(c) != "Cf")
            kind = "an invisible" if category == "Cf" else "a control"
            return Problem("control-character", f"There is {kind} character ({name}) in the address.", _sure(cleaned))
    return None


def _outer_space(parts: Parts) -> Problem | None:
    stripped = parts.whole.strip()
    if stripped == parts.whole or not acceptable(stripped):
        return None
    where = "before" if parts.whole[0].isspace() else "after"
    return Problem("space", f"There is a space {where} the address.", stripped)


def _no_at(parts: Parts) -> Problem | None:
    if parts.at:
        return None
    if '"' in parts.whole and "@" in parts.whole:
        return _quotes(parts)
    guesses = (parts.whole.replace(sign, "@", 1) for sign in _AT_LOOKALIKES if sign in parts.whole)
    guess = next((guess for guess in map(_sure, guesses) if guess), None)
    return Problem("no-at", "There is no @.", guess)


def _mailto(parts: Parts) -> Problem | None:
    if not parts.whole.lower().startswith("mailto:"):
        return None
    return Problem("mailto", "There is a “mailto:” before the address.", _sure(parts.whole[7:]))


def _angle_brackets(parts: Parts) -> Problem | None:
    opening, closing = parts.unquoted.count("<"), parts.unquoted.count(">")
    if not opening and not closing:
        return None
    inner = re.search(r"<\s*([^<>\s]+)\s*>", parts.whole)
    guess = _sure(inner.group(1)) if inner else _sure(parts.whole.strip(" <>"))
    if opening > closing:
        detail = "There is an opening angle bracket < without a closing one."
    elif closing > opening:
        detail = "There is a closing angle bracket > without an opening one."
    elif parts.unquoted.strip().startswith("<"):
        detail = "There are angle brackets around the address."
    else:
        detail = "There is a name and angle brackets around the address; only the address belongs here."
    return Problem("angle-brackets", detail, guess)


def _several(parts: Parts) -> Problem | None:
    count = parts.unquoted.count("@")
    if count < 2:
        return None
    if re.search(r"[,;]", parts.unquoted):
        return Problem("several-addresses", "There are several addresses here; give one.")
    guess = _sure(re.sub(r"@{2,}", "@", parts.whole)) if "@@" in parts.whole else None
    return Problem("several-at", f"There are {count} @; an address has one.", guess)


def _quotes(parts: Parts) -> Problem | None:
    if '"' not in parts.whole:
        return None
    if re.sub(r"\\.", "", parts.whole).count('"') % 2:
        return Problem("quotes", "There is a quotation mark without its partner.", _sure(parts.whole.replace('"', "")))
    if '"' in parts.domain:
        return Problem("quotes", "There are quotation marks after the @.", _sure(parts.whole.replace('"', "")))
    if not (parts.local.startswith('"') and parts.local.endswith('"')) or '"' in blank_quotes(parts.local)[1:-1]:
        return Problem("quotes", "The quotation marks must enclose everything before the @.")
    return None


def _missing_side(parts: Parts) -> Problem | None:
    if not parts.local.strip():
        return Problem("no-local-part", "There is nothing before the @.")
    if not parts.domain.strip():
        return Problem("no-domain", "There is nothing after the @.")
    return None


def _comma(parts: Parts) -> Problem | None:
    for sign, name in ((",", "comma"), (";", "semicolon")):
        position = parts.unquoted.find(sign)
        if position >= 0:
            where = _where(parts, position)
            guess = _sure(parts.whole.rstrip(",; ")) or _sure(parts.whole.replace(sign, "."))
            return Problem(name, f"There is a {name} {where} the @.", guess)
    return None


def _space(parts: Parts) -> Problem | None:
    found = re.search(r"\s", parts.unquoted)
    if found is None:
        return None
    closed_up = _sure(re.sub(r"\s*([@.])\s*", r"\1", parts.whole.strip()))
    if closed_up:
        return Problem("space", f"There is a space {_where(parts, found.start())} the @.", closed_up)
    words = parts.whole.split()
    last_word = _sure(words[-1]) if len(words) > 2 else None  # after two words it might be half of a local part
    if last_word:
        return Problem("space", "There is a name before the address, without angle brackets.", last_word)
    return Problem("space", f"There is a space {_where(parts, found.start())} the @.")


def _too_long(parts: Parts) -> Problem | None:
    local, domain, whole = len(parts.local.encode()), len(ascii_domain(parts.domain)), len(parts.whole.encode())
    longest = max(len(label) for label in ascii_domain(parts.domain).split("."))
    unit = "characters" if parts.whole.isascii() else "bytes"
    for what, length, limit in (
        ("The part before the @", local, LOCAL_PART_LIMIT),
        ("The part after the @", domain, DOMAIN_LIMIT),
        ("The address", whole, ADDRESS_LIMIT),
        ("A name between two dots after the @", longest, LABEL_LIMIT),
    ):
        if length > limit:
            return Problem("too-long", f"{what} is too long: {length} {unit}, {limit} are allowed.")
    return None


def _dots(parts: Parts) -> Problem | None:
    quoted = parts.local.startswith('"')
    tidy = parts.local if quoted else ".".join(label for label in parts.local.split(".") if label)
    name = parts.domain.translate(FULL_STOPS)
    tidy_name = ".".join(label for label in name.split(".") if label)
    guess = _sure(f"{tidy}@{tidy_name}")
    for wrong, code, detail in (
        (parts.local.startswith("."), "dot-before", "The part before the @ starts with a dot."),
        (parts.local.endswith("."), "dot-before", "The part before the @ ends with a dot."),
        (".." in parts.local and not quoted, "dot-before", "There are two dots in a row before the @."),
        (name.startswith("."), "dot-after", "There is a dot right after the @."),
        (name.endswith("."), "dot-after", "There is a dot at the end of the address."),
        (".." in name, "dot-after", "There are two dots in a row after the @."),
    ):
        if wrong:
            return Problem(code, detail, guess)
    return None


def _local_characters(parts: Parts) -> Problem | None:
    if parts.local.startswith('"'):
        return None
    for character in parts.local:
        if character not in _ATEXT and (character.isascii() or unicodedata.category(character)[0] in "ZC"):
            detail = f"There is a {_shown(character)} before the @, which is only allowed inside quotation marks."
            return Problem("character-before", detail)
    return None


def _literal(parts: Parts) -> Problem | None:
    domain = parts.domain
    if "[" not in domain and "]" not in domain:
        return None
    if not (domain.startswith("[") and domain.endswith("]")):
        return Problem("brackets", "There is a square bracket without its partner after the @.")
    ip = parse_ip(domain)
    if ip is not None and ip.version == 6:
        guess = _sure(f"{parts.local}@[IPv6:{ip}]")
        return Problem("ip-literal", "An IPv6 address in square brackets starts with “IPv6:”.", guess)
    return Problem("ip-literal", "What stands in the square brackets after the @ is not an IP address.")


def _bare_ip(parts: Parts) -> Problem | None:
    ip = parse_ip(parts.domain)
    if ip is None:
        return None
    literal = f"[IPv6:{ip}]" if ip.version == 6 else f"[{ip}]"
    detail = "The IP address after the @ must stand in square brackets."
    return Problem("bare-ip", detail, _sure(f"{parts.local}@{literal}"))


def _domain_form(parts: Parts) -> Problem | None:
    labels = ascii_domain(parts.domain).split(".")
    for label in labels:
        if "_" in label:
            return Problem("underscore", "There is an underscore _ after the @; domain names have none.")
        if label.startswith("-") or label.endswith("-"):
            return Problem("hyphen", "A name after the @ starts or ends with a hyphen.")
    for character in parts.domain:
        if not (character.isalnum() or character in "-.") and character.isascii():
            return Problem("character-after", f"There is a {_shown(character)} after the @; domain names have none.")
    if labels[-1].isdigit():
        return Problem("numeric-domain", f"The domain ends in “{labels[-1]}”; no domain ends in a number.")
    if not labels[-1][-1:].isalpha():
        return Problem("numeric-domain", f"The domain ends in “{labels[-1]}”, and there is no such ending.")
    if not parts.domain.isascii() or "--" in parts.domain:
        return Problem("bad-domain", "The domain name after the @ is not valid (IDNA).")
    return None


def _shown(character: str) -> str:
    return f"“{character}”" if character.isprintable() and not character.isspace() else f"U+{ord(character):04X}"


FAULTS: tuple[Callable[[Parts], Problem | None], ...] = (
    _empty,
    _control,
    _outer_space,
    _no_at,
    _mailto,
    _angle_brackets,
    _several,
    _quotes,
    _missing_side,
    _comma,
    _space,
    _too_long,
    _dots,
    _local_characters,
    _literal,
    _bare_ip,
    _domain_form,
)
