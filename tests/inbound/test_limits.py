"""How much one client may ask; and that nobody whose mail is wanted is turned away."""

from __future__ import annotations

from undelivered.inbound import replies
from undelivered.inbound.limits import (
    FAILURE_WINDOW_S,
    LOCKED_S,
    LONGEST_DELAY_S,
    MOST_FAILURES,
    POSTMASTER_AN_HOUR,
    RETURNERS_A_MINUTE,
    STRANGERS_A_MINUTE,
    Limits,
    whose,
)

DESK, OTHER = "192.0.2.1", "192.0.2.2"


def test_one_client_has_half_of_the_connections_and_all_together_no_more_than_there_are() -> None:
    limits = Limits(4)
    assert [limits.admit(DESK, 0, trusted=True) for _ in range(3)] == [None, None, replies.TOO_MANY_CONNECTIONS]
    assert [limits.admit(OTHER, 0, trusted=True) for _ in range(2)] == [None, None]
    assert limits.admit("192.0.2.3", 0) == replies.TOO_MANY_CONNECTIONS
    limits.leave(DESK)
    assert limits.admit("192.0.2.3", 0) is None


def test_strangers_are_slowed_down_and_heard_again_in_the_next_minute() -> None:
    limits = Limits(1000)
    answers = []
    for _ in range(STRANGERS_A_MINUTE + 1):
        answers.append(limits.admit(DESK, 5))
        if answers[-1] is None:
            limits.leave(DESK)
    assert answers == [None] * STRANGERS_A_MINUTE + [replies.TOO_FAST]
    assert limits.admit(DESK, 65) is None


def test_who_brings_back_what_we_sent_may_bring_much_more() -> None:
    limits = Limits(1000)
    limits.returned(DESK, 5)
    for _ in range(RETURNERS_A_MINUTE):
        assert limits.admit(DESK, 5) is None
        limits.leave(DESK)
    assert limits.admit(DESK, 5) == replies.TOO_FAST
    limits.forget(5 + 3600)
    limits.failed(OTHER, 5)
    limits.returned(OTHER, 5)
    for _ in range(MOST_FAILURES):
        limits.failed(OTHER, 5)
    assert limits.admit(OTHER, 6) == replies.LOCKED_OUT, "it may not guess passwords for that"


def test_the_postmaster_gets_so_many_mails_an_hour() -> None:
    limits = Limits(1000)
    assert {limits.postmaster(n) for n in range(POSTMASTER_AN_HOUR)} == {None}
    assert limits.postmaster(1000) == replies.POSTMASTER_BUSY
    assert limits.postmaster(3600.5) is None


def test_who_has_logged_in_is_never_slowed_down() -> None:
    limits = Limits(1000)
    limits.logged_in(DESK, 5)
    for _ in range(STRANGERS_A_MINUTE * 2):
        assert limits.admit(DESK, 6) is None
        limits.leave(DESK)


def test_a_wrong_password_waits_longer_each_time_and_then_locks_a_stranger_out_for_a_while() -> None:
    limits = Limits(1000)
    delays = [limits.failed(DESK, 10) for _ in range(MOST_FAILURES)]
    assert delays[:5] == [1, 2, 4, 8, 8]
    assert max(delays) == LONGEST_DELAY_S
    assert limits.admit(DESK, 11) == replies.LOCKED_OUT
    assert limits.admit(OTHER, 11) is None
    assert limits.admit(DESK, 11 + LOCKED_S) is None


def test_a_wrong_password_of_one_program_does_not_lock_out_the_other_on_the_same_machine() -> None:
    limits = Limits(1000)
    limits.logged_in(DESK, 5)
    for _ in range(MOST_FAILURES * 2):
        limits.failed(DESK, 10)
    assert limits.admit(DESK, 11) is None


def test_failures_are_forgotten() -> None:
    limits = Limits(1000)
    for _ in range(5):
        limits.failed(DESK, 10)
    assert limits.failed(DESK, 10 + FAILURE_WINDOW_S + 1) == 1


def test_the_table_of_clients_stays_small() -> None:
    limits = Limits(1000)
    for n in range(100):
        address = f"198.51.100.{n}"
        limits.admit(address, 5)
        limits.leave(address)
    limits.admit(DESK, 5)
    limits.forget(5)
    assert len(limits._clients) == 101
    limits.forget(125)
    assert list(limits._clients) == [DESK]


def test_an_ipv6_client_is_its_network() -> None:
    assert whose("2001:db8:1:2::3") == whose("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert whose("::ffff:192.0.2.1") == whose("192.0.2.1")
    assert whose("fe80::1%eth0") == "fe80::/64"
    assert whose("") == ""
