"""Invites one customer or many: the verdict on each address first, then the truth about what was sent and what not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from undelivered.database import ids
from undelivered.delivery import limits
from undelivered.delivery.models import Kind, Notification, NotSent
from undelivered.rules import invite as inviting
from undelivered.rules import people
from undelivered.web.guard import ProjectRequest, project_member
from undelivered.web.pages import pasted, told, verdicts
from undelivered.web.pages.fields import DeskForm, Text
from undelivered.web.pages.verdicts import Judged, Verdict, why_not_lift


class InviteForm(DeskForm):
    addresses = Text(
        label="Addresses",
        rows=9,
        max_length=pasted.LENGTH_LIMIT,
        help_text="One a line, or between commas, with or without names. A column or a CSV file can be pasted too.",
        error_messages={"required": "Paste at least one address."},
    )

    def clean_addresses(self) -> list[pasted.Pasted]:
        try:
            return pasted.read(self.cleaned_data["addresses"])
        except pasted.TooLong as error:
            raise forms.ValidationError(str(error)) from error


@project_member
def page(request: ProjectRequest) -> HttpResponse:
    """The form; a POST of it looks at the addresses, or (`do` is `send`) invites."""
    if request.method != "POST":
        form = InviteForm(initial={"addresses": request.GET.get("addresses", "")})
        return render(request, "invite/page.html", {"form": form, **_room(request)})
    form = InviteForm(request.POST)
    if not form.is_valid():
        return render(request, "invite/page.html", {"form": form, **_room(request)}, status=422)
    judged = verdicts.judge(request.project, form.cleaned_data["addresses"])
    if request.POST.get("do") in {"send", "send_all"}:
        chosen = judged.good + (judged.faulty if request.POST["do"] == "send_all" else [])
        wanted = request.POST.getlist("lift")
        lifted = [line for line in judged.blocked if line.key in wanted and not _why_not(request, line)]
        if chosen or lifted:
            return _send(request, chosen, lifted)
        form.add_error("addresses", "None of these addresses can be invited as it is.")
    return render(request, "invite/page.html", {"form": form, "judged": judged, **_room(request)})


@project_member
@require_POST
def look(request: ProjectRequest) -> HttpResponse:
    """The verdicts alone, while somebody types."""
    form = InviteForm(request.POST)
    judged = verdicts.judge(request.project, form.cleaned_data["addresses"]) if form.is_valid() else None
    typed = bool(request.POST.get("addresses", "").strip())
    context = {"judged": judged, "error": typed and form.errors.get("addresses"), **_room(request)}
    return render(request, "invite/verdicts.html", context)


@project_member
@require_GET
def sent(request: ProjectRequest) -> HttpResponse:
    """What came of one invitation of many, from the first row to the last that it made."""
    try:
        first, last = UUID(request.GET["first"]), UUID(request.GET["last"])
    except (KeyError, ValueError):
        raise Http404("This address is not complete.") from None
    if not timedelta() <= ids.created_at(last) - ids.created_at(first) <= timedelta(minutes=10):
        raise Http404("This address is not complete.")
    bounds = {"project": request.project, "id__gte": first, "id__lte": last}
    rows = list(Notification.objects.filter(kind=Kind.INVITATION, **bounds).order_by("id")[: pasted.LIMIT])
    refused = list(NotSent.objects.filter(event="customer_invited", **bounds).order_by("id")[: pasted.LIMIT])
    if not rows and not refused:
        raise Http404("These invitations are no longer kept.")
    lines = [told.line(row) for row in rows] + [told.not_told(row) for row in refused]
    context = {"lines": lines, "tally": tally(rows, refused), "under_way": told.under_way(rows), **_room(request)}
    return render(request, "invite/sent.html", context)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many invitations went out, are on their way, and did not go out."""

    sent: int
    waiting: int
    failed: int

    @property
    def words(self) -> str:
        """`3 sent, 1 on the way, 2 not sent`"""
        parts = ((self.sent, "sent"), (self.waiting, "on the way"), (self.failed, "not sent"))
        return ", ".join(f"{n} {word}" for n, word in parts if n)


def tally(rows: list[Notification], refused: list[NotSent]) -> Tally:
    sent = sum(row.state in told.ARRIVED for row in rows)
    failed = sum(row.state == "failed" for row in rows)
    return Tally(sent, len(rows) - sent - failed, failed + len(refused))


def _send(request: ProjectRequest, chosen: list[Judged], lifted: list[Judged]) -> HttpResponse:
    with transaction.atomic():
        invitees = [inviting.Invitee(line.entry.address, line.entry.name, line.entry.language) for line in chosen]
        done = inviting.invite(request.project, invitees, by=request.by) if invitees else []
        for line in lifted:
            confirmed = line.verdict == Verdict.COMPLAINED  # the box beside it says so
            done.append(_lift_and_invite(request, line, confirmed=confirmed))
    rows = [row.id for one in done for row in (one.notification, one.not_sent) if row]
    if not rows:
        messages.warning(request, "Nothing was sent.")
        return redirect("customers", key=request.project.key)
    where = reverse("customers-invited", kwargs={"key": request.project.key})
    return redirect(f"{where}?{urlencode({'first': min(rows), 'last': max(rows)})}")


def _why_not(request: ProjectRequest, line: Judged) -> str:
    return why_not_lift(line.suppression, request) if line.suppression else ""


def _lift_and_invite(request: ProjectRequest, line: Judged, *, confirmed: bool) -> inviting.Invited:
    customer = people.customer(line.entry.address, line.entry.name, line.entry.language)
    return inviting.resend_invite(request.project, customer, by=request.by, confirmed=confirmed)


SAMPLE = "Ann Keller <ann@northwind.example>\nbob@northwind.example"


def _room(request: ProjectRequest) -> dict[str, object]:
    """How many mails may still be sent today, and what the form needs."""
    tightest = limits.usage(request.project).tightest
    look_at = reverse("customers-invite-look", kwargs={"key": request.project.key})
    return {"room": max(0, tightest[1] - tightest[0]) if tightest else None, "look": look_at, "sample": SAMPLE}
