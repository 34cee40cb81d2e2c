"""The suppression list: who is not mailed and why, adding an address, and lifting one with what it skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from undelivered.database import ids
from undelivered.delivery import provider_lift, suppression
from undelivered.delivery.addresses import canonical
from undelivered.delivery.filters import kept_since
from undelivered.delivery.models import Notification, Suppression
from undelivered.delivery.resend import MOST
from undelivered.desk import typed
from undelivered.desk.models import Project
from undelivered.rules import resend as resending
from undelivered.web.guard import ProjectRequest, project_admin
from undelivered.web.pages.fields import Address, DeskForm, Line
from undelivered.web.pages.verdicts import is_complaint, why_not_lift

LIMIT = 25
MOST_COUNTED = 100


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as the list shows it."""

    entry: Suppression
    cause: str
    complaint: bool
    by_hand: bool
    skipped: int
    after: Notification | None


class AddForm(DeskForm):
    address = Address(label="Address")
    note = Line(label="Note", max_length=500, required=False, help_text="Why, for those who look here later.")
    until = forms.DateField(
        label="Until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The last day on which it is not mailed. Empty: until somebody lifts it.",
    )

    def clean_until(self) -> datetime | None:
        day = self.cleaned_data["until"]
        if day is None:
            return None
        if day < timezone.localdate():
            raise forms.ValidationError("Choose today or a later day.")
        return timezone.make_aware(datetime.combine(day, time(23, 59, 59)))


@project_admin
@require_GET
def listing(request: ProjectRequest) -> HttpResponse:
    return _show(request, AddForm())


@project_admin
@require_POST
def add(request: ProjectRequest) -> HttpResponse:
    form = AddForm(request.POST)
    if not form.is_valid():
        return _show(request, form, status=422)
    data = form.cleaned_data
    if found := suppression.find(request.project, data["address"]):
        form.add_error("address", f"{found.address} is on the list already.")
        return _show(request, form, status=422)
    entry = suppression.add(request.project, data["address"], by=request.by, detail=data["note"], until=data["until"])
    messages.success(request, f"{entry.address} is not mailed any more.")
    return redirect("suppressions", key=request.project.key)


@project_admin
@require_POST
def lift(request: ProjectRequest, entry_id: int) -> HttpResponse:
    """Takes an address off the list, and then offers what it missed. A complaint asks for a confirmation first."""
    entry = _entry(request, entry_id)
    if why := why_not_lift(entry, request):
        messages.error(request, why)
        return redirect("suppressions", key=request.project.key)
    confirmed = request.POST.get("confirmed") == "yes"
    missed = [str(one) for one in suppression.skipped(entry, project=request.project)]
    try:
        suppression.lift(entry, by=request.by, confirmed=confirmed, project=request.project)
    except suppression.NeedsConfirmation:
        return render(request, "suppressions/confirm.html", {"entry": entry, "cause": _cause(entry)})
    _say_what_holds(request, entry)
    where = redirect("suppressions", key=request.project.key)
    if missed:
        # What was skipped is found again by the time since which it was blocked.
        where["Location"] += "?" + urlencode({"lifted": entry.address, "since": entry.since.isoformat()})
    return where


def _say_what_holds(request: ProjectRequest, lifted: Suppression) -> None:
    """Another entry may still block the address; if none does, the provider is asked about its own list."""
    if left := suppression.find(request.project, lifted.address):
        whose = "the project" if left.project_id else "the whole site"
        messages.warning(request, f"{left.address} is still blocked for {whose}: {_cause(left).lower()}.")
        return
    messages.success(request, f"{lifted.address} is off the list.")
    for said in provider_lift.ask(request.project, lifted.address, by=request.by, complaint=is_complaint(lifted)):
        messages.add_message(request, messages.SUCCESS if said.ok else messages.WARNING, said.sentence)


@project_admin
@require_POST
def send_skipped(request: ProjectRequest) -> HttpResponse:
    """Sends what was skipped while an address was blocked."""
    gone = _gone(request, request.POST.get("lifted", ""), request.POST.get("since", ""))
    if gone is None:
        raise Http404("This address is not complete.")
    missed = suppression.skipped(gone, MOST)
    if missed:
        done = resending.resend(request.project, missed, by=request.by)
        messages.success(request, f"{_mails(len(done.new))} to {gone.address} {_are(len(done.new))} on the way.")
    where = redirect("suppressions", key=request.project.key)
    if len(missed) == MOST:  # there may be more: they are offered again
        where["Location"] += "?" + urlencode({"lifted": gone.address, "since": gone.since.isoformat()})
    return where


def _show(request: ProjectRequest, form: AddForm, *, status: int = 200) -> HttpResponse:
    asked = asked_for(request)
    before = request.GET.get("before", "")
    start = int(before) if before.isdecimal() and len(before) < 19 else None
    found = suppression.listing(request.project, **asked, before=start, limit=LIMIT + 1)
    entries = found[:LIMIT]
    more = "?" + urlencode({**_said(asked), "before": entries[-1].pk}) if len(found) > LIMIT else ""
    causes = {*suppression.causes_listed(request.project), *filter(None, [asked["cause"]])}
    gone = _gone(request, request.GET.get("lifted", ""), request.GET.get("since", ""))
    context = {
        "rows": _rows(entries, request),
        "more": more,
        **asked,
        "asked": urlencode(_said(asked)),
        "causes": sorted((suppression.cause_label(cause), cause) for cause in causes),
        "form": form,
        "adding": bool(form.errors) or "add" in request.GET,
        "lifted": gone,
        "missed": len(suppression.skipped(gone, MOST)) if gone else 0,
        "most": MOST,
    }
    return render(request, "suppressions/page.html", context, status=status)


def asked_for(request: ProjectRequest) -> dict[str, str]:
    """The filters in the address: as they stand there, so that a link can be shared."""
    return {"q": typed.line(request.GET.get("q", ""))[:300], "cause": typed.line(request.GET.get("cause", ""))[:60]}


def _said(asked: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in asked.items() if value}


def _rows(entries: Sequence[Suppression], request: ProjectRequest) -> list[Row]:
    skipped = suppression.skipped_counts(request.project, entries, MOST_COUNTED)
    after = _notifications(request.project, [one.notification_id for one in entries if one.notification_id])
    return [
        Row(
            entry,
            _cause(entry),
            is_complaint(entry),
            entry.cause == suppression.MANUAL,
            skipped.get(entry.pk, 0),
            after.get(entry.notification_id) if entry.notification_id else None,
        )
        for entry in entries
    ]


def _notifications(project: Project, wanted: Sequence[UUID]) -> dict[UUID, Notification]:
    """Those of the project that are still kept."""
    kept = [id for id in wanted if id.version == 7 and ids.created_at(id) >= kept_since()]
    if not kept:
        return {}
    return Notification.objects.filter(project=project, id__gte=min(kept), id__lte=max(kept)).in_bulk(kept)


def _cause(entry: Suppression) -> str:
    return suppression.cause_label(entry.cause)


def _gone(request: ProjectRequest, address: str, since: str) -> Suppression | None:
    """An entry that was lifted, as it was: never stored, only good for finding what it skipped."""
    address = typed.line(address)
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        return None
    if not address or moment.tzinfo is None or suppression.find(request.project, address):
        return None
    moment = max(moment, timezone.now() - timedelta(days=settings.ENV.keep_days + 1))
    return Suppression(project=request.project, address=address, address_key=canonical(address), since=moment)


def _entry(request: ProjectRequest, entry_id: int) -> Suppression:
    found = suppression.get(request.project, entry_id)
    if found is None:
        raise Http404("This address is not on the list any more.")
    return found


def _mails(n: int) -> str:
    return "1 notification" if n == 1 else f"{n} notifications"


def _are(n: int) -> str:
    return "is" if n == 1 else "are"
