"""How numbers of the System page are said."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

from undelivered.delivery import providers
from undelivered.delivery.models import Provider

register = template.Library()
_STEPS = ((86400, "day", "days"), (3600, "h", "h"), (60, "min", "min"))


@register.filter
def lasting(seconds: float) -> str:
    """`42 s`, `5 min`, `3 h`, `2 days`."""
    for size, one, many in _STEPS:
        if seconds >= size:
            n = int(seconds // size)
            return f"{n} {one if n == 1 else many}"
    return f"{int(seconds)} s"


@register.filter
def bytes(value: int) -> str:
    """`812 MB`, `3.4 GB`: as `size` says it, and larger ones too."""
    for unit, power in (("TB", 4), ("GB", 3), ("MB", 2), ("KB", 1)):
        if value >= 1000 * 1024 ** (power - 1):
            number = value / 1024**power
            return f"{number:.0f} {unit}" if number >= 100 else f"{number:.1f} {unit}"
    return f"{value} bytes"


@register.filter
def total(counts: Mapping[str, int] | None) -> int:
    return sum((counts or {}).values())


@register.filter
def strip_width(days: int) -> int:
    """Of the strip of days, in its own units: seven a day, without the gap after the last."""
    return max(1, 7 * days - 2)


@register.filter
def meanwhile(provider: Provider) -> str:
    """Where the mail of a provider that is out of order goes."""
    other = providers.meanwhile(provider)
    return f"Its mail goes to {other.name} meanwhile." if other else "Its mail waits."


@register.filter
def without_user(url: str) -> str:
    """A provider's address without the name that it is signed in with."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
