"""Reads what comes back: returned mails, complaints, automatic answers, and the replies of mail servers.

Pure Python, no settings, no database, no network:

    from undelivered import bounces
    bounces.classify("550 5.1.1 <ann@example.com>... User unknown").cause   # Cause.USER_UNKNOWN
"""

from undelivered.bounces.read import read
from undelivered.bounces.reasons import FACTS, Cause, Facts, Suppress
from undelivered.bounces.replies import classify
from undelivered.bounces.report import Decision, Kind, Original, Report, Result

__all__ = [
    "FACTS",
    "Cause",
    "Decision",
    "Facts",
    "Kind",
    "Original",
    "Report",
    "Result",
    "Suppress",
    "classify",
    "read",
]
