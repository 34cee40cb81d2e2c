"""How a moment is said: relative in lists, to the second in timelines, always in the site's zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.utils import timezone


def zone_name() -> str:
    return timezone.get_current_timezone_name()


def full(moment: datetime) -> str:
    """`Friday 21 November 2025, 13:58:12 Europe/Berlin`"""
    local = timezone.localtime(moment)
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M:%S} {zone_name()}"


def short(moment: datetime) -> str:
    """`21 Nov, 13:58`, with the year where it is not this one."""
    local = timezone.localtime(moment)
    year = "" if local.year == timezone.localtime().year else f" {local.year}"
    return f"{local.day} {local:%b}{year}, {local:%H:%M}"


def seconds(moment: datetime) -> str:
    """`21 Nov, 13:58:12`"""
    return f"{short(moment)}:{timezone.localtime(moment):%S}"


def clock_time(moment: datetime) -> str:
    """`13:58` today, else `21 Nov, 13:58`."""
    local = timezone.localtime(moment)
    return f"{local:%H:%M}" if local.date() == timezone.localdate() else short(moment)


def day(moment: datetime) -> str:
    """`21 November 2025`"""
    local = timezone.localtime(moment)
    return f"{local.day} {local:%B %Y}"


FORMS: dict[str, Callable[[datetime], str]] = {"seconds": seconds, "minutes": short, "time": clock_time, "day": day}


def relative(moment: datetime, now: datetime) -> str:
    """`42 min ago`, `4 h ago`, `Yesterday`, `3 days ago`; and for what is still to come, `in 5 min`."""
    distance = (now - moment).total_seconds()
    if abs(distance) < 45:
        return "Just now" if distance >= 0 else "in a moment"
    days = (timezone.localtime(now).date() - timezone.localtime(moment).date()).days
    if abs(distance) >= 22 * 3600 and days:
        return _days(days)
    minutes = max(1, round(abs(distance) / 60))
    amount = f"{minutes} min" if minutes < 60 else f"{round(minutes / 60)} h"
    return f"{amount} ago" if distance > 0 else f"in {amount}"


def _days(days: int) -> str:
    if abs(days) == 1:
        return "Yesterday" if days > 0 else "tomorrow"
    return f"{days} days ago" if days > 0 else f"in {-days} days"
