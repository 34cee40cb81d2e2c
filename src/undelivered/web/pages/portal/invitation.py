"""Where an invitation's link leads: GET shows it, POST accepts it. Mail scanners that follow links accept nothing."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.models import ProjectCustomer
from undelivered.web.pages.portal.link import invitation, portal, show


@portal
def page(request: HttpRequest, token: str) -> HttpResponse:
    project, member = invitation(token)
    accepted = member.accepted_at is not None
    if request.method == "POST" and not accepted:
        _accept(member)
        accepted = True
    return show(request, "portal/invitation.html", {"project": project, "member": member, "accepted": accepted})


@transaction.atomic
def _accept(member: ProjectCustomer) -> None:
    fresh = ProjectCustomer.objects.filter(pk=member.pk, accepted_at=None).update(accepted_at=timezone.now())
    if fresh:
        by = By(customer=member.customer)
        audit.record("customer.accepted", by=by, project=member.project, target=member.customer.address)
