"""A fresh `undelivered run`: all eight reasons come from trying, and are found by page and API; then one's own mail."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.journeys.program import Api, Program, folder, until
from tests.journeys.visitor import Visitor
from undelivered.delivery.reasons import Reason

pytestmark = pytest.mark.journey

#: Reason -> the tab in which the sample shows it at least once.
TABS = {
    Reason.EMAIL_VALIDATION_ERROR: "invitation",
    Reason.PRIVATE_ADDRESS: "invitation",
    Reason.PROVIDER_ERROR: "request",
    Reason.SUPPRESSED: "request",
    Reason.INTERNAL_ERROR: "request",
    Reason.TEMPLATE_TOO_LARGE: "request",
    Reason.LIMIT_REACHED: "request",
    Reason.UNKNOWN_ERROR: "request",
}
WITHIN_S = 60.0
FAILED = "/projects/IT/notifications?state=failed"


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    with folder() as place:
        made = Program(place)
        yield made
        made.end()


@pytest.fixture(scope="module")
def took(program: Program) -> float:
    """Seconds from the command to the full log."""
    began = time.monotonic()
    program.start()
    api = Api(program)
    until(lambda: _reasons(api) == set(Reason), WITHIN_S)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def api(program: Program, took: float) -> Api:
    until(lambda: "sample" not in program.tree())
    made = Api(program)
    until(lambda: _of(made, "+later-bounce@")["state"] == "failed", 20)
    return made


@pytest.fixture(scope="module")
def visitor(program: Program, took: float) -> Visitor:
    """Signed in as the greeting says."""
    return Visitor(program.url).sign_in(program.named("Sign in as"), program.named("Password"))


def _reasons(api: Api) -> set[str]:
    return {row["reason"] for row in api.all(FAILED)}


def _of(api: Api, part: str) -> dict[str, Any]:
    """The notification to the address with this part."""
    [row] = [row for row in api.all("/projects/IT/notifications") if part in row["recipient"]]
    return row


def _rows(page: str) -> list[str]:
    body = re.search(r'<tbody id="rows".*?</tbody>', page, re.DOTALL)
    return re.findall(r"<tr.*?</tr>", body[0], re.DOTALL) if body else []


def test_every_reason_is_in_the_log_within_a_minute(took: float) -> None:
    print(f"the full log after {took:.1f} s")
    assert took < WITHIN_S


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_is_found_in_its_tab_by_page_and_by_api(reason: Reason, api: Api, visitor: Visitor) -> None:
    kind = TABS[reason]
    rows = api.all(f"{FAILED}&kind={kind}&reason={reason}")
    assert rows
    assert {row["reason_label"] for row in rows} == {reason.label}
    shown = _rows(visitor.open(f"/p/IT/log/{kind}s?reason={reason}"))
    assert len(shown) == len(rows)
    for row, cells in zip(rows, shown, strict=True):
        assert row["id"] in cells
        assert reason.label in html.unescape(cells)
        assert row["recipient"] in html.unescape(re.sub("<wbr>", "", cells))
        assert (row["issue_key"] or "") in cells


@pytest.mark.parametrize("kind", ["invitation", "request"])
def test_the_tabs_show_the_failed_rows_of_their_kind_and_no_others(kind: str, api: Api, visitor: Visitor) -> None:
    rows = api.all(f"{FAILED}&kind={kind}")
    shown = _rows(visitor.open(f"/p/IT/log/{kind}s"))
    assert [row["id"] in cells for row, cells in zip(rows, shown, strict=True)] == [True] * len(rows)


def test_a_failure_tells_what_happened_in_the_servers_own_words(api: Api, visitor: Visitor) -> None:
    row = api.all(f"{FAILED}&reason=provider_error&kind=invitation")[0]
    assert (row["smtp_code"], row["enhanced_code"]) == (550, "5.1.1")
    one = api.get(f"/notifications/{row['id']}")
    assert one["next_step"]
    refused = next(event for event in one["events"] if event["type"] == "refused")
    assert "no such user here" in str(refused)
    page = html.unescape(visitor.open(f"/p/IT/notifications/{row['id']}"))
    assert "no such user here" in page
    assert "5.1.1" in page


def test_a_temporary_failure_waits_for_its_next_try(api: Api) -> None:
    waiting = api.all("/projects/IT/notifications?state=queued")
    assert {"mailbox-full", "greylist"} <= {row["recipient"].partition("@")[0].partition("+")[2] for row in waiting}
    assert all(row["next_attempt_at"] and row["attempts"] for row in waiting)


def test_what_came_back_later_changed_its_notification_by_itself(api: Api) -> None:
    bounced = api.get(f"/notifications/{_of(api, '+later-bounce@')['id']}")
    assert (bounced["state"], bounced["reason"], bounced["smtp_code"]) == ("failed", "provider_error", 550)
    assert [event["type"] for event in bounced["events"] if event["type"] in ("accepted", "bounced")] == [
        "accepted",
        "bounced",
    ]
    until(lambda: _of(api, "+complaint@")["state"] == "delivered", 20)
    complained = api.get(f"/notifications/{_of(api, '+complaint@')['id']}")
    assert "complained" in {event["type"] for event in complained["events"]}
    for part in ("+later-delay@", "+out-of-office@"):
        assert _of(api, part)["state"] == "sent"


def test_what_was_changed_for_the_story_is_as_before(api: Api) -> None:
    limits = api.get("/projects/IT/limits")
    assert limits["limit"] == 500
    assert limits["used"] < 30
    rules = api.get("/projects/IT/rules")["items"]
    assert all(rule["enabled"] and not rule["subject"] and not rule["body"] for rule in rules)


def test_ones_own_first_mail_goes_out_and_is_taken_by_the_rehearsal(api: Api) -> None:
    me = {"email": "new.comer@first-day.example", "name": "New Comer"}
    made = api.post("/projects/IT/requests", summary="My first request", reporter=me)
    rows: list[dict[str, Any]] = []

    def sent() -> bool:
        rows[:] = api.all(f"/projects/IT/notifications?issue_key={made['key']}")
        return bool(rows) and all(row["state"] == "sent" for row in rows)

    until(sent, 20)
    assert [row["recipient"] for row in rows] == [me["email"]]
    events = api.get(f"/notifications/{rows[0]['id']}")["events"]
    assert "250 2.0.0 Ok: queued as" in str(events[-1])


def test_a_second_start_keeps_everything_and_tells_the_story_no_second_time(program: Program, api: Api) -> None:
    before = [row["id"] for row in api.all("/projects/IT/notifications")]
    password = program.named("Password")
    program.stop()
    program.start()
    program.until_ready()
    assert "sample" not in program.tree()
    assert program.named("Password") == password
    assert [row["id"] for row in api.all("/projects/IT/notifications")] == before
