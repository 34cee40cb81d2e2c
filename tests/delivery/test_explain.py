"""Words for people: every state and reason, whatever the cause, has a next step and two lines of details."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from undelivered.bounces import FACTS, Cause
from undelivered.database import ids
from undelivered.delivery import explain
from undelivered.delivery.models import Notification
from undelivered.delivery.reasons import EXPLAINED, Reason
from undelivered.delivery.states import State

ACTIONS = {"correct", "resend", "resend_later", "edit_template", "wait", "none"}
DUE = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
CAUSES = [*(cause.value for cause in Cause), "", "template", "login_refused", "provider_unreachable", "mistake", "new"]


def row(**values) -> Notification:
    return Notification(
        **{"name": "x", "recipient": "ann@x.example", "detail": "550 No such user", "due_at": None, **values}
    )


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("attempts", [0, 2])
@pytest.mark.parametrize("due", [None, DUE])
def test_every_state_has_a_next_step_and_details(state, attempts, due):
    one = row(state=state, attempts=attempts, due_at=due)
    step, details = explain.next_step(one), explain.details(one)
    if state is not State.FAILED:
        assert step.title
        assert step.text.endswith(".")
        assert details.first.endswith(".") or details.first == one.detail
    assert step.action in ACTIONS


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize(("attempts", "code"), [(0, None), (1, 550), (3, 452), (3, 550), (4, None)])
def test_every_reason_with_whatever_cause_has_a_next_step_and_details(reason, attempts, code):
    for cause in CAUSES:
        one = row(state="failed", reason=reason, cause=cause, attempts=attempts, smtp_code=code)
        step, details = explain.next_step(one), explain.details(one)
        assert step.title
        assert step.text.endswith(".")
        assert step.action in ACTIONS - {"wait", "none"}
        assert details.first
        assert details.second


def test_a_dead_mailbox_wants_another_address():
    step = explain.next_step(row(state="failed", reason="provider_error", cause="userunknown"))
    assert (step.title, step.action) == ("Mailbox does not exist", "correct")


def test_a_template_that_does_not_render_wants_to_be_edited():
    assert explain.next_step(row(state="failed", reason="internal_error", cause="template")).action == "edit_template"
    assert explain.next_step(row(state="failed", reason="internal_error", cause="login_refused")).action == "resend"


@pytest.mark.parametrize("reason", ["email_validation_error", "private_address"])
def test_a_wrong_address_wants_to_be_corrected(reason):
    assert explain.next_step(row(state="failed", reason=reason)).action == "correct"


def test_what_was_resent_says_so_whatever_it_was():
    step = explain.next_step(row(state="failed", reason="suppressed", resent_as=ids.uuid7()))
    assert (step.title, step.action) == ("Resent", "none")


def test_the_next_try_is_said_in_the_sites_zone(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    one = row(state="queued", attempts=2, due_at=DUE, cause="mailboxfull")
    assert "2 Mar, 00:30 Europe/Berlin" in explain.next_step(one).text
    assert explain.details(one).first == "Mailbox full; next try at 2 Mar, 00:30 Europe/Berlin."
    assert explain.details(one).quoted


def test_a_mail_that_waits_for_its_provider_says_so():
    one = row(state="queued", attempts=0, due_at=DUE, cause="provider_unreachable")
    assert explain.next_step(one).title == "Waiting for the provider"
    assert explain.details(one).first.startswith("Provider cannot be reached; next try")


def test_only_retries_that_ran_out_are_said_to_be_given_up():
    values = {"state": "failed", "reason": "provider_error", "attempts": 4}
    given_up = explain.details(row(**values, cause="mailboxfull", smtp_code=452))
    assert given_up.first == "Mailbox full; gave up after 24 hours."
    refused_at_last = explain.details(row(**values, cause="userunknown", smtp_code=550))
    assert refused_at_last.first == "Mailbox does not exist."


def test_what_came_back_after_a_retry_was_not_given_up_by_us():
    made = ids.uuid7_at(DUE)
    values = {"id": made, "state": "failed", "reason": "provider_error", "attempts": 2, "cause": "expired"}
    for hours, first in (
        (3, "Could not be delivered in time."),
        (24, "Could not be delivered in time; gave up after 24 hours."),
        (120, "Could not be delivered in time."),
    ):
        one = row(**values, finished_at=DUE + timedelta(hours=hours, seconds=1))
        assert explain.details(one).first == first


def test_what_was_reported_as_spam_says_so():
    one = row(state="delivered", cause="feedback", detail="")
    step = explain.next_step(one)
    assert (step.title, step.action) == ("Reported as spam", "none")
    assert explain.details(one).first == "Delivered. The recipient reported it as spam."


def test_what_is_on_the_providers_own_list_is_mended_there():
    one = row(state="failed", reason="suppressed", cause="suppressed", detail="Not delivering to suppressed address")
    assert "provider's console" in explain.next_step(one).text
    details = explain.details(one)
    assert (details.first, details.quoted) == ("On the provider's suppression list.", True)
    ours = explain.details(row(state="failed", reason="suppressed", detail="Blocked since yesterday."))
    assert (ours.first, ours.quoted) == ("Blocked since yesterday.", False)


def test_the_other_sides_words_are_marked_as_quoted():
    assert explain.details(row(state="failed", reason="provider_error", cause="userunknown")).quoted
    assert not explain.details(row(state="failed", reason="limit_reached")).quoted


def test_without_a_cause_the_reason_speaks():
    details = explain.details(row(state="failed", reason="unknown_error", smtp_code=None))
    assert details.first == EXPLAINED[Reason.UNKNOWN_ERROR].meaning


@pytest.mark.parametrize("cause", Cause)
def test_a_provider_error_says_what_to_do_about_its_cause(cause):
    step = explain.next_step(row(state="failed", reason="provider_error", cause=cause.value))
    assert (step.title, step.text) == (FACTS[cause].title, FACTS[cause].what_to_do)
