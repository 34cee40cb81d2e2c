"""DKIM keys in DNS: which of them receivers can use."""

from __future__ import annotations

import base64
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from undelivered.delivery.dns import dkim
from undelivered.delivery.dns.dkim import Signature, judge
from undelivered.delivery.dns.standing import Standing


@cache
def rsa_key(bits: int, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    key = rsa.generate_private_key(65537, bits).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, form)).decode()


def ed25519_key() -> str:
    key = Ed25519PrivateKey.generate().public_key()
    return base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def test_a_long_rsa_key_is_good_with_or_without_its_wrapping():
    assert judge(f"v=DKIM1; k=rsa; p={rsa_key(2048)}") == (Standing.OK, "An RSA key of 2048 bits.")
    assert judge(f"p={rsa_key(2048, PublicFormat.PKCS1)}")[0] is Standing.OK


def test_white_space_in_a_key_does_no_harm():
    key = rsa_key(2048)
    assert judge(f" v = DKIM1 ;k=rsa;\tp={key[:100]} {key[100:]} ;")[0] is Standing.OK


@pytest.mark.parametrize(
    ("text", "standing", "words"),
    [
        (f"v=DKIM1; p={rsa_key(1024)}", Standing.WEAK, "1024 bits"),
        (f"v=DKIM1; t=y; p={rsa_key(2048)}", Standing.WEAK, "being tested"),
        (f"v=DKIM1; k=ed25519; p={ed25519_key()}", Standing.WEAK, "Ed25519"),
        ("v=DKIM1; p=", Standing.WRONG, "taken back"),
        (f"v=DKIM1; s=other; p={rsa_key(2048)}", Standing.WRONG, "not for mail"),
        (f"v=DKIM1; h=sha1; p={rsa_key(2048)}", Standing.WRONG, "sha256"),
        (f"v=DKIM1; p={rsa_key(2048)[:254]}", Standing.WRONG, "damaged"),
        (f"v=DKIM1; p={rsa_key(2048)[:-40]}", Standing.WRONG, "damaged"),
        ("v=DKIM1; k=ed25519; p=AAAA", Standing.WRONG, "damaged"),
        ("v=DKIM1; k=dsa; p=AAAA", Standing.WRONG, "dsa"),
        (f"v=DKIM2; p={rsa_key(2048)}", Standing.WRONG, "no DKIM key"),
        ("v=spf1 -all", Standing.WRONG, "no DKIM key"),
    ],
)
def test_a_key_is_judged_with_a_reason(text, standing, words):
    found, why = judge(text)
    assert found is standing
    assert words in why


def test_a_key_that_is_too_short_is_not_believed(monkeypatch):
    monkeypatch.setattr(dkim, "LEAST_BITS", 2048)
    assert judge(f"p={rsa_key(1024)}")[0] is Standing.WRONG


@given(st.binary(max_size=400))
def test_whatever_stands_in_a_record_there_is_a_judgement(raw):
    assert judge(f"p={base64.b64encode(raw).decode()}")[0] in set(Standing)
    judge(raw.decode("latin-1"))


def test_signatures_are_read_from_a_mails_headers():
    raw = (
        b"DKIM-Signature: v=1; a=rsa-sha256; d=Example.com; s=S1;\r\n\tbh=x; b=y\r\n"
        b"DKIM-Signature: v=1; d=provider.example; s=big-key\r\nDKIM-Signature: v=1; d=example.com; s=S1\r\n"
        b"DKIM-Signature: v=1; d=bad.example; s=../x\r\nSubject: x\r\n\r\nDKIM-Signature: d=body.example; s=x\r\n"
    )
    assert dkim.signatures(raw) == [Signature("example.com", "s1"), Signature("provider.example", "big-key")]
    assert dkim.signatures(b"\xff\x00 no mail at all") == []
