"""Rates of providers and connections of recipient domains: honoured by all workers together, without burnt attempts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests import make
from tests.delivery.worker_at import WorkerAt, connect, make_due, types_of
from undelivered.delivery import claim, rates
from undelivered.delivery.breaker import Board, Known
from undelivered.delivery.models import Notification, Provider, Worker
from undelivered.delivery.rates import CLOSER, LONGEST_WAIT, Limits, Line, Pace, limits_of, share

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "smtp+plain://127.0.0.1:9"


def seconds(n: float) -> timedelta:
    return timedelta(seconds=n)


def known(url: str = URL, *, project: int | None = None, paced_until: datetime | None = None, **more) -> Known:
    values = {"failures": 0, "paused_until": None, **more}
    return Known(10 + (project or 0), project, url, "", NOW, values["paused_until"], values["failures"], paced_until)


def board(*providers: Known) -> Board:
    return Board.of(providers)


# --- what a rate allows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "since_s", "allowed"),
    [(10, None, 10), (10, 100, 10), (10, 0.5, 5), (10, 0, 0), (10, -1, -10), (0.5, 1, 0.5), (0.5, 100, 1)],
)
def test_unused_time_is_kept_for_a_second_or_for_one_mail(rate: float, since_s: float | None, allowed: float) -> None:
    until = None if since_s is None else NOW - seconds(since_s)
    assert Limits(rate).allowance(until, NOW) == pytest.approx(allowed, abs=1e-3)


@pytest.mark.parametrize(
    ("rate", "until_s", "again_s"),
    [
        (10, -10, None),  # nobody was handed anything lately
        (10, -0.1, None),  # one mail may go, which is a tenth of a second's worth
        (10, 0, 0.1),
        (100, -0.05, 0.05),  # five may go, ten are worth a turn
        (0.5, 0, 2),
        (0.5, -1, 1),
    ],
)
def test_a_group_of_mails_is_waited_for(rate: float, until_s: float, again_s: float | None) -> None:
    again = Limits(rate).next_group(NOW + seconds(until_s), NOW)
    assert (again - NOW).total_seconds() == pytest.approx(again_s) if again_s and again else again is again_s is None


def test_a_provider_without_a_rate_is_never_waited_for() -> None:
    assert Limits().next_group(NOW + seconds(100), NOW) is None


def test_a_providers_url_goes_before_the_sites_settings() -> None:
    usual = Limits(5.0, 3)
    assert limits_of(URL, usual) == usual
    assert limits_of(f"{URL}?rate=0.5", usual) == Limits(0.5, 3)
    assert limits_of(f"{URL}?domain_connections=9", Limits()) == Limits(None, 9)
    assert limits_of("nonsense", usual) == usual


# --- the board --------------------------------------------------------------------------------------------------------


def test_a_provider_whose_rate_is_used_up_rests_until_a_group_may_leave() -> None:
    pace = Pace(1, Limits(10.0))
    resting = pace.board(board(known(paced_until=NOW)), NOW)
    assert resting.takers(1, NOW) == []
    assert resting.next_change(NOW) == NOW + seconds(0.1)
    assert resting.takers(1, NOW + seconds(0.11)) != []


def test_a_longer_pause_stays() -> None:
    paused = known(paced_until=NOW, paused_until=NOW + seconds(60), failures=1)
    assert Pace(1, Limits(10.0)).board(board(paused), NOW).next_change(NOW) == NOW + seconds(60)


def test_what_a_provider_may_be_handed_now() -> None:
    pace = Pace(1, Limits(10.0))
    assert pace.allowance(known(), NOW) == 10
    assert pace.allowance(known(paced_until=NOW - seconds(0.5)), NOW) == 5
    assert pace.allowance(known(f"{URL}?rate=3"), NOW) == 3
    assert Pace(1, Limits()).allowance(known(), NOW) is None


# --- domains ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("workers", [[7], [7, 9], [3, 7, 9, 11]])
def test_workers_share_a_domains_connections_and_leave_none_unused(limit: int, workers: list[int]) -> None:
    for domain in ("a.example", "b.example", "c.example"):
        parts = [share(limit, workers, me, domain) for me in workers]
        assert sum(parts) == limit
        assert max(parts) - min(parts) <= 1


def test_a_worker_that_is_not_seen_yet_counts_itself() -> None:
    assert share(4, [], 1, "a.example") == 4
    assert share(4, [1], 2, "a.example") == 2


def test_those_who_wait_stand_in_line() -> None:
    line = Line(NOW, taking_s=2.0 / CLOSER)
    assert [line.place(NOW, 4) - NOW for _ in range(3)] == [seconds(0.5), seconds(1), seconds(1.5)]
    assert line.place(NOW + seconds(60), 4) == NOW + seconds(60.5)


def test_a_line_is_never_longer_than_what_anybody_waits() -> None:
    line = Line(NOW, taking_s=60 / CLOSER)
    places = [line.place(NOW, 1) for _ in range(100)]
    assert max(places) <= NOW + LONGEST_WAIT + seconds(60)
    assert len(set(places)) >= 10


def test_a_worker_comes_back_in_time_for_those_in_line() -> None:
    pace = Pace(1, Limits())
    assert pace.next_turn(board(known()), NOW) is None
    paused = board(known(paused_until=NOW + seconds(60), failures=1))
    assert pace.next_turn(paused, NOW) == NOW + seconds(60)
    pace._lines[10, "a.example"] = Line(NOW + seconds(5), taking_s=1 / CLOSER)
    assert pace.next_turn(paused, NOW) == NOW + seconds(1)
    assert pace.next_turn(paused, NOW + seconds(6)) == NOW + seconds(60)


# --- with a database --------------------------------------------------------------------------------------------------


def taking(provider: Provider, wanted: int, limits: Limits, times: int = 1) -> list[int]:
    async def one() -> int:
        async with await connect() as connection:
            return (await rates.take(connection, provider.pk, wanted, limits))[0]

    async def story() -> list[int]:
        return await asyncio.gather(*(one() for _ in range(times)))

    return asyncio.run(story())


def test_a_burst_is_granted_once_whoever_asks(provider: Provider) -> None:
    got = taking(provider, 30, Limits(50.0), times=6)
    assert 50 <= sum(got) <= 60  # what becomes free while they ask is theirs too
    assert max(got) == 30


def test_a_slow_rate_grants_one_mail_and_then_none(provider: Provider) -> None:
    assert taking(provider, 5, Limits(0.01)) == [1]
    assert taking(provider, 5, Limits(0.01)) == [0]
    provider.refresh_from_db()
    assert provider.paced_until is not None
    Provider.objects.update(paced_until=provider.paced_until - seconds(100))
    assert taking(provider, 5, Limits(0.01)) == [1]


def test_a_provider_that_is_gone_grants_nothing(provider: Provider) -> None:
    Provider.objects.all().delete()
    assert taking(provider, 5, Limits(10.0)) == [0]


def rated(provider: Provider, query: str) -> None:
    Provider.objects.filter(pk=provider.pk).update(url=f"{URL}?{query}")


def sent() -> int:
    return Notification.objects.filter(state="sent").count()


def test_mails_over_the_rate_wait_without_a_burnt_attempt_or_a_line_of_history(
    worker, project, provider, monkeypatch
) -> None:
    rated(provider, "rate=0.01")
    # As if another worker had taken what this one claimed for.
    monkeypatch.setattr(Pace, "allowance", lambda *_: None)
    for n in range(4):
        make.notification(project, f"ann{n}@a.example")
    assert worker.turn() == 4
    assert sent() == 1
    waiting = Notification.objects.filter(state="queued")
    assert [(row.attempts, row.worker) for row in waiting] == [(0, None)] * 3
    assert all(row.due_at > datetime.now(UTC) for row in waiting)
    assert [types_of(row.id) for row in waiting] == [[]] * 3
    assert worker.turn() == 0  # the provider rests


def test_no_more_is_claimed_than_may_leave(worker, project, provider) -> None:
    rated(provider, "rate=0.01")
    for n in range(4):
        make.notification(project, f"ann{n}@a.example")
    assert worker.turn() == 1
    assert sent() == 1
    assert worker.turn() == 0


def test_traffic_goes_on_when_the_time_has_come(worker, project, provider) -> None:
    rated(provider, "rate=0.01")
    mails = [make.notification(project, f"ann{n}@a.example") for n in range(3)]
    for expected in (1, 2, 3):
        Provider.objects.update(paced_until=datetime.now(UTC) - seconds(1000))
        worker.worker.pace._full.clear()
        for mail in mails:
            make_due(mail.id)
        worker.turn()
        assert sent() == expected


def test_two_workers_together_keep_the_rate(worker, project, provider) -> None:
    rated(provider, "rate=0.01")
    for n in range(8):
        make.notification(project, f"ann{n}@a.example")
    with WorkerAt() as other:
        assert worker.turn() + other.turn() == 1
    assert sent() == 1


def test_a_domain_gets_its_connections_and_the_others_their_mail(worker, project, provider) -> None:
    rated(provider, "domain_connections=2")
    for n in range(5):
        make.notification(project, f"ann{n}@busy.example")
    make.notification(project, "bob@idle.example")
    worker.turn()
    assert sent() == 3
    waiting = Notification.objects.filter(state="queued").order_by("due_at")
    assert {row.recipient_key.partition("@")[2] for row in waiting} == {"busy.example"}
    assert {row.attempts for row in waiting} == {0}
    assert len({row.due_at for row in waiting}) == 3  # they stand in line
    for row in waiting:
        make_due(row.id)
    worker.turn()
    assert sent() == 5  # the places of the first two are free again


def test_a_domains_connections_are_shared_with_the_other_workers(worker, project, provider) -> None:
    rated(provider, "domain_connections=2")
    Worker.objects.create(host="other", pid=1)
    for n in range(4):
        make.notification(project, f"ann{n}@busy.example")
    worker.turn()
    assert sent() == 1


def test_without_limits_nothing_is_asked_and_nothing_put_back(worker, project, provider, monkeypatch) -> None:
    monkeypatch.setattr(rates, "take", None)
    monkeypatch.setattr(claim, "put_back", None)
    for n in range(5):
        make.notification(project, f"ann{n}@busy.example")
    assert worker.turn() == 5
    assert sent() == 5


def test_only_the_one_who_claimed_may_put_back(project) -> None:
    mail = make.notification(project, "ann@a.example")

    async def story() -> tuple[int, int]:
        async with await connect() as connection:
            (row,) = await claim.claim(connection, 1, {project.pk: 10}, keep_days=21)
            late = datetime.now(UTC) + seconds(5)
            return await claim.put_back(connection, 2, [(row, late)]), await claim.put_back(
                connection, 1, [(row, late), (row, late)]
            )

    assert asyncio.run(story()) == (0, 1)
    mail.refresh_from_db()
    assert (mail.state, mail.attempts, mail.worker) == ("queued", 0, None)
