"""Ids: their order is the order of time, they carry their moment, and bounds of days hold."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undelivered.database import ids

MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


def test_ids_of_one_process_rise_strictly_even_many_in_a_millisecond():
    made = [ids.uuid7() for _ in range(6_000)]
    assert made == sorted(set(made))


def test_ids_of_many_threads_are_all_different():
    made: list[UUID] = []
    threads = [threading.Thread(target=lambda: made.extend([ids.uuid7() for _ in range(1_000)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 4_000


def test_an_id_is_a_uuid_of_version_7_and_says_now():
    before = datetime.now(UTC)
    made = ids.uuid7()
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert abs(ids.created_at(made) - before) < timedelta(seconds=5)


def test_ids_still_rise_when_the_clock_jumps_back(monkeypatch):
    first = ids.uuid7()
    monkeypatch.setattr(ids.time, "time_ns", lambda: 0)
    assert ids.uuid7() > first


@given(MOMENTS)
def test_an_id_of_a_moment_carries_it_to_the_millisecond(moment):
    made = ids.uuid7_at(moment)
    assert ids.created_at(made) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert ids.lowest(moment) <= made < ids.lowest(moment + timedelta(milliseconds=1))


@given(MOMENTS, MOMENTS)
def test_bounds_are_in_the_order_of_their_moments(one, other):
    earlier, later = sorted((one, other))
    assert ids.lowest(earlier) <= ids.lowest(later)


@given(MOMENTS)
def test_the_day_of_an_id_has_the_bounds_that_hold_it(moment):
    made = ids.uuid7_at(moment)
    low, high = ids.day_bounds(ids.day_of(made))
    assert low <= made < high


def test_the_last_millisecond_of_a_day_belongs_to_it():
    low, high = ids.day_bounds(date(2026, 3, 1))
    last = ids.uuid7_at(datetime(2026, 3, 1, 23, 59, 59, 999_000, tzinfo=UTC))
    first = ids.uuid7_at(datetime(2026, 3, 2, tzinfo=UTC))
    assert low <= last < high <= first


@pytest.mark.parametrize("made_up", [UUID(int=0), UUID(int=2**128 - 1), UUID("ffffffff-ffff-7fff-bfff-ffffffffffff")])
def test_an_id_that_a_caller_made_up_has_a_moment_too(made_up):
    assert ids.created_at(made_up).tzinfo is UTC
    assert isinstance(ids.day_of(made_up), date)


def test_a_moment_before_1970_is_the_lowest_bound_and_no_error():
    assert ids.lowest(datetime(1900, 1, 1, tzinfo=UTC)) == UUID(int=0)


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(TypeError):
        ids.lowest(datetime(2026, 1, 1))  # noqa: DTZ001
