"""One notification: what to do next on top, then what happened, what was sent, and what else went to this address.

Project admins act here. Agents see that it failed and why, but neither the mail nor the buttons.
"""

from __future__ import annotations

from datetime import timedelta
from html import escape
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from undelivered.database import ids
from undelivered.delivery import addresses, explain, failures, personal, relayed, suppression
from undelivered.delivery import resend as delivery_resend
from undelivered.delivery.models import Content, EventType, Kind, Notification, Provider
from undelivered.delivery.reasons import Reason
from undelivered.delivery.resend import Resent
from undelivered.delivery.states import State
from undelivered.delivery.suppression import cause_label
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import Customer, Role
from undelivered.rules import people
from undelivered.rules import resend as rules_resend
from undelivered.rules.events import EVENTS
from undelivered.web.guard import ProjectRequest, project_admin, project_member
from undelivered.web.headers import MAIL_POLICY
from undelivered.web.pages import resent, timeline

OTHERS = 6
EXPLAINED_BY_CAUSE = {Reason.PROVIDER_ERROR, Reason.UNKNOWN_ERROR}
#: How many failed ones to the same address are sent again with a corrected one.
AT_ONCE = 200


@project_member
@require_safe
def notification(request: ProjectRequest, id: UUID) -> HttpResponse:
    return _page(request, _find(request, id))


@project_admin
@require_safe
def mail(request: ProjectRequest, id: UUID) -> HttpResponse:
    """What the mail says, alone, for the sandboxed frame; links in it lead nowhere."""
    row = _find(request, id)
    content = failures.content(row)
    if content is None or not content.html:
        raise Http404("What this mail said is no longer kept.")
    html = personal.fill(content.html, personal.hidden(row), escape)
    return HttpResponse(html, headers={"Content-Security-Policy": MAIL_POLICY, "Cache-Control": "private, no-store"})


@project_admin
@require_POST
def resend(request: ProjectRequest, id: UUID) -> HttpResponse:
    row = _find(request, id)
    done = rules_resend.resend(request.project, [row.id], by=request.by)
    messages.add_message(request, *resent.said(done))
    return _to(request, done.new[0] if done.new else row)


@project_admin
@require_POST
def correct(request: ProjectRequest, id: UUID) -> HttpResponse:
    """Gives the customer the right address, and sends to it what failed at the wrong one."""
    row = _find(request, id)
    address = request.POST.get("address", "").strip()
    if fault := _fault(row, address):
        return _page(request, row, address=address, fault=fault, status=422)
    failed = [row.id, *(one.id for one in _failed_too(request, row))]
    try:
        done = _corrected(request, row, failed, address)
    except BadInput as error:
        return _page(request, row, address=address, fault=str(error), status=422)
    messages.add_message(request, *resent.said(done))
    return _to(request, done.new[0] if done.new else row)


@transaction.atomic
def _corrected(request: ProjectRequest, row: Notification, failed: list[UUID], address: str) -> Resent:
    customer = Customer.objects.filter(pk=row.customer_id).first() if row.customer_id else None
    of_project = customer and customer.project_customers.filter(project=request.project).exists()
    if customer and of_project and customer.address == row.recipient:
        people.correct_address(request.project, customer, address, request.by)
    return rules_resend.resend(request.project, failed, by=request.by, addresses=dict.fromkeys(failed, address))


def _fault(row: Notification, address: str) -> str:
    """Why an address is no correction: elsewhere such a one is taken as it is, here it would only fail again."""
    if not address:
        return "Enter an email address."
    if address == row.recipient:
        return "This is the address that failed."
    problem = addresses.validate(address) or addresses.private(address)
    if problem is None:
        return ""
    return f"{problem.detail} Perhaps {problem.suggestion} was meant." if problem.suggestion else problem.detail


def _suggested(row: Notification) -> str:
    """What the form begins with: what was probably meant, where that can be told."""
    problem = addresses.validate(row.recipient)
    return (problem.suggestion if problem else "") or row.recipient


@project_admin
@require_POST
def cancel(request: ProjectRequest, id: UUID) -> HttpResponse:
    """Takes a mail back that waits."""
    row = _find(request, id)
    if delivery_resend.cancel(request.project, [row.id], by=request.by):
        messages.success(request, "The notification is cancelled. Nothing is sent.")
    else:
        messages.warning(request, "It was too late to cancel: it is being sent, or it is done.")
    return _to(request, row)


@project_admin
@require_POST
def release(request: ProjectRequest, id: UUID) -> HttpResponse:
    """Sends a held mail now; if the limit is still used up, it is held again."""
    row = _find(request, id)
    if delivery_resend.release_held(request.project, by=request.by, wanted=[row.id]):
        messages.success(request, "The notification is queued. If the limit is still used up, it is held again.")
    else:
        messages.warning(request, "It is not held any more.")
    return _to(request, row)


def _find(request: ProjectRequest, id: UUID) -> Notification:
    row = failures.get(id)
    if row is None or row.project_id != request.project.pk:
        raise Http404(f"There is no such notification in {request.project.name}. They are kept for {_kept()} days.")
    return row


def _to(request: ProjectRequest, row: Notification) -> HttpResponse:
    return redirect("notification", key=request.project.key, id=row.id)


def _kept() -> int:
    return int(settings.ENV.keep_days)


def _failed_too(request: ProjectRequest, row: Notification) -> list[Notification]:
    """Others to the same address that failed and were not sent again."""
    others = failures.to_address(request.project, row.recipient, AT_ONCE)
    return [one for one in others if one.id != row.id and one.state == State.FAILED and not one.resent_as]


def _page(
    request: ProjectRequest, row: Notification, *, address: str | None = None, fault: str = "", status: int = 200
) -> HttpResponse:
    admin = request.role == Role.ADMIN
    events = failures.events(row.id)
    tab = "log-invitations" if row.kind == Kind.INVITATION else "log-requests"
    context: dict[str, Any] = {
        "row": row,
        "project": request.project,
        "admin": admin,
        "has_rule": row.event in EVENTS,
        "step": explain.next_step(row),
        "why": _why(row),
        "entries": timeline.entries(events),
        "complained": explain.complained(row),
        "bounced": {row.id} if any(event.type == EventType.BOUNCED for event in events) else set(),
        "log_url": reverse(tab, kwargs={"key": request.project.key}),
        "log_label": "Customer invitations" if row.kind == Kind.INVITATION else "Request notifications",
        "blocked": suppression.find(request.project, row.recipient),
        "cause": cause_label(row.cause) if row.cause else "",
        "provider": Provider.objects.filter(pk=row.provider_id).first() if row.provider_id else None,
        "kept_until": ids.created_at(row.id) + timedelta(days=_kept()),
        "keep_days": _kept(),
        "moving": row.state in {State.QUEUED, State.SENDING} and not row.retrying,
        "can_cancel": admin and row.state in {State.QUEUED, State.HELD},
        "can_release": admin and row.state == State.HELD,
        "can_resend": admin and row.state in delivery_resend.RESENDABLE and not row.resent_as,
        "address": _suggested(row) if address is None else address,
        "fault": fault,
    }
    if admin:
        others = _others(request, row)
        context |= {"failed_too": _failed_too(request, row), "others": others, **_sent(row, request)}
        context["bounced"] |= failures.bounced(others)
    return render(request, "notification/page.html", context, status=status)


def _why(row: Notification) -> str:
    """What is wrong with this very mail; a provider's refusal is the title of the next step already."""
    if row.state != State.FAILED or row.resent_as or row.smtp_code or row.reason in EXPLAINED_BY_CAUSE:
        return ""
    return explain.details(row).first


def _others(request: ProjectRequest, row: Notification) -> list[Notification]:
    return failures.to_address(request.project, row.recipient, OTHERS)


def _sent(row: Notification, request: ProjectRequest) -> dict[str, Any]:
    """What the mail said, or why that cannot be shown."""
    content = failures.content(row)
    if content is None:
        return {"content": None}
    values = personal.hidden(row)
    part = request.GET.get("part")
    return {
        "content": content,
        "sender": _mailbox(content.from_name, content.from_address),
        "receiver": _mailbox(row.recipient_name, row.recipient),
        "subject": personal.fill(content.subject, values),
        "text": personal.fill(content.text, values)
        if content.raw is None
        else relayed.shown_as_text(bytes(content.raw)),
        "part": part if part in {"html", "text"} else _first_part(content),
    }


def _first_part(content: Content) -> str:
    return "html" if content.html else "text"


def _mailbox(name: str, address: str) -> str:
    return f"{name} <{address}>" if name else address
