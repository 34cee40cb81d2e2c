"""The small parts that every page is made of: icons, reasons, states, times, addresses, form fields."""

from __future__ import annotations

from collections.abc import Container
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django import forms, template
from django.forms import BoundField
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from undelivered.bounces import Cause
from undelivered.delivery import explain
from undelivered.delivery.models import Notification
from undelivered.delivery.reasons import EXPLAINED, Reason
from undelivered.delivery.states import State
from undelivered.web import times
from undelivered.web.icons import ICONS

register = template.Library()

#: How a state or a person's standing looks: colour (a class of the stylesheet) and icon. Colour alone says nothing.
BADGES: dict[str, str] = {
    "queued": "clock",
    "sending": "send",
    "retrying": "retry",
    "sent": "send",
    "delivered": "check",
    "failed": "close",
    "held": "pause",
    "cancelled": "minus",
    "unmatched": "unknown",
    "complained": "flag",
    "suppressed": "suppressed",
    "blocked": "suppressed",
    "skipped": "minus",
    "active": "check",
    "invited": "clock",
    "off": "minus",
}

_CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxInput, "check"),
    (forms.Select, "select"),
    (forms.Textarea, "textarea"),
    (forms.Widget, "input"),
)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon beside words; with `label`, one that stands alone."""
    named = format_html(' role="img" aria-label="{}"', label) if label else mark_safe(' aria-hidden="true"')
    outline = mark_safe(ICONS[name])  # noqa: S308 - our own table
    return format_html('<svg class="icon" viewBox="0 0 16 16"{}>{}</svg>', named, outline)


@register.simple_tag
def reason(value: str, wrap: bool = False) -> SafeString:
    """One of the eight reasons: its shape, its colour and its exact label."""
    known = Reason(value)
    mark = EXPLAINED[known].mark
    wrapped = " reason--wrap" if wrap else ""
    return format_html('<span class="reason reason--{}{}">{}{}</span>', mark, wrapped, icon(mark), known.label)


@register.filter
def mark(value: str) -> str:
    """The icon and colour of a reason: `{{ notification.reason|mark }}`."""
    return EXPLAINED[Reason(value)].mark


@register.simple_tag
def badge(kind: str, text: str) -> SafeString:
    """`kind` is a key of BADGES, `text` what it says."""
    return format_html('<span class="badge badge--{}">{}{}</span>', kind, icon(BADGES[kind]), text)


@register.simple_tag
def state_badge(notification: Notification, bounced: Container[UUID] = ()) -> SafeString:
    """A notification's state as people say it: one that is queued again is retrying. `bounced`: what came back."""
    if notification.retrying:
        return badge("retrying", "Retrying")
    if notification.state == State.FAILED and notification.reason == Reason.SUPPRESSED:
        return badge("suppressed", "Suppressed")
    if explain.complained(notification) or (
        notification.state == State.FAILED and notification.cause == Cause.FEEDBACK
    ):
        return badge("complained", "Reported as spam")
    if notification.state == State.FAILED and notification.id in bounced:
        return badge("failed", "Bounced")
    return badge(notification.state, State(notification.state).label)


@register.simple_tag
def when(moment: datetime | None, exact: bool = False) -> SafeString:
    """A time, relative to now; the exact one with its zone is in the tooltip. `exact` adds it as a second line."""
    if moment is None:
        return mark_safe('<span class="muted">Never</span>')
    second = format_html('<span class="line-2">{}</span>', times.short(moment)) if exact else ""
    return _time(moment, times.relative(moment, timezone.now()), second, relative=True)


@register.simple_tag
def clock(moment: datetime, form: str = "seconds") -> SafeString:
    """An exact time: `seconds` for timelines, `minutes`, `time` (today's clock time) or `day`."""
    return _time(moment, times.FORMS[form](moment), "")


@register.filter
def short_day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _time(moment: datetime, words: str, second: str, *, relative: bool = False) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}"><span{}>{}</span>{}</time>',
        timezone.localtime(moment).isoformat(timespec="seconds"),
        times.full(moment),
        mark_safe(" data-relative") if relative else "",
        words,
        second,
    )


@register.filter
def address(value: str) -> SafeString:
    """An e-mail address that may break before its @."""
    local, at, domain = value.rpartition("@")
    return format_html("{}<wbr>{}{}", local, at, domain) if at else format_html("{}", value)


@register.filter
def initials(name: str) -> str:
    words = name.replace("@", " ").replace(".", " ").split()
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.filter
def size(value: int | None) -> str:
    """A number of bytes, as people say it."""
    if value is None:
        return ""
    if value < 1000:
        return f"{value} bytes"
    return f"{value / 1024:.1f} KB" if value < 1024 * 1000 else f"{value / 1024 / 1024:.1f} MB"


@register.filter
def thousands(value: int) -> str:
    return f"{value:,}"


@register.inclusion_tag("includes/field.html")
def field(bound: BoundField, **attrs: Any) -> dict[str, Any]:
    """A form field with its label, hint and errors, tied together for those who listen.

    Further arguments become attributes of the control: `{% field form.address autocomplete="off" %}`.
    """
    widget = bound.field.widget
    look = next(css for kind, css in _CLASSES if isinstance(widget, kind))
    given = {name.replace("_", "-"): value for name, value in attrs.items()}
    given["class"] = f"{look} {given.get('class') or widget.attrs.get('class', '')}".strip()
    control = bound.as_widget(attrs=given)
    return {"field": bound, "control": control, "check": isinstance(widget, forms.CheckboxInput)}
