"""The geometry of the chart of failures per day."""

from datetime import date, timedelta

import pytest

from undelivered.delivery.kept_counts import Day
from undelivered.delivery.reasons import Reason
from undelivered.web.pages import chart

FIRST = date(2025, 11, 1)


def days(*numbers: int) -> list[Day]:
    return [
        Day(FIRST + timedelta(days=i), {Reason.PROVIDER_ERROR: n, Reason.SUPPRESSED: n} if n else {})
        for i, n in enumerate(numbers)
    ]


@pytest.mark.parametrize(
    ("top", "values"), [(0, [0, 1]), (3, [0, 1, 2, 3]), (7, [0, 2, 4, 6, 8]), (25, [0, 10, 20, 30])]
)
def test_the_grid_has_few_round_lines_and_room_for_the_highest_column(top, values):
    drawn = chart.draw([Day(FIRST, {Reason.PROVIDER_ERROR: top})], "mails")
    assert [line.value for line in drawn.lines] == values


def test_columns_stand_on_the_ground_and_never_leave_the_chart():
    drawn = chart.draw(days(0, 3, 12, 500), "mails")
    for column in drawn.columns:
        assert all(float(piece.y) >= chart.BASE - chart.HEIGHT for piece in column.pieces)
    first, second = drawn.columns[1].pieces
    assert float(first.y) + float(first.height) <= chart.BASE
    assert float(second.y) < float(first.y)


def test_the_sentence_says_what_the_picture_shows():
    assert chart.draw(days(1, 0, 4), "invitations").sentence == (
        "10 failed invitations from 1 November to 3 November. Most on 3 November: 8."
    )
    assert chart.draw(days(0, 0), "invitations").sentence == "No failed invitations from 1 November to 2 November."


def test_the_newest_day_is_always_labelled():
    for n in (7, 20, 21):
        assert chart.draw(days(*[1] * n), "mails").columns[-1].label


def test_every_reason_is_in_the_legend_with_its_total():
    legend = chart.draw(days(2, 3), "mails").legend
    assert {entry.reason for entry in legend} == set(Reason)
    assert {entry.total for entry in legend} == {5, 0}
