"""The numbers that every kind of provider URL may have: how many, how long, how often."""

from __future__ import annotations

from collections.abc import Mapping


def positive(options: Mapping[str, str], name: str, usual: float) -> float:
    """Raises ValueError with a sentence, as the others do."""
    number = _number(options.get(name, str(usual)))
    if not 1 <= number <= 3600:
        raise ValueError(f"The option {name} of the provider URL must be a number from 1 to 3600")
    return number


def whole(options: Mapping[str, str], name: str) -> int | None:
    """None where the URL does not say it."""
    return int(positive(options, name, 1)) if name in options else None


def rate(options: Mapping[str, str]) -> float | None:
    try:
        return mails_a_second(options["rate"]) if "rate" in options else None
    except ValueError as error:
        raise ValueError(f"The option rate of the provider URL is wrong: {error}") from None


def mails_a_second(text: str) -> float:
    """A rate, such as 20 or 0.5."""
    number = _number(text)
    if not 0.001 <= number <= 100_000:
        raise ValueError("use a number of mails a second from 0.001 to 100000")
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0
