"""The states: which may follow which, and which are the end."""

from __future__ import annotations

from undelivered.delivery.states import FINAL, MOVES, State, may


def test_every_state_says_what_may_follow_it():
    assert set(MOVES) == set(State)


def test_only_a_claim_leads_to_sending_and_only_from_the_queue():
    assert [state for state in State if may(state, State.SENDING)] == [State.QUEUED]


def test_what_failed_can_only_turn_out_to_have_arrived_and_what_was_cancelled_stays_so():
    assert MOVES[State.FAILED] == {State.DELIVERED}
    assert not MOVES[State.CANCELLED]


def test_nothing_that_is_finished_goes_back_to_the_queue():
    assert not any(may(state, move) for state in FINAL for move in (State.QUEUED, State.SENDING, State.HELD))


def test_every_state_can_be_reached_from_the_queue():
    reached, edge = {State.QUEUED}, {State.QUEUED}
    while edge:
        edge = {move for state in edge for move in MOVES[state]} - reached
        reached |= edge
    assert reached == set(State)


def test_no_state_follows_itself():
    assert not any(may(state, state) for state in State)
