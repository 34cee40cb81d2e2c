"""Resending with today's words: what failed because of its template is rendered again, the rest stays as it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.db import transaction

from undelivered.delivery import resend as delivery
from undelivered.delivery.addresses import canonical
from undelivered.delivery.models import Content, Notification
from undelivered.delivery.reasons import Reason
from undelivered.delivery.resend import MOST, Resent
from undelivered.desk.actors import By
from undelivered.desk.models import Customer, Project, Request
from undelivered.rules.content import compose, templates_of
from undelivered.rules.rules_of import rules_of

__all__ = ("Resent", "resend")

#: What these failed of may be mended in the template since.
OF_THE_TEMPLATE = (Reason.INTERNAL_ERROR, Reason.TEMPLATE_TOO_LARGE)


@transaction.atomic
def resend(project: Project, wanted: Sequence[UUID], *, by: By, addresses: Mapping[UUID, str] | None = None) -> Resent:
    """Sends notifications again, for some to a corrected address. What blocks an address is lifted, but for complaints.

    Every refusal is a sentence in `refused`; nothing is raised for an id that is wrong or too old.
    """
    corrected = {id: address.strip() for id, address in (addresses or {}).items()}
    done = delivery.resend(project, wanted, by=by, contents=_rendered_again(project, wanted), addresses=corrected)
    _follow(new for new in done.new if new.resend_of in corrected)
    return done


def _rendered_again(project: Project, wanted: Sequence[UUID]) -> dict[UUID, Content]:
    """New contents by notification; notifications that shared one share the new one."""
    ids = [id for id in wanted[:MOST] if id.version == 7]
    if not ids:
        return {}
    rows = list(
        Notification.objects.filter(
            project=project, id__in=ids, id__gte=min(ids), id__lte=max(ids), reason__in=OF_THE_TEMPLATE, resent_as=None
        )
    )
    new = _contents(project, rows)
    return {row.id: new[row.content_id] for row in rows if row.content_id in new}


def _contents(project: Project, rows: Sequence[Notification]) -> dict[UUID, Content]:
    """For each old content that was made of rules: a new one, made of today's."""
    if not rows:
        return {}
    wanted = {row.content_id for row in rows}
    olds = Content.objects.filter(id__in=wanted, id__gte=min(wanted), id__lte=max(wanted))
    requests = Request.objects.in_bulk({row.request_id for row in rows if row.request_id})
    request_of = {row.content_id: requests.get(row.request_id or 0) for row in rows}
    rules = rules_of(project)
    made = {}
    for old in olds:
        if templates := templates_of(old.source, rules):
            made[old.id] = compose(project, request_of[old.id], templates, old.source.get("variables", {}))
    return made


def _follow(rows: Iterable[Notification]) -> None:
    """A corrected address may be another customer's: the links in the mail must be theirs."""
    for row in rows:
        customer = Customer.objects.filter(address_key=canonical(row.recipient)).first()
        if customer and customer.pk != row.customer_id:
            Notification.objects.filter(id=row.id).update(customer_id=customer.pk, recipient_name=customer.name)
            row.customer_id, row.recipient_name = customer.pk, customer.name
