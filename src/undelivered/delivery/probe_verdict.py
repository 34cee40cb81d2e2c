"""What the test of a provider has shown so far: in which mode it is to be used, or what is in the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.utils import timezone

from undelivered.delivery.models import Provider, ReturnPath
from undelivered.delivery.probe import SEND_S, Probe

#: A test that went out is back by then, or something is in its way.
COMES_BACK_WITHIN = timedelta(minutes=5)


class Standing(StrEnum):
    """How far a test has come."""

    SENDING = "sending"  # the provider has not answered yet
    REFUSED = "refused"  # the provider did not take it
    WAITING = "waiting"  # taken, and on its way
    OVERDUE = "overdue"  # taken, and it should have come back by now
    BACK = "back"  # it came back


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a test says. `mode`: the one to choose, where that is known. `look_at`: what to check, in sentences."""

    standing: Standing
    why: str
    mode: ReturnPath | None = None
    look_at: tuple[str, ...] = ()
    reply: str = ""


def verdict(probe: Probe, provider: Provider, now: datetime | None = None) -> Verdict:
    """What a test has shown so far."""
    age = (now or timezone.now()) - datetime.fromisoformat(probe.at)
    if probe.back_at and not probe.mode:
        return Verdict(Standing.BACK, "It came back, but by a way that does not tell the envelope sender.")
    if probe.back_at:
        mode = ReturnPath(probe.mode)
        return Verdict(Standing.BACK, _BACK[mode].format(sender=probe.sender or "nobody (an empty sender)"), mode)
    if not probe.outcome and age < timedelta(seconds=2 * SEND_S):
        return Verdict(Standing.SENDING, f"The mail is being handed to {provider.name}.")
    if probe.outcome == "accepted":
        if age < COMES_BACK_WITHIN:
            return Verdict(Standing.WAITING, f"{provider.name} took the mail. It comes back within minutes.")
        return Verdict(Standing.OVERDUE, "The mail has not come back.", look_at=_in_its_way(probe, provider))
    return _refused(probe, provider)


_BACK = {
    ReturnPath.SIGNED: "It came back with our own envelope sender: bounces can come straight here.",
    ReturnPath.LOGIN: "It came back from {sender}: bounces go to that mailbox, which can be polled.",
    ReturnPath.PROVIDER: "It came back from {sender}, an address of the provider, which takes bounces itself.",
}


def _refused(probe: Probe, provider: Provider) -> Verdict:
    if not probe.outcome:
        return Verdict(Standing.REFUSED, "The test broke off before the provider had answered. Start it again.")
    if probe.outcome == "unreachable":
        return Verdict(Standing.REFUSED, f"{provider.name} cannot be used.", reply=probe.reply)
    if probe.outcome != "refused":
        why = f"{provider.name} does not take the mail now. Start the test again later."
        return Verdict(Standing.REFUSED, why, reply=probe.reply)
    if probe.stage == "rcpt":
        why = f"{provider.name} does not take mail to {probe.bounce_domain}."
        return Verdict(Standing.REFUSED, why, look_at=(_MX.format(domain=probe.bounce_domain),), reply=probe.reply)
    why = f"{provider.name} does not take mail with our own envelope sender."
    return Verdict(Standing.REFUSED, why, ReturnPath.LOGIN, reply=probe.reply)


_MX = "The MX of {domain} must lead here, and DNS remembers for a while what was there before."


def _in_its_way(probe: Probe, provider: Provider) -> tuple[str, ...]:
    name = settings.ENV.smtp_name
    return (
        _MX.format(domain=probe.bounce_domain),
        f"Port 25 of {name} must be reached from the internet, and lead to the SMTP door. Providers of machines often "
        "block it until they are asked.",
        f"What {provider.name} made of the mail stands in its own log, or in a bounce in the mailbox of "
        f"{probe.login or probe.from_address}.",
    )
