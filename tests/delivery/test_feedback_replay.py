"""Whatever comes back, twice and in any order and batches, ends in the same state: rows, histories, list, counts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests import make
from tests.delivery.heard import hear, left, line
from undelivered.bounces import Suppress
from undelivered.database.statements import run
from undelivered.delivery.blocking import rule
from undelivered.delivery.evidence import Evidence
from undelivered.delivery.feedback import Feedback, Said
from undelivered.delivery.learning import learn
from undelivered.delivery.models import (
    DailyCountDelta,
    DeliveryEvent,
    Notification,
    Provider,
    Strike,
    Suppression,
)

NOW = datetime.now(UTC).replace(microsecond=0)
DAYS = 6
# What is said most often is what matters most: bounces that block, and receipts that prove them wrong.
CAUSES = (*["userunknown"] * 3, "hostunknown", *["mailboxfull"] * 4, "suspend", "spamdetected", "feedback", "")
SAID = (*[Said.BOUNCED] * 6, *[Said.DELIVERED] * 3, Said.COMPLAINED, Said.DELAYED)
ADDRESSES = ("ann@x.example", "bob@x.example")
#: How each notification of the world stands before anything is heard: (its project's provider is its own, state).
ROWS = (
    (False, "sent"),
    (False, "sent"),
    (False, "sent"),
    (True, "sent"),
    (True, "sent"),
    (False, "failed"),
    (False, "uncertain"),
)

Told = tuple[int, Feedback]


class Undone(Exception):
    """Ends a block whose changes are not to stay."""


def world() -> list[Notification]:
    """For each address and each of `ROWS` a notification, made some days ago."""
    projects = {False: make.project("IT"), True: make.project("HR")}
    providers = {
        False: Provider.objects.create(project=None, name="The site's").pk,
        True: Provider.objects.create(project=projects[True], name="Its own").pk,
    }
    rows = []
    for address in ADDRESSES:
        for own, state in ROWS:
            at = NOW - timedelta(days=DAYS, minutes=len(rows))
            row = left(projects[own], address, at=at, provider_id=providers[own])
            if state == "failed":
                refused(row, "mailboxfull")
            elif state == "uncertain":
                line(row, "uncertain")
                refused(row, "userunknown")
            rows.append(row)
    return rows


def refused(row: Notification, cause: str) -> None:
    """At sending, and learned there."""
    DeliveryEvent.objects.filter(notification_id=row.id, type="accepted").delete()
    line(row, "refused")
    Notification.objects.filter(id=row.id).update(state="failed", reason="provider_error", cause=cause, detail="no")
    whose = (row.id, row.project_id, row.recipient, row.recipient_key)
    run(learn([Evidence(*whose, cause, "no", row.finished_at, row.provider_id)]))


def state() -> dict[str, Any]:
    """All that may not depend on the order."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for delta in DailyCountDelta.objects.all():
        counts[delta.project_id, delta.day, delta.state, delta.reason] += delta.n
    said = ("state", "reason", "detail", "cause", "smtp_code", "enhanced_code", "finished_at")
    entry = ("address", "cause", "detail", "since", "until", "notification_id")
    return {
        "rows": sorted(Notification.objects.values_list("id", *said)),
        "lines": {one.pk: (one.at, one.type, one.data) for one in DeliveryEvent.objects.all()},
        "list": {
            (one[0], one[1]): one[2:] for one in Suppression.objects.values_list("project", "address_key", *entry)
        },
        "strikes": sorted(Strike.objects.values_list("project_id", "address_key", "cause", "day")),
        "counts": {key: n for key, n in counts.items() if n},
    }


def after(batches: Sequence[Sequence[Feedback]]) -> dict[str, Any]:
    """The state that these lead to, which does not stay."""
    try:
        with transaction.atomic():
            for batch in batches:
                hear(*batch)
            found = state()
            raise Undone
    except Undone:
        return found


@some.composite
def feedback(draw: some.DrawFn) -> tuple[int, dict[str, Any]]:
    """Which row it is about, and what is said of it."""
    verified = draw(some.integers(0, 5)) > 0
    which = draw(some.integers(0, len(ROWS) - 1)) + len(ROWS) * (draw(some.integers(0, 4)) == 0)
    values = {
        "said": draw(some.sampled_from(SAID)),
        "at": NOW - timedelta(days=draw(some.integers(0, DAYS - 1)), minutes=draw(some.integers(0, 2))),
        "cause": draw(some.sampled_from(CAUSES)),
        "detail": draw(some.sampled_from(("550 no", "552 5.2.2 full", ""))),
        "verified": verified,
        "recipient": "" if verified else ADDRESSES[which // len(ROWS)].upper(),
    }
    return which, values


def told(rows: Sequence[Notification], drawn: Sequence[tuple[int, dict[str, Any]]]) -> list[Feedback]:
    """What is not verified says nothing here of what failed at sending: whether it is heard depends on the rest."""
    return [
        Feedback(rows[which].id, key=f"event-{n}", **values)
        for n, (which, values) in enumerate(drawn)
        if values["verified"] or ROWS[which % len(ROWS)][1] == "sent"
    ]


def batches(given: Sequence[Feedback], dice: random.Random) -> list[list[Feedback]]:
    """Each twice, in any order, in batches of any size."""
    twice = [*given, *given]
    dice.shuffle(twice)
    found: list[list[Feedback]] = []
    while twice:
        size = dice.randint(1, len(twice))
        found.append(twice[:size])
        del twice[:size]
    return found


@pytest.mark.real
@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(some.data())
def test_a_replay_in_any_order_ends_in_the_same_state(data):
    drawn = data.draw(some.lists(feedback(), min_size=12, max_size=40))
    dice = data.draw(some.randoms(use_true_random=False))
    try:
        with transaction.atomic():
            given = told(world(), drawn)
            expected = after([given])
            assert after([[one] for one in reversed(given)]) == expected
            for _ in range(2):
                assert after(batches(given, dice)) == expected
            raise Undone
    except Undone:
        pass


@pytest.mark.real
@pytest.mark.django_db
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(some.data())
def test_the_list_is_what_the_table_of_causes_says_of_the_rows(data):
    """Seen from outside: nobody is blocked but by a failure that stands, or a complaint."""
    drawn = data.draw(some.lists(feedback(), min_size=12, max_size=40))
    try:
        with transaction.atomic():
            given = told(world(), drawn)
            hear(*given)
            rows = {row.id: row for row in Notification.objects.all()}
            dead = {row.recipient_key for row in rows.values() if row.state == "failed" and at_once(row)}
            complained = {
                (rows[one.notification_id].project_id, rows[one.notification_id].recipient_key)
                for one in given
                if one.verified and one.said is Said.COMPLAINED and rows[one.notification_id].state != "failed"
            }
            for entry in Suppression.objects.all():
                named = rows[entry.notification_id]
                assert named.recipient_key == entry.address_key
                if rule(entry.cause) is Suppress.AT_ONCE:
                    assert entry.address_key in dead
                    assert entry.until is None
                elif rule(entry.cause) is Suppress.AFTER_REPEATS:
                    assert entry.until > NOW
            complaints = {
                (entry.project_id, entry.address_key) for entry in Suppression.objects.filter(cause="feedback")
            }
            assert complained <= complaints
            raise Undone
    except Undone:
        pass


def at_once(row: Notification) -> bool:
    return rule(row.cause) is Suppress.AT_ONCE


@pytest.mark.usefixtures("committed")
def test_readers_side_by_side_neither_block_each_other_nor_change_the_end():
    dice = random.Random(7)
    rows = world()
    given = [
        Feedback(
            rows[n % len(rows)].id,
            dice.choice(SAID),
            NOW - timedelta(days=dice.randrange(DAYS), minutes=dice.randrange(3)),
            f"event-{n}",
            cause=dice.choice(CAUSES),
            detail="550 no",
        )
        for n in range(120)
    ]
    expected = after([given])

    def reader(n: int) -> None:
        try:
            mine = random.Random(n)
            for batch in batches([one for at, one in enumerate(given) if at % 3 != n], mine):
                with transaction.atomic():
                    hear(*batch)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as readers:
        list(readers.map(reader, range(3)))
    assert state() == expected
