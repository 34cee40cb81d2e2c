"""Records in DNS that mail depends on: what should be there, what is, and what that does to the mail."""

from undelivered.delivery.dns.asked import Asked, Sender, sender
from undelivered.delivery.dns.look import Look, follows, look, plan
from undelivered.delivery.dns.standing import Check, Record, Standing, What

__all__ = ["Asked", "Check", "Look", "Record", "Sender", "Standing", "What", "follows", "look", "plan", "sender"]
