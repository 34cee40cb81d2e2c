"""What reads things that came back: `delivery.feedback`, and the same by the ORM, one by one. A helper process."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import django

from benchmarks import _caller
from benchmarks._helper import serve

BATCH = 200  # as `inbound.reading` does
#: Of a hundred: what a provider's webhooks say on a usual day.
USUAL = (
    ("delivered", "", 92),
    ("delayed", "mailboxfull", 2),
    ("bounced", "userunknown", 3),
    ("bounced", "mailboxfull", 2),
)
_kept: dict[str, Any] = {}

LEFT = """
WITH left_now AS (
    UPDATE delivery_notification SET state = 'sent', attempts = 1, due_at = NULL, finished_at = now(), provider_id = %s,
        detail = '250 2.0.0 Ok: queued'
    WHERE state = 'queued' RETURNING id)
INSERT INTO delivery_deliveryevent (notification_id, event_key, at, type, attempt, data)
SELECT id, 'accepted-1', now(), 'accepted', 1, '{"reply": "250 2.0.0 Ok: queued", "code": 250}' FROM left_now
RETURNING notification_id
"""


def sent(n: int) -> None:
    """So many notifications that have left, each to its own recipient."""
    from django.db import connection

    from undelivered.delivery.models import Notification, Provider

    _caller.fill(n)
    with connection.cursor() as cursor:
        cursor.execute(LEFT, [Provider.objects.get(project=None).pk])
        _kept["rows"] = sorted(id for (id,) in cursor.fetchall())
        cursor.execute("VACUUM ANALYZE delivery_notification, delivery_deliveryevent")
    _kept["recipients"] = dict(Notification.objects.values_list("id", "recipient"))


def told(bounces: bool) -> list[Any]:
    """What comes back of each: a usual day's, or nothing but bounces."""
    from undelivered.delivery.feedback import Feedback, Said

    day = [("bounced", "userunknown")] * 100 if bounces else [(s, c) for s, c, n in USUAL for _ in range(n)]
    day += [("complained", "")] * (100 - len(day))
    now = datetime.now(UTC)
    return [
        Feedback(
            id,
            Said(day[n * 37 % 100][0]),
            now + timedelta(milliseconds=n),
            f"event-{id.hex}",
            recipient=_kept["recipients"][id],
            cause=day[n * 37 % 100][1],
            detail="550 5.1.1 <customer@company.example>: Recipient address rejected: User unknown",
            code=550,
            enhanced="5.1.1",
            data={"source": "postmark", "reply": "550 5.1.1 User unknown", "host": "mx.company.example"},
        )
        for n, id in enumerate(_kept["rows"])
    ]


def ours(bounces: bool = False, did: tuple[str, ...] = ("changed", "noted")) -> dict[str, Any]:
    from django.db import transaction

    from undelivered.delivery import feedback

    given = told(bounces)
    begun = time.perf_counter()
    for at in range(0, len(given), BATCH):
        with transaction.atomic():
            effects = feedback.apply(given[at : at + BATCH])
    assert {effect.did.value for effect in effects} <= set(did)
    return {"begun": begun, "ended": time.perf_counter(), "n": len(given)}


def again() -> dict[str, Any]:
    """All of it once more: nothing may change."""
    return ours(did=("known",))


def theirs(bounces: bool = False) -> dict[str, Any]:
    """As it is usually written: a transaction for each, its row locked, its event kept, the row saved."""
    given = told(bounces)
    begun = time.perf_counter()
    for one in given:
        _by_orm(one)
    return {"begun": begun, "ended": time.perf_counter(), "n": len(given)}


def _by_orm(one: Any) -> None:
    from django.db import transaction
    from django.db.models import F

    from undelivered.delivery.addresses import canonical
    from undelivered.delivery.models import DailyCountDelta, DeliveryEvent, Notification, Suppression

    states = {"delivered": "delivered", "bounced": "failed", "complained": "delivered"}
    with transaction.atomic():
        row = Notification.objects.select_for_update().get(id=one.notification_id)
        if canonical(one.recipient) != row.recipient_key:
            return
        _, new = DeliveryEvent.objects.get_or_create(
            notification_id=row.id, event_key=one.key, defaults={"at": one.at, "type": one.said.value, "data": one.data}
        )
        if not new or one.said.value not in states:
            return
        old, row.state = row.state, states[one.said.value]
        row.cause, row.detail, row.smtp_code, row.finished_at = one.cause, one.detail, one.code, one.at
        row.reason = "provider_error" if row.state == "failed" else ""
        row.save(update_fields=["state", "reason", "cause", "detail", "smtp_code", "finished_at"])
        day = {"project_id": row.project_id, "day": one.at.date(), "kind": row.kind}
        for state, n in ((old, -1), (row.state, 1)):
            count, made = DailyCountDelta.objects.get_or_create(**day, state=state, defaults={"n": n})
            if not made:
                DailyCountDelta.objects.filter(pk=count.pk).update(n=F("n") + n)
        if one.cause == "userunknown" or one.said.value == "complained":
            Suppression.objects.get_or_create(
                project=None, address_key=row.recipient_key, defaults={"address": row.recipient, "cause": one.cause}
            )


def tidy() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE delivery_notification, delivery_deliveryevent, delivery_suppression, delivery_strike,"
            " delivery_dailycountdelta"
        )


def prepare() -> dict[str, Any]:
    return _caller.prepare(port=9)


if __name__ == "__main__":
    django.setup()
    serve({function.__name__: function for function in (prepare, sent, ours, again, theirs, tidy)})
