"""A request as its customer sees it: the public comments, a comment of one's own, mails on and off.

What a mail offers to turn off is turned off here, too: its link asks first (GET), and its button acts (POST). What only
follows links (scanners, previews, HEAD) changes nothing.
"""

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
        **_wishes(found, customer),
        "token": token,
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
    """From the link in a mail, or its header: a mail program's own button posts `List-Unsubscribe=One-Click`."""
    found, customer = request_of(token, Purpose.NOTIFICATIONS_OFF)
    if request.method == "POST" and request.POST.get("List-Unsubscribe") == "One-Click":
        # RFC 8058, 3.2: at once, without a question, and without a page that nobody sees.
        opt_outs.turn(found, customer, on=False)
        return HttpResponse(f"Mails about {found.issue_key} are off.\n", content_type="text/plain; charset=utf-8")
    return _ask_or_turn(request, found, customer, {})


def _ask_or_turn(request: HttpRequest, found: Request, customer: Customer, context: dict[str, str]) -> HttpResponse:
    """Turns this request's mails on or off, or with `what=project` all that can be turned off in its project."""
    done = request.method == "POST"
    if done:
        on = request.POST.get("notifications") == "on"
        if request.POST.get("what") == "project":
            opt_outs.turn_project(found.project, customer, on=on)
        else:
            opt_outs.turn(found, customer, on=on)
    return show(request, "portal/notifications.html", {**_wishes(found, customer), "done": done, **context})


def _wishes(found: Request, customer: Customer) -> dict[str, object]:
    """`is_reporter`: they hear of the resolution in any case (`rules.events`)."""
    return {
        "found": found,
        "customer": customer,
        "is_off": opt_outs.is_off(found, customer),
        "project_off": opt_outs.of_project(found.project, customer),
        "is_reporter": found.reporter_id == customer.pk,
    }
