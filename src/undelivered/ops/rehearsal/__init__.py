"""A real SMTP server on loopback that accepts, defers, refuses and writes back as the recipient's address asks."""

from undelivered.ops.rehearsal.answers import ANSWERS, Answer, SentBack, answer_for
from undelivered.ops.rehearsal.dsn import ReceivedMail, compose
from undelivered.ops.rehearsal.server import RehearsalServer, ReturnedMail, run

__all__ = (
    "ANSWERS",
    "Answer",
    "ReceivedMail",
    "RehearsalServer",
    "ReturnedMail",
    "SentBack",
    "answer_for",
    "compose",
    "run",
)
