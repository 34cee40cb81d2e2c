"""Scores the shared bounce corpus, where it is present, against the bars it must reach; nothing of it is copied here"""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from undelivered.bounces import classify, read

SHARED = Path(os.environ.get("UNDELIVERED_SHARED") or Path(__file__).resolve().parents[2].parent / "shared")
CORPUS = SHARED / "bounce-corpus"

pytestmark = pytest.mark.skipif(
    not (CORPUS / "expected.jsonl").is_file(), reason=f"no bounce corpus at {CORPUS} (set UNDELIVERED_SHARED)"
)

BARS = {
    "recipient recall": 0.995,
    "recipient precision": 0.995,
    "reason lenient": 0.98,
    "status exact": 0.99,
    "permanent/transient": 0.98,
    "non-bounce: no bounce claimed": 1.0,
}
REPLIES_BAR = 0.95


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CORPUS / name).read_text(encoding="utf-8").splitlines() if line.strip()]


def scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bounce_corpus_score", CORPUS / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_corpus_is_read_as_well_as_it_must_be() -> None:
    expected = rows("expected.jsonl")
    read_rows = []
    for row in expected:
        report = read((CORPUS / "mails" / row["file"]).read_bytes())
        assert not report.decided_by.startswith("unreadable"), row["file"]
        read_rows.append({"file": row["file"], "results": [r.as_dict() for r in report.results]})
    total, _, missed = scorer().score(expected, read_rows)
    for what, bar in BARS.items():
        right, of = total.d[what]
        assert right / of >= bar, f"{what}: {right}/{of}; {missed}"


def test_reply_lines_alone_are_classified_as_well_as_they_must_be() -> None:
    fold = scorer().fold
    right = of = 0
    for row in rows("smtp_replies.jsonl"):
        if row.get("reason_set"):
            allowed = {fold(r) for r in [*row["reason_set"], *(row.get("reason_alt") or [])]}
            of += 1
            right += classify(row["text"]).cause.value in allowed
    assert right / of >= REPLIES_BAR
