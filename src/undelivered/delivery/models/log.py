"""The hot tables: partitioned by day, without foreign keys in the database.

Read them with both id bounds (`database.ids.lowest`), write them through `enqueue`, `claim`, `record` and `feedback`
only. Relations to and from them may point at nothing: the other side is dropped with its day.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import DO_NOTHING, Q
from django.utils import timezone

from undelivered.database import ids
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State
from undelivered.desk.models import Customer, Project, Request


class Kind(models.TextChoices):
    INVITATION = "invitation", "Customer invitation"  # the tab "Customer invitations"
    REQUEST = "request", "Request notification"  # the tab "Request notifications"
    ACCOUNT = "account", "Account mail"  # to people of the team: password reset and the like


def _soft(to: Any, **options: Any) -> Any:
    """A relation without a constraint in the database: one to a partitioned table would block dropping a day."""
    return models.ForeignKey(to, on_delete=DO_NOTHING, db_constraint=False, db_index=False, related_name="+", **options)


class Notification(models.Model):
    """One mail to one recipient: the row of the log. Its `id` carries its creation time.

    `due_at` is when a queued or held row may be claimed; `attempts` counts the tries handed to a provider.
    `personal` holds what differs between the recipients of one content and is filled in at sending.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    project: models.ForeignKey[Project, Project] = _soft(Project)
    kind = models.TextField(choices=Kind.choices)
    event = models.TextField()
    name = models.TextField()
    recipient = models.TextField()
    recipient_key = models.TextField()
    recipient_domain = models.TextField()
    recipient_name = models.TextField(default="")
    customer: models.ForeignKey[Customer | None, Customer | None] = _soft(Customer, null=True)
    request: models.ForeignKey[Request | None, Request | None] = _soft(Request, null=True)
    issue_key = models.TextField(default="")
    content_id = models.UUIDField()
    personal = models.JSONField(default=dict)
    state = models.TextField(choices=State.choices, default=State.QUEUED)
    reason = models.TextField(choices=Reason.choices, default="")
    detail = models.TextField(default="")
    cause = models.TextField(default="")
    smtp_code = models.SmallIntegerField(null=True)
    enhanced_code = models.TextField(default="")
    attempts = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now, null=True)
    worker = models.BigIntegerField(null=True)  # whose claim it is, while SENDING
    counted_on = models.DateField(null=True)  # the day whose limit it used; retries are not counted again
    action = models.UUIDField(null=True)  # what the notifications and decisions of one action share
    resend_of = models.UUIDField(null=True)
    resent_as = models.UUIDField(null=True)
    provider_id = models.BigIntegerField(null=True)
    message_id = models.TextField(default="")
    size = models.IntegerField(null=True)  # bytes of the mail as sent
    finished_at = models.DateTimeField(null=True)

    class Meta:
        # Every index costs a tenth of the throughput; each serves the query that is named.
        indexes = [
            models.Index(
                fields=["project", "due_at", "id"], name="notification_turn", condition=Q(state=State.QUEUED)
            ),  # claim, by turns
            models.Index(
                fields=["due_at", "id"], name="notification_held", condition=Q(state=State.HELD)
            ),  # release of held ones
            models.Index(
                fields=["worker"], name="notification_claimed", condition=Q(state=State.SENDING)
            ),  # a dead worker's
            models.Index(fields=["project", "kind", "-id"], name="notification_log"),  # the tabs, every state
            models.Index(  # the tabs, and states that are as rare or rarer
                fields=["project", "kind", "state", "-id"],
                name="notification_ended",
                condition=Q(state__in=[State.FAILED, State.DELIVERED, State.CANCELLED]),
            ),
            # Exact recipient, and its prefix. Thousands may begin alike, so all that it takes to find the newest of
            # them, and to count, is in the index. An id among its columns, not beside them, makes PostgreSQL 18 take
            # the index for expensive: it thinks of skipping from address to address.
            models.Index(
                fields=["project", "recipient_key"],
                name="notification_to",
                opclasses=["int8_ops", "text_pattern_ops"],
                include=["id", "kind", "state"],
            ),
            models.Index(  # a request's page, the issue key filter
                fields=["project", "issue_key", "-id"], name="notification_issue", condition=~Q(issue_key="")
            ),
            # What the log filters by, so that a rare value is found as quickly as a common one. With the kind beside
            # the columns, rows are counted without reading them; among the columns it would cost each mail time.
            models.Index(fields=["project", "name", "-id"], name="notification_by_name", include=["kind"]),
            models.Index(
                fields=["project", "recipient_domain", "-id"], name="notification_by_domain", include=["kind"]
            ),
            models.Index(
                fields=["project", "kind", "reason", "-id"],
                name="notification_failed_reason",
                condition=Q(state=State.FAILED),
            ),
            models.Index(
                fields=["project", "kind", "name", "-id"],
                name="notification_failed_name",
                condition=Q(state=State.FAILED),
            ),
            models.Index(
                fields=["project", "recipient_domain", "-id"],
                name="notification_failed_domain",
                condition=Q(state=State.FAILED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} to {self.recipient}"

    @property
    def created_at(self) -> datetime:
        return ids.created_at(self.id)

    @property
    def retrying(self) -> bool:
        """Whether it waits for another try after a temporary failure."""
        return self.state == State.QUEUED and self.attempts > 0


class Content(models.Model):
    """What the mail says, rendered once and common to the recipients of the same event.

    `subject`, `text` and `html` hold marks (`delivery.personal`) where something personal belongs. `error` says why the
    template did not render; `source` is what it takes to render it again: rules' names and the variables' values.
    A relayed mail is its bytes, `raw`, which nothing is filled into; `headers` go before them (`delivery.relayed`).
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    project: models.ForeignKey[Project, Project] = _soft(Project)
    event = models.TextField()
    from_name = models.TextField(default="")
    from_address = models.TextField()
    reply_to = models.TextField(default="")
    subject = models.TextField(default="")
    text = models.TextField(default="")
    html = models.TextField(default="")
    headers = models.JSONField(default=list)  # [[name, value], ...]: References, Auto-Submitted ...
    error = models.TextField(default="")
    source = models.JSONField(default=dict)
    raw = models.BinaryField(null=True)  # as submitted, byte for byte

    def __str__(self) -> str:
        return self.subject


class EventType(models.TextChoices):
    """One line of a notification's history."""

    QUEUED = "queued", "Queued"
    ATTEMPT = "attempt", "Attempt"  # a try that ended in no other line: the provider could not be reached
    DEFERRED = "deferred", "Deferred"  # a temporary failure; another try is planned
    ACCEPTED = "accepted", "Accepted by the provider"
    REFUSED = "refused", "Refused"  # a permanent refusal
    UNCERTAIN = "uncertain", "Outcome unknown"  # the connection was lost after the mail was handed over
    FAILED = "failed", "Failed"  # an objection before sending, or retries that ran out
    HELD = "held", "Held until the limit resets"
    RELEASED = "released", "Released"  # held, and sent after all
    DELIVERED = "delivered", "Delivered"
    BOUNCED = "bounced", "Bounced"
    COMPLAINED = "complained", "Reported as spam"
    SUPPRESSED = "suppressed", "Address added to the suppression list"
    RESENT = "resent", "Resent"
    CANCELLED = "cancelled", "Cancelled"
    RETURNED = "returned", "Given back"  # its worker died or stopped; another one takes it


class DeliveryEvent(models.Model):
    """One line of a notification's history, append-only. `event_key` makes repeated evidence the same row.

    `data`: `detail`, and for a try also `reply`, `code`, `enhanced`, `host`, `tls`, `duration_ms`, `stage`, `dialogue`.
    """

    pk = models.CompositePrimaryKey("notification_id", "event_key")
    notification_id = models.UUIDField()
    event_key = models.TextField()
    at = models.DateTimeField()
    type = models.TextField(choices=EventType.choices)
    attempt = models.SmallIntegerField(default=0)
    data = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.type}"


class NotSentCause(models.TextChoices):
    """Why someone who might expect a mail was deliberately not mailed."""

    OWN_ACTIVITY = "own_activity", "Own activity"  # nobody is told of what they did themselves
    RULE_OFF = "rule_off", "The notification is switched off"
    OPTED_OUT = "opted_out", "Turned notifications off for this request"
    OPTED_OUT_OF_PROJECT = "opted_out_of_project", "Turned off all optional mail of the project"
    NO_RECIPIENT = "no_recipient", "Nobody to tell"
    MERGED = "merged", "Told in the same mail as another event"
    INTERNAL_COMMENT = "internal_comment", "The comment is for the team only"


class NotSent(models.Model):
    """A decision that someone is not mailed, shown on the request."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    project: models.ForeignKey[Project, Project] = _soft(Project)
    request: models.ForeignKey[Request | None, Request | None] = _soft(Request, null=True)
    customer: models.ForeignKey[Customer | None, Customer | None] = _soft(Customer, null=True)
    issue_key = models.TextField(default="")
    event = models.TextField()
    name = models.TextField()  # the rule's
    recipient = models.TextField(default="")  # who: an address, or empty where it is nobody in particular
    recipient_name = models.TextField(default="")
    cause = models.TextField(choices=NotSentCause.choices)
    action = models.UUIDField(null=True)  # as on the notifications of the same action

    class Meta:
        indexes = [models.Index(fields=["project", "issue_key", "-id"], name="not_sent_issue")]  # a request's page

    def __str__(self) -> str:
        return f"{self.name} not to {self.recipient}: {self.cause}"

    @property
    def created_at(self) -> datetime:
        return ids.created_at(self.id)
