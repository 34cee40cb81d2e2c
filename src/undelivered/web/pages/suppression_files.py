"""The suppression list as a file: import, with a look at every line before anything is written, and export.

The file is kept between the look and the word (`desk.uploads`), so that what is taken over is what was looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from undelivered.delivery import suppression, suppression_files, suppression_import
from undelivered.delivery.models import Suppression
from undelivered.delivery.suppression_files import MOST, MOST_BYTES, Unreadable
from undelivered.desk import audit, uploads
from undelivered.desk.models import Upload
from undelivered.web.guard import ProjectRequest, project_admin
from undelivered.web.pages.fields import DeskForm, Text
from undelivered.web.pages.suppressions import asked_for

EXPORTED_AT_ONCE = 2000


class ImportForm(DeskForm):
    file = forms.FileField(
        label="CSV file",
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv,text/plain"}),
        help_text=f"In UTF-8, up to {MOST:,} addresses. The first line may name the columns: address, cause, detail, "
        "since, until. Exports of Undelivered and of most providers can be used as they are.",
    )
    text = Text(
        label="Or paste a list",
        rows=8,
        max_length=8_000_000,
        required=False,
        help_text="One address a line, or between commas. What stands behind an address is kept as its note.",
    )
    cause = forms.ChoiceField(
        label="Cause, where the list names none",
        choices=[(cause, suppression.cause_label(cause)) for cause in suppression_files.CAUSES],
        initial=suppression.MANUAL,
        help_text="A complaint is lifted with a confirmation only.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("file", "text"):
            self.fields[name].either = True  # type: ignore[attr-defined] # one of the two: neither is "optional"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        file, text = data.get("file"), data.get("text", "")
        if not self.errors:
            if file and text.strip():
                self.add_error("text", "Give a file or a list, not both.")
            elif not (file and file.size) and not text.strip():
                self.add_error("file", "Choose a file with addresses, or paste some below.")
            elif file and file.size > MOST_BYTES:
                self.add_error("file", f"A file may have {MOST_BYTES // 1024 // 1024} MB. Split it.")
        return data


@project_admin
def page(request: ProjectRequest) -> HttpResponse:
    """The form; a POST keeps the file and goes on to the look at it."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        body = data["file"].read() if data["file"] else data["text"].encode()
        name = data["file"].name if data["file"] else ""
        try:
            suppression_files.decoded(body)
        except Unreadable as error:
            form.add_error("file" if name else "text", str(error))
        else:
            kept = uploads.keep(request.project, request.user, body, name=name, options={"cause": data["cause"]})
            return redirect("suppression-import-look", key=request.project.key, id=kept.pk)
    return render(request, "suppressions/import.html", {"form": form}, status=422 if form.errors else 200)


@project_admin
def look(request: ProjectRequest, id: UUID) -> HttpResponse:
    """What the import would do, line by line; a POST does it."""
    if request.method == "POST":
        return _take(request, id)
    kept = _kept(request, id)
    context: dict[str, Any] = {"upload": kept, "cause": suppression.cause_label(kept.options["cause"])}
    try:
        outcome = suppression_import.look(request.project, _lines(kept))
    except Unreadable as error:
        return render(request, "suppressions/look.html", {**context, "unreadable": str(error)}, status=422)
    examples = [(line, suppression.cause_label(line.cause)) for line in outcome.examples]
    return render(request, "suppressions/look.html", {**context, "outcome": outcome, "examples": examples})


@transaction.atomic
def _take(request: ProjectRequest, id: UUID) -> HttpResponse:
    kept = _kept(request, id, lock=True)
    try:
        outcome = suppression_import.take(request.project, _lines(kept), by=request.by, name=kept.name)
    except Unreadable as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _said(outcome.taken))
    kept.delete()
    return redirect("suppressions", key=request.project.key)


def _kept(request: ProjectRequest, id: UUID, *, lock: bool = False) -> Upload:
    found = uploads.find(request.project, request.user, id, lock=lock)
    if found is None:
        raise Http404("This file was imported already, or it was given more than an hour ago. Give it again.")
    return found


def _lines(kept: Upload) -> Iterator[suppression_files.Line | suppression_files.Bad]:
    text = suppression_files.decoded(uploads.body(kept))
    return suppression_files.read(text, cause=kept.options["cause"])


def _said(n: int) -> str:
    if n == 1:
        return "1 address is on the list now."
    return f"{n:,} addresses are on the list now."


@project_admin
@require_safe
def export(request: ProjectRequest) -> HttpResponseBase:
    """The list as CSV, as it is filtered, a part at a time: it may be long."""
    asked = asked_for(request)
    pages = _pages(request, asked)
    first = next(pages, [])  # before the answer begins: a database that is away is said properly
    audit.record("suppression.exported", by=request.by, project=request.project, **asked)
    lines = suppression_files.written(chain(first, chain.from_iterable(pages)))
    name = f"suppressions-{request.project.key}-{timezone.localdate():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(_in_parts(lines), content_type="text/csv; charset=utf-8", headers=headers)


def _pages(request: ProjectRequest, asked: dict[str, str]) -> Iterator[list[Suppression]]:
    before = None
    while page := suppression.listing(request.project, **asked, before=before, limit=EXPORTED_AT_ONCE):
        yield page
        before = page[-1].pk


def _in_parts(lines: Iterator[str]) -> Iterator[bytes]:
    """Lines together, so that not every one is a write to the socket."""
    part: list[str] = []
    for line in lines:
        part.append(line)
        if len(part) == 500:
            yield "".join(part).encode()
            part = []
    yield "".join(part).encode()
