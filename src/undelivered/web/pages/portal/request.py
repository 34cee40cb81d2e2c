"""A request as its customer sees it: the public comments, a comment of one's own, notifications on and off."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from undelivered.desk import opt_outs
from undelivered.desk.actors import By
from undelivered.desk.links import Purpose
from undelivered.desk.models import Customer, Request
from undelivered.rules import act
from undelivered.web.pages.fields import DeskForm, Text
from undelivered.web.pages.portal.link import portal, request_of, show


class CommentForm(DeskForm):
    body = Text(label="Your comment", rows=5, error_messages={"required": "Write something first."})


@portal
def page(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows; POST adds a comment as the customer whose link it is."""
    found, customer = request_of(token, Purpose.REQUEST)
    form = CommentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            act.update_request(found, by=By(customer=customer), comment=form.cleaned_data["body"].strip(), public=True)
        except ValueError as error:
            form.refuse(error)
        else:
            return redirect(reverse("portal-request", args=[token]) + "?said=yes#last")
    context = {
        **_shown(found, customer, token),
        "form": form,
        "said": "said" in request.GET,
        "comments": found.comments.filter(public=True).select_related("person", "customer").order_by("id"),
    }
    return show(request, "portal/request.html", context, status=422 if form.errors else 200)


@portal
def notifications(request: HttpRequest, token: str) -> HttpResponse:
    """From the request's own page: GET asks, POST acts."""
    found, customer = request_of(token, Purpose.REQUEST)
    return _ask_or_turn(request, found, customer, {"request_url": reverse("portal-request", args=[token])})


@portal
def off(request: HttpRequest, token: str) -> HttpResponse:
    """From the link in a mail. A mail program's own button posts `List-Unsubscribe=One-Click` (RFC 8058)."""
    found, customer = request_of(token, Purpose.NOTIFICATIONS_OFF)
    return _ask_or_turn(request, found, customer, {})


def _ask_or_turn(request: HttpRequest, found: Request, customer: Customer, context: dict[str, str]) -> HttpResponse:
    done = request.method == "POST"
    if done:
        opt_outs.turn(found, customer, on=request.POST.get("notifications") == "on")
    shown = {"found": found, "customer": customer, "done": done, "is_off": opt_outs.is_off(found, customer)}
    return show(request, "portal/notifications.html", {**shown, **context})


def _shown(found: Request, customer: Customer, token: str) -> dict[str, object]:
    return {"found": found, "customer": customer, "token": token, "is_off": opt_outs.is_off(found, customer)}
