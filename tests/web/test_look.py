"""The small parts that pages are made of."""

import pytest
from django import forms
from django.template import Context, Template

from tests import make
from undelivered.delivery.models import Notification
from undelivered.delivery.reasons import EXPLAINED, Reason
from undelivered.delivery.states import State
from undelivered.web.icons import ICONS
from undelivered.web.templatetags import look


def render(source: str, **values: object) -> str:
    return Template("{% load look %}" + source).render(Context(values))


def test_every_reason_has_an_icon_and_its_exact_label():
    for reason in Reason:
        shown = look.reason(reason)
        assert reason.label in shown
        assert EXPLAINED[reason].mark in ICONS


def test_every_state_has_a_badge_that_says_it_in_words():
    for state in State:
        assert state.label in look.state_badge(Notification(state=state))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state": "queued", "attempts": 2}, "Retrying"),
        ({"state": "failed", "reason": "suppressed"}, "Suppressed"),
        ({"state": "failed", "reason": "provider_error", "cause": "feedback"}, "Reported as spam"),
        ({"state": "delivered", "cause": "feedback"}, "Reported as spam"),
        ({"state": "delivered"}, "badge--delivered"),
        ({"state": "failed", "reason": "suppressed", "cause": "feedback"}, "Suppressed"),
        ({"state": "failed", "reason": "provider_error", "cause": "userunknown"}, "Failed"),
    ],
)
def test_a_badge_says_what_people_say(values, words):
    assert words in look.state_badge(Notification(**values))


def test_what_came_back_says_so_as_long_as_it_is_failed():
    failed = {"state": "failed", "reason": "provider_error", "cause": "userunknown"}
    row, other = Notification(**failed), Notification(state="delivered")
    assert "Bounced" in look.state_badge(row, {row.id})
    assert "badge--failed" in look.state_badge(row, {row.id})
    assert "Failed" in look.state_badge(row, {other.id})
    assert "Delivered" in look.state_badge(other, {other.id})


def test_an_address_may_break_before_its_at_sign_and_is_escaped():
    assert look.address("<b>@x.example") == "&lt;b&gt;<wbr>@x.example"
    assert look.address("maria.example.com") == "maria.example.com"


@pytest.mark.parametrize(
    ("size", "words"),
    [(None, ""), (512, "512 bytes"), (18637, "18.2 KB"), (7_759_462, "7.4 MB"), (1_048_000, "1.0 MB")],
)
def test_sizes_are_said_as_people_say_them(size, words):
    assert look.size(size) == words


def test_initials_come_from_a_name_or_an_address():
    assert look.initials("Mara Lindqvist") == "ML"
    assert look.initials("mara.lindqvist@desk.example") == "ML"
    assert look.initials("") == "?"


class Form(forms.Form):
    address = forms.EmailField(label="Address", help_text="One address.", required=False)


def test_a_field_ties_its_label_hint_and_error_together():
    shown = render("{% field form.address %}", form=Form({"address": "nobody"}))
    assert 'for="id_address"' in shown
    assert 'id="id_address_helptext"' in shown
    assert 'id="id_address_error"' in shown
    assert 'aria-describedby="id_address_helptext id_address_error"' in shown
    assert 'aria-invalid="true"' in shown
    assert "optional" in shown


@pytest.mark.django_db
def test_a_time_has_its_exact_moment_in_the_tooltip():
    row = make.notification(make.project())
    shown = render("{% when row.created_at %}", row=row)
    assert shown.startswith("<time datetime=")
    assert "UTC" in shown
    assert "Just now" in shown
    assert "Never" in render("{% when nothing %}", nothing=None)
