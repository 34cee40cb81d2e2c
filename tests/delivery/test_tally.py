"""What a worker tells of itself: its row with every heartbeat, and the site's throughput that outlives it."""

from __future__ import annotations

import json

import pytest
from django.db.models import Sum

from tests import make
from tests.delivery.worker_at import FULL, NO_SUCH_USER
from undelivered.delivery.models import Throughput
from undelivered.delivery.models import Worker as Registered
from undelivered.delivery.tally import BUCKETS, Tally


def test_a_duration_is_counted_in_the_class_that_it_does_not_exceed():
    tally = Tally()
    for seconds in (0.0, 0.005, 0.0051, 600.0, 601.0):
        tally.attempted("accepted", seconds)
    assert tally.took[0] == 2
    assert tally.took[1] == 1
    assert tally.took[len(BUCKETS) - 1] == 1
    assert tally.took[len(BUCKETS)] == 1
    assert tally.attempts == {"accepted": 5}


@pytest.fixture
def busy(worker, project):
    """A worker that has sent one mail, was refused one, and retries one."""
    for recipient, answer in (("no@x.example", NO_SUCH_USER), ("full@x.example", FULL)):
        worker.script.says[recipient] = [answer]
    for recipient in ("ann@x.example", "no@x.example", "full@x.example"):
        make.notification(project, recipient)
    assert worker.turn() == 3
    return worker


def test_a_heartbeat_writes_what_the_worker_has_done(busy):
    busy.run(busy.worker.house.beat_once())
    stats = Registered.objects.get().stats
    assert stats["attempts"] == {"accepted": 1, "refused": 1, "trylater": 1}
    assert stats["results"] == {"sent": 1, "failed/provider_error": 1, "queued": 1}
    assert sum(stats["took"]) == 3
    assert stats["in_hand"] == 0
    assert stats["pool"]["size"] >= 1
    assert stats["rss"] > 1_000_000
    assert "@" not in json.dumps(stats)


def test_throughput_is_summed_and_never_told_twice(busy, project):
    busy.run(busy.worker.house.beat_once())
    busy.run(busy.worker.house.beat_once())
    make.notification(project)
    busy.turn()
    busy.run(busy.worker.house.beat_once())
    total = Throughput.objects.aggregate(sent=Sum("sent"), failed=Sum("failed"), retried=Sum("retried"))
    assert total == {"sent": 2, "failed": 1, "retried": 1}


def test_a_worker_that_stops_tells_the_last_of_it(busy):
    busy.run(busy.worker.close(grace_s=1))
    assert sum(Throughput.objects.values_list("sent", flat=True)) == 1
    assert not Registered.objects.exists()
    busy.run(busy.worker.start())  # the fixture closes it again
