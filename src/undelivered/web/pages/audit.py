"""The audit log of a project: every action of a person or a program, newest first."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from undelivered.desk import audit
from undelivered.desk.models import AuditEntry
from undelivered.web.guard import ProjectRequest, project_admin

LIMIT = 50


@project_admin
def page(request: ProjectRequest) -> HttpResponse:
    before = request.GET.get("before", "")
    start = int(before) if before.isdecimal() and len(before) < 19 else None
    entries = audit.entries(request.project, before=start, limit=LIMIT + 1)
    rows = [(entry, audit.ACTIONS.get(entry.action, entry.action), words(entry)) for entry in entries[:LIMIT]]
    context = {"rows": rows, "more": f"?before={entries[LIMIT - 1].pk}" if len(entries) > LIMIT else ""}
    return render(request, "audit/page.html", context)


def words(entry: AuditEntry) -> list[tuple[str, str]]:
    """An entry's details as pairs of words: `("daily limit", "100 → 50")`. What says nothing is left out."""
    detail = dict(entry.detail)
    if "from" in detail and "to" in detail:
        detail = {"changed": [detail.pop("from"), detail.pop("to")], **detail}
    return [(name.replace("_", " "), _shown(value)) for name, value in detail.items() if value not in ("", None, [])]


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and len(value) == 2 and not any(isinstance(item, list | dict) for item in value):
        return f"{_shown(value[0])} → {_shown(value[1])}"
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
