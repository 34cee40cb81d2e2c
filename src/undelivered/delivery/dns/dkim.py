"""DKIM keys in DNS (RFC 6376, 3.6.1; RFC 8463): whether a record is a key that receivers can use, and where to look
for one. Which key a provider signs with stands in its mails only: the selector, `s=` of their DKIM-Signature."""

from __future__ import annotations

import base64
import binascii
import re
from email.parser import BytesHeaderParser
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from undelivered.delivery.dns.standing import Standing

#: RFC 8301, 3.2: shorter ones are not believed; from the second on they are long enough for today.
LEAST_BITS, GOOD_BITS = 1024, 2048
ED25519_BYTES = 32
#: What many people call their first selector, whoever signs.
USUAL_SELECTORS = ("default", "dkim", "mail", "s1", "s2", "selector1", "selector2", "k1", "key1", "smtp")
SELECTOR = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*", re.IGNORECASE)
#: SubjectPublicKeyInfo of an RSA key without its own length: some publish the bare key (RFC 8017, A.1.1).
_RSA = bytes.fromhex("300d06092a864886f70d0101010500")


class Signature(NamedTuple):
    """Who signed a mail: `d=`, and with which key: `s=`."""

    domain: str
    selector: str


def name_of(selector: str, domain: str) -> str:
    return f"{selector}._domainkey.{domain}"


def is_key(text: str) -> bool:
    """Whether a text tries to be a key record at all: a wildcard answers with anything."""
    tags = tags_of(text)
    return tags.get("v", "DKIM1") == "DKIM1" and "p" in tags


def judge(text: str) -> tuple[Standing, str]:
    """What a receiver can do with a key record."""
    tags = tags_of(text)
    if tags.get("v", "DKIM1") != "DKIM1" or "p" not in tags:
        return Standing.WRONG, "The record is no DKIM key: it has no v=DKIM1 and p=."
    if not tags["p"]:
        return Standing.WRONG, "The key is taken back: p= is empty. Signatures made with it are not believed."
    if "email" not in tags.get("s", "*").split(":") and "*" not in tags.get("s", "*").split(":"):
        return Standing.WRONG, "The key is not for mail, says its s=."
    if "sha256" not in tags.get("h", "sha256").split(":"):
        return Standing.WRONG, "The key does not allow sha256, which is all that receivers believe today."
    standing, why = _key(tags.get("k", "rsa").lower(), tags["p"])
    if standing is Standing.OK and "y" in tags.get("t", "").split(":"):
        return Standing.WEAK, "The key says that it is being tested (t=y): receivers may leave it out. Take that away."
    return standing, why


def signatures(raw: bytes) -> list[Signature]:
    """The signatures of a mail, as its headers name them; whether they hold is not looked at."""
    found = []
    for value in BytesHeaderParser().parsebytes(raw[: 256 * 1024]).get_all("DKIM-Signature", []):
        tags = tags_of(str(value))
        if tags.get("d") and SELECTOR.fullmatch(tags.get("s", "")):
            found.append(Signature(tags["d"].lower(), tags["s"].lower()))
    return list(dict.fromkeys(found))


def tags_of(text: str) -> dict[str, str]:
    """`v=DKIM1; k=rsa; p=...` as names and values, without the white space that both may have (3.2)."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): "".join(value.split()) for name, equals, value in pairs if equals}


def _key(kind: str, text: str) -> tuple[Standing, str]:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return (
            Standing.WRONG,
            "The key is damaged: what follows p= is no base64. It may have been cut at 255 characters.",
        )
    if kind == "ed25519":
        if len(raw) != ED25519_BYTES:
            return Standing.WRONG, "The key is damaged: an Ed25519 key has 32 bytes."
        Ed25519PublicKey.from_public_bytes(raw)
        return Standing.WEAK, "An Ed25519 key. Not every receiver knows them: publish an RSA key beside it."
    if kind != "rsa":
        return Standing.WRONG, f"Receivers do not know keys of the kind {kind[:30]}."
    bits = _rsa_bits(raw)
    if bits is None:
        return Standing.WRONG, "The key is damaged: it is no RSA key. It may have been cut at 255 characters."
    if bits < LEAST_BITS:
        return Standing.WRONG, f"An RSA key of {bits} bits is too short to be believed. Use {GOOD_BITS}."
    if bits < GOOD_BITS:
        return Standing.WEAK, f"An RSA key of {bits} bits: it is believed today. Use {GOOD_BITS} at the next change."
    return Standing.OK, f"An RSA key of {bits} bits."


def _rsa_bits(raw: bytes) -> int | None:
    wrapped = _der(0x30, _RSA + _der(0x03, b"\0" + raw))
    for form in (raw, wrapped):
        try:
            key = load_der_public_key(form)
        except (ValueError, UnsupportedAlgorithm):
            continue
        return key.key_size if isinstance(key, RSAPublicKey) else None
    return None


def _der(tag: int, value: bytes) -> bytes:
    size = len(value)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + value
