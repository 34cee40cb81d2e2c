"""How every portal page is opened: by the signed token of a link, and with headers that keep the link private.

There is no session here and no cookie means anything: whoever has the token may act, and nobody else can. So a forged
request from another site gains nothing, and these pages need no CSRF token (browsers, told to send no referrer, would
send `Origin: null`, which Django's check refuses).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from undelivered.desk import links
from undelivered.desk.links import Purpose
from undelivered.desk.models import Customer, Project, ProjectCustomer, Request
from undelivered.web.shell import theme_of


class Gone(Exception):
    """The link opens nothing: expired, forged, or what it led to is not there any more."""


def portal(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For every page of the portal."""

    @csrf_exempt
    @wraps(view)
    def opened(request: HttpRequest, token: str) -> HttpResponse:
        try:
            response = view(request, token)
        except Gone:
            response = show(request, "portal/gone.html", {}, status=404)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        response["Cache-Control"] = "no-store"
        # Django would write the address of a 4xx answer to the log, and the address holds the token.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response

    return opened


def show(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    frame = {"theme": theme_of(request), "site_name": settings.ENV.site_name}
    return render(request, template, {**frame, **context}, status=status)


def invitation(token: str) -> tuple[Project, ProjectCustomer]:
    """What an invitation's link opens. Raises `Gone`."""
    found = links.read(token, Purpose.INVITATION)
    if found is None:
        raise Gone
    project_id, customer_id = found
    member = (
        ProjectCustomer.objects.select_related("project", "customer")
        .filter(project_id=project_id, customer_id=customer_id, project__archived_at=None)
        .first()
    )
    if member is None:
        raise Gone
    return member.project, member


def request_of(token: str, purpose: Purpose) -> tuple[Request, Customer]:
    """The request and the customer that a link is about, if the customer is still one of its people. Raises `Gone`."""
    found = links.read(token, purpose)
    if found is None:
        raise Gone
    request_id, customer_id = found
    request = (
        Request.objects.select_related("project", "reporter").filter(pk=request_id, project__archived_at=None).first()
    )
    if request is None:
        raise Gone
    customer = Customer.objects.filter(pk=customer_id).first()
    involved = request.reporter_id == customer_id or request.participants.filter(pk=customer_id).exists()
    if customer is None or not involved:
        raise Gone
    return request, customer
