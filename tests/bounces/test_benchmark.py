"""The measurement can be run and says what the others must say, too."""

from __future__ import annotations

import json

import pytest
from benchmarks import bounces


def test_the_benchmark_ends_with_one_json_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bounces, "ROUNDS", 1)
    raws = bounces.mails()[1][:5]
    monkeypatch.setattr(bounces, "mails", lambda: ("a few mails", raws))
    bounces.main()
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(told) == {"name", "value", "unit", "peer", "peer_value", "ratio"}
    assert told["value"] > 0
