"""Places: whose mail goes next, and that nobody holds all the connections of a provider that others use, too."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from undelivered.delivery.places import Places

A, B, C = 1, 2, 3


@dataclass(frozen=True)
class Row:
    project_id: int


@dataclass(frozen=True)
class Mail:
    row: Row
    number: int


def waiting(places: int, *projects: int, shared: bool = True) -> Places[Mail]:
    made: Places[Mail] = Places(places, shared=shared)
    for number, project in enumerate(projects):
        made.join(Mail(Row(project), number))
    return made


def who_goes(places: Places[Mail]) -> list[int]:
    """Until all places are taken, or nobody may take one."""
    found = []
    while mail := places.next():
        found.append(mail.row.project_id)
    return found


def test_projects_take_turns_whoever_came_first():
    assert who_goes(waiting(30, *[A] * 4, B, B, C)) == [A, B, C, A, B, A, A]


def test_a_projects_own_mails_go_in_their_order():
    one = waiting(30, A, B, A, A)
    numbers = [mail.number for mail in iter(one.next, None) if mail.row.project_id == A]
    assert numbers == [0, 2, 3]


@pytest.mark.parametrize(("places", "most"), [(1, 1), (2, 1), (5, 4), (10, 9), (20, 18), (100, 90)])
def test_one_alone_leaves_a_tenth_to_others(places, most):
    assert len(who_goes(waiting(places, *[A] * 200))) == most


def test_of_its_own_provider_a_project_has_all_connections():
    assert len(who_goes(waiting(20, *[A] * 200, shared=False))) == 20


def test_there_is_a_place_for_who_comes_later_but_not_for_a_second_mail_of_theirs():
    one = waiting(10, *[A] * 50)
    who_goes(one)
    for project in (B, B):
        one.join(Mail(Row(project), 0))
    assert who_goes(one) == [B]
    one.join(Mail(Row(C), 0))
    assert who_goes(one) == []  # all ten are taken


def test_who_leaves_makes_room_for_the_next():
    one = waiting(3, A, A, A, B)
    first, second = one.next(), one.next()
    assert [first.row.project_id, second.row.project_id] == [A, B]
    assert one.next() is None  # the third place is kept for somebody else
    one.left(first)
    assert one.next().row.project_id == A


def test_those_who_are_sent_away_are_gone_and_those_under_way_are_not():
    one = waiting(2, A, A, B, shared=False)
    first = one.next()
    assert {mail.number for mail in one.clear()} == {1, 2}
    assert len(one) == 0
    one.left(first)
    one.join(first)
    assert one.next() is first


def test_fewer_places_than_before_are_waited_for():
    one = waiting(4, *[A] * 10, shared=False)
    under_way = [one.next() for _ in range(4)]
    one.n = 2
    for mail in under_way[:2]:
        assert one.next() is None
        one.left(mail)
    assert one.next() is None
    one.left(under_way[2])
    assert one.next() is not None


def test_a_place_is_handed_on_to_the_mail_whose_turn_it_is():
    places = waiting(2, A, A, B)
    first = places.next()
    assert first is not None
    following = places.hand_on(first)
    assert following is not None
    assert following.row.project_id == B
    places.left(following)
    assert len(who_goes(places)) == 1  # as if neither had been there


def test_who_has_nobody_behind_keeps_the_place():
    places = waiting(1, A)
    first = places.next()
    assert first is not None
    assert places.hand_on(first) is None
    places.join(first)
    assert places.next() is None
    places.left(first)
    assert places.next() is first
