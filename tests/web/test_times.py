"""How moments are said."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from undelivered.web import times

NOW = datetime(2025, 11, 21, 13, 40, tzinfo=UTC)  # 14:40 in Berlin


@pytest.fixture(autouse=True)
def _berlin():
    with timezone.override("Europe/Berlin"):
        yield


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=20), "Just now"),
        (timedelta(seconds=50), "1 min ago"),
        (timedelta(minutes=42), "42 min ago"),
        (timedelta(minutes=59, seconds=50), "1 h ago"),
        (timedelta(hours=4), "4 h ago"),
        (timedelta(hours=21), "21 h ago"),
        (timedelta(hours=23), "Yesterday"),
        (timedelta(days=1), "Yesterday"),
        (timedelta(days=3), "3 days ago"),
        (-timedelta(seconds=20), "in a moment"),
        (-timedelta(minutes=9), "in 9 min"),
        (-timedelta(hours=4), "in 4 h"),
        (-timedelta(days=1), "tomorrow"),
        (-timedelta(days=7), "in 7 days"),
    ],
)
def test_a_moment_is_told_by_its_distance(ago, words):
    assert times.relative(NOW - ago, NOW) == words


def test_days_are_the_site_s_days():
    late = datetime(2025, 11, 20, 22, 30, tzinfo=UTC)  # 23:30 in Berlin, the day before
    assert times.relative(late, NOW) == "15 h ago"
    assert times.relative(late - timedelta(hours=8), NOW) == "Yesterday"


def test_the_exact_moment_names_its_zone():
    assert times.full(NOW) == "Friday 21 November 2025, 14:40:00 Europe/Berlin"


def test_a_year_is_said_where_it_is_not_this_one():
    assert times.short(NOW.replace(year=1999)) == "21 Nov 1999, 14:40"
