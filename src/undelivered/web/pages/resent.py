"""What a resend came to, in a sentence."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from django.contrib import messages

from undelivered.delivery.resend import Resent


def said(done: Resent) -> tuple[int, str]:
    """(level of the message, its text)."""
    parts = []
    if len(done.new) == 1:
        parts.append(f"{done.new[0].name} to {done.new[0].recipient} is queued again.")
    elif done.new:
        parts.append(f"{len(done.new):,} notifications are queued again.")
    if len(done.lifted) == 1:
        parts.append(f"{done.lifted[0].address} was taken off the suppression list.")
    elif done.lifted:
        parts.append(f"{len(done.lifted):,} addresses were taken off the suppression list.")
    if done.refused:
        parts.append(_refused(done.refused))
    if not parts:
        return messages.WARNING, "Nothing was resent."
    return (messages.WARNING if done.refused else messages.SUCCESS), " ".join(parts)


def _refused(refused: dict[UUID, str]) -> str:
    why = Counter(refused.values())
    if len(refused) == 1:
        return f"Not resent: {next(iter(why))}"
    lines = " ".join(f"{n:,} times: {text}" if n > 1 else text for text, n in why.most_common(3))
    return f"{len(refused):,} were not resent. {lines}"
