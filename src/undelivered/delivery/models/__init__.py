"""What delivery remembers: the log, what is blocked, what is counted, and who sends."""

from undelivered.delivery.models.blocked import Strike, Suppression
from undelivered.delivery.models.counted import DailyCount, DailyCountDelta, DailyUse, Throughput
from undelivered.delivery.models.log import Content, DeliveryEvent, EventType, Kind, Notification, NotSent, NotSentCause
from undelivered.delivery.models.sending import MailDomain, Provider, ReturnPath, Worker

__all__ = [
    "Content",
    "DailyCount",
    "DailyCountDelta",
    "DailyUse",
    "DeliveryEvent",
    "EventType",
    "Kind",
    "MailDomain",
    "NotSent",
    "NotSentCause",
    "Notification",
    "Provider",
    "ReturnPath",
    "Strike",
    "Suppression",
    "Throughput",
    "Worker",
]
