"""Customers of a project: who can be reached and who cannot, Resend invite, and the correction of an address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from undelivered.database import ids
from undelivered.delivery import explain, failures, suppression
from undelivered.delivery.addresses import private, validate
from undelivered.delivery.filters import kept_since
from undelivered.delivery.models import Notification, Suppression
from undelivered.delivery.states import State
from undelivered.desk import opt_outs, typed
from undelivered.desk.models import Project, ProjectCustomer, Request, Role
from undelivered.rules import invite as inviting
from undelivered.rules import people
from undelivered.web.guard import ProjectRequest, project_member
from undelivered.web.pages.fields import DeskForm, Line
from undelivered.web.pages.verdicts import is_complaint, why_not_lift

LIMIT = 25


@dataclass(frozen=True, slots=True)
class Row:
    """A customer as the list shows one."""

    member: ProjectCustomer
    badge: str
    words: str
    why: str
    block: Suppression | None
    complaint: bool
    last: Notification | None
    requests: int


class Correction(DeskForm):
    address = Line(label="Right address", max_length=1000, error_messages={"required": "Enter an address."})

    def clean_address(self) -> str:
        address = str(self.cleaned_data["address"])
        if problem := validate(address) or private(address):
            better = f" Did you mean {problem.suggestion}?" if problem.suggestion else ""
            self.add_error("address", problem.detail + better)
        return address


@project_member
@require_GET
def listing(request: ProjectRequest) -> HttpResponse:
    """Newest first; `q` is the start of an address or a name, or `@domain`."""
    q = typed.line(request.GET.get("q", ""))[:200]
    before = request.GET.get("before", "")
    start = int(before) if before.isdecimal() and len(before) < 19 else None
    found = people.search(request.project, q, start, LIMIT + 1)
    members = found[:LIMIT]
    more = "?" + urlencode({**({"q": q} if q else {}), "before": members[-1].pk}) if len(found) > LIMIT else ""
    context = {"rows": rows_of(request.project, members), "more": more, "q": q, "keep_days": settings.ENV.keep_days}
    return render(request, "customers/page.html", context)


def rows_of(project: Project, members: Sequence[ProjectCustomer]) -> list[Row]:
    keys = [member.customer.address_key for member in members]
    blocks = suppression.found_for(project, keys)
    invitations, newest = failures.latest_invitations(project, keys), _newest(project, keys)
    counts = dict(
        Request.objects.filter(project=project, reporter__in=[member.customer_id for member in members])
        .values_list("reporter")
        .annotate(n=Count("id"))
    )
    rows = []
    for member in members:
        key = member.customer.address_key
        block = blocks.get(key)
        badge, words, why = standing(member, block, invitations.get(key), newest.get(key))
        complaint = block is not None and is_complaint(block)
        rows.append(
            Row(member, badge, words, why, block, complaint, newest.get(key), counts.get(member.customer_id, 0))
        )
    return rows


def _newest(project: Project, keys: Sequence[str]) -> dict[str, Notification]:
    """The newest mail to each address, as far as they are kept."""
    kept = Notification.objects.filter(
        project=project,
        recipient_key__in=keys,
        id__gte=ids.lowest(kept_since()),
        id__lt=ids.lowest(timezone.now() + timedelta(minutes=5)),
    )
    return {row.recipient_key: row for row in kept.order_by("recipient_key", "-id").distinct("recipient_key")}


def standing(
    member: ProjectCustomer, block: Suppression | None, invitation: Notification | None, last: Notification | None
) -> tuple[str, str, str]:
    """How a customer stands, as (badge, words, second line)."""
    if block:
        when = timezone.localtime(block.since)
        until = f" until {timezone.localtime(block.until):%-d %b}" if block.until else f" since {when:%-d %b}"
        return "blocked", f"Blocked{until}", suppression.cause_label(block.cause)
    if invitation and invitation.state == State.FAILED and member.accepted_at is None:
        return "failed", "Invite failed", explain.details(invitation).first
    if last and last.state == State.FAILED:
        return "failed", "Last mail failed", explain.details(last).first
    if member.accepted_at:
        return "active", "Active", ""
    if problem := validate(member.customer.address) or private(member.customer.address):
        return "failed", "Cannot be mailed", problem.detail
    if member.invited_at:
        when = timezone.localtime(member.invited_at)
        return "invited", f"Invited {when:%-d %b}", "Not accepted yet"
    return "active", "Active", "Was never invited"


@project_member
@require_POST
def resend(request: ProjectRequest, customer_id: int) -> HttpResponse:
    """Resend invite: takes the address off the suppression list and sends. A complaint asks for a confirmation."""
    member = _member(request.project, customer_id)
    block = suppression.find(request.project, member.customer.address)
    confirmed = request.POST.get("confirmed") == "yes"
    if block and (why := why_not_lift(block, request)):
        messages.error(request, why)
        return _back(request)
    if block and is_complaint(block) and not confirmed:
        return render(request, "customers/confirm.html", {"member": member, "blocked": block})
    try:
        done = inviting.resend_invite(request.project, member.customer, by=request.by, confirmed=confirmed)
    except suppression.NeedsConfirmation:
        return render(request, "customers/confirm.html", {"member": member, "blocked": block})
    except ValueError as error:
        messages.error(request, str(error))
        return _back(request)
    address = member.customer.address
    if done.notification is None:
        why = done.not_sent.get_cause_display() if done.not_sent else "nothing was made"
        messages.warning(request, f"No invitation was sent to {address}: {why[:1].lower()}{why[1:]}.")
    elif block:
        messages.success(request, f"{address} is off the suppression list, and the invitation is on its way.")
    else:
        messages.success(request, f"The invitation to {address} is on its way.")
    return _back(request)


@project_member
def page(request: ProjectRequest, customer_id: int) -> HttpResponse:
    """One customer's page: how they stand, their requests, and the correction of the address."""
    member = _member(request.project, customer_id)
    form = Correction(request.POST or None, initial={"address": member.customer.address})
    if request.method == "POST" and form.is_valid():
        old = member.customer.address
        try:
            new = people.correct_address(request.project, member.customer, form.cleaned_data["address"], request.by)
        except ValueError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{old} is now {new.address}.")
            return redirect("customer", key=request.project.key, customer_id=new.pk)
    row = rows_of(request.project, [member])[0]
    context = {
        "row": row,
        "member": member,
        "form": form,
        "suggestion": getattr(validate(member.customer.address), "suggestion", None),
        "reported": Request.objects.filter(project=request.project, reporter=member.customer).order_by("-id")[:10],
        "is_admin": request.role == Role.ADMIN,
        "turned_off": opt_outs.of_project(request.project, member.customer),
    }
    return render(request, "customers/customer.html", context, status=422 if form.errors else 200)


def _member(project: Project, customer_id: int) -> ProjectCustomer:
    found = ProjectCustomer.objects.filter(project=project, customer_id=customer_id).select_related("customer").first()
    if found is None:
        raise Http404(f"This is not a customer of {project.name}.")
    return found


def _back(request: ProjectRequest) -> HttpResponse:
    """To the list, as it was searched."""
    q = request.POST.get("q", "")
    response = redirect("customers", key=request.project.key)
    if q:
        response["Location"] += "?" + urlencode({"q": q})
    return response
