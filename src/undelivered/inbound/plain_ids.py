"""Finds a relayed mail by its plain Message-ID: the weakest evidence, since everybody who has seen the mail knows it.

There is no index on Message-IDs, and none is wanted. The recipients that a report names are looked up instead, in the
projects that relay, within the days that are kept: a few rows, and one of them may have the Message-ID.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from undelivered.bounces import Report
from undelivered.delivery import claim
from undelivered.delivery.addresses import canonical
from undelivered.delivery.models import Notification
from undelivered.delivery.relayed import EVENT
from undelivered.inbound.models import Evidence, SmtpCredential, TrustedNetwork

MOST_RECIPIENTS = 20


def find(report: Report, project_id: int | None) -> tuple[UUID, Evidence] | None:
    """The newest notification with this Message-ID to a recipient of the report. `project_id`: whose it must be."""
    message_id = report.original.message_id
    named = {one for result in report.results for one in (result.original_recipient, result.recipient) if "@" in one}
    if not message_id or not named:
        return None
    bounds = claim.bounds(settings.ENV.keep_days)
    found = (
        Notification.objects.filter(
            id__gte=bounds["low"],
            id__lt=bounds["high"],
            project_id__in=[project_id] if project_id else _that_relay(),
            recipient_key__in=[canonical(one) for one in sorted(named)[:MOST_RECIPIENTS]],
            event=EVENT,
            message_id=message_id,
        )
        .order_by("-id")
        .values_list("id", flat=True)
        .first()
    )
    return (found, Evidence.PLAIN_MESSAGE_ID) if found else None


def _that_relay() -> list[int]:
    """Projects that take other programs' mail, or did."""
    known = set(SmtpCredential.objects.values_list("project_id", flat=True))
    return sorted(known | set(TrustedNetwork.objects.values_list("project_id", flat=True)))
