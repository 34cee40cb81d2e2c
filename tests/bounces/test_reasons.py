"""The vocabulary is complete and speaks plainly."""

from __future__ import annotations

from undelivered.bounces import FACTS, Cause, Suppress

PRODUCT_REASONS = {
    "internal_error",
    "invalid_address",
    "template_too_large",
    "limit_reached",
    "suppressed",
    "private_address",
    "provider_error",
    "unknown_error",
}


def test_every_cause_has_its_facts() -> None:
    assert set(FACTS) == set(Cause)
    for cause in Cause:
        facts = cause.facts
        assert facts.title
        assert facts.meaning.endswith(".")
        assert facts.what_to_do.endswith(".")
        assert facts.reason is None or facts.reason in PRODUCT_REASONS


def test_only_what_is_no_failure_has_no_reason() -> None:
    assert {c for c in Cause if c.facts.reason is None} == {Cause.VACATION, Cause.DELIVERED}


def test_an_address_is_suppressed_at_once_only_if_it_or_its_domain_does_not_exist() -> None:
    at_once = {c for c in Cause if c.facts.suppress is Suppress.AT_ONCE}
    assert at_once == {Cause.USER_UNKNOWN, Cause.HOST_UNKNOWN, Cause.HAS_MOVED, Cause.NOT_ACCEPT}


def test_what_is_not_the_recipients_doing_never_suppresses() -> None:
    for cause in (Cause.SPAM_DETECTED, Cause.BLOCKED, Cause.RATE_LIMITED, Cause.NETWORK_ERROR, Cause.AUTH_FAILURE):
        assert cause.facts.suppress is Suppress.NEVER
