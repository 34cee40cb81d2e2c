"""Whatever comes in, `read` and `classify` answer, and soon."""

from __future__ import annotations

import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bounces.test_samples import EXPECTED, sample
from undelivered.bounces import classify, read

SAMPLES = [sample(name) for name in sorted(EXPECTED)]
PIECES = b"""

|\r|--b0und|Content-Type: multipart/report; boundary=x
|Final-Recipient: rfc822;|<|>|@|=?utf-8?b?|Action: failed
|550 5.1.1 |\xff|\x1b$B|Content-Transfer-Encoding: base64
|From: mailer-daemon@x.example
|Subject: failure notice
|"|(|Diagnostic-Code:|                                        |\x00""".split(b"|")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_mutated_sample_is_read_without_an_exception(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(SAMPLES)))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 60))] = data.draw(st.sampled_from(PIECES) | st.binary(max_size=20))
    started = time.process_time()
    report = read(bytes(raw))
    assert time.process_time() - started < 1
    assert not report.decided_by.startswith("unreadable"), report.decided_by
    report.as_dict()


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read(raw: bytes) -> None:
    assert not read(raw).decided_by.startswith("unreadable")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300), st.sampled_from(["", "RCPT", "MAIL", "DATA", "CONN", "?"]))
def test_any_text_is_classified(text: str, command: str) -> None:
    decision = classify(text, command=command)
    assert decision.cause
    assert decision.decided_by
