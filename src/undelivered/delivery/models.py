"""What delivery remembers. The first four are the hot tables: partitioned by day, without foreign keys in the database.

Read them with both id bounds (`database.ids.lowest`), write them through `enqueue`, `claim` and `record` only.
Relations to and from them may point at nothing: the other side is dropped with its day.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import DO_NOTHING, Q, Value
from django.utils import timezone

from undelivered.database import ids
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State
from undelivered.desk.models import Customer, Person, Project, Request


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
            models.Index(fields=["due_at", "id"], name="notification_due", condition=Q(state=State.QUEUED)),  # claim
            models.Index(
                fields=["due_at", "id"], name="notification_held", condition=Q(state=State.HELD)
            ),  # release of held ones
            models.Index(
                fields=["worker"], name="notification_claimed", condition=Q(state=State.SENDING)
            ),  # a dead worker's
            models.Index(fields=["project", "kind", "-id"], name="notification_log"),  # the tabs, every state
            models.Index(
                fields=["project", "kind", "-id"], name="notification_failed", condition=Q(state=State.FAILED)
            ),  # the tabs
            models.Index(  # exact recipient, and its prefix
                fields=["project", "recipient_key", "-id"],
                name="notification_recipient",
                opclasses=["int8_ops", "text_pattern_ops", "uuid_ops"],
            ),
            models.Index(  # a request's page, the issue key filter
                fields=["project", "issue_key", "-id"], name="notification_issue", condition=~Q(issue_key="")
            ),
            # What the log filters by, so that a rare value is found as quickly as a common one.
            models.Index(fields=["project", "name", "-id"], name="notification_name"),
            models.Index(fields=["project", "recipient_domain", "-id"], name="notification_domain"),
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


class Suppression(models.Model):
    """An address that is not mailed for now. The table holds what is in force; its past is in the audit log."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True)  # None: the whole site
    address = models.TextField()
    address_key = models.TextField()
    cause = models.TextField()  # a cause of the bounce library (a complaint is `feedback`), or `manual`
    detail = models.TextField(default="")  # the provider's words, or a person's note
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)  # None: until it is lifted
    notification_id = models.UUIDField(null=True, blank=True)  # whose failure it was
    created_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "address_key"], name="suppressed_once_a_project", nulls_distinct=False
            )
        ]
        indexes = [models.Index(fields=["address_key"], name="suppression_address")]

    def __str__(self) -> str:
        return f"{self.address} ({self.cause})"


class Strike(models.Model):
    """A failure that suppresses only when it repeats on several days (`suppression.RULES`)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    address_key = models.TextField()
    cause = models.TextField()
    day = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "address_key", "cause", "day"], name="one_strike_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.address_key} {self.cause} {self.day}"


class DailyUse(models.Model):
    """How much of a day's limit is used: one row a project and day, and one of the site (no project)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True)
    day = models.DateField()  # in the site's zone
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "day"], name="one_use_a_day", nulls_distinct=False)]

    def __str__(self) -> str:
        return f"{self.project or 'site'} {self.day}: {self.used}"


class DailyCount(models.Model):
    """Notifications of a day by state and reason: what the tabs and the chart show, kept longer than the rows."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    day = models.DateField()  # on which the notification was made, in the site's zone
    kind = models.TextField()
    state = models.TextField()
    reason = models.TextField(default="")
    n = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "day", "kind", "state", "reason"], name="one_count_a_day")
        ]
        indexes = [models.Index(fields=["day"], name="count_day")]  # the site's health, and dropping what is too old

    def __str__(self) -> str:
        return f"{self.project} {self.day} {self.kind} {self.state} {self.reason}: {self.n}"


class DailyCountDelta(models.Model):
    """Appended by whoever moves a notification, folded into `DailyCount` each minute: so that no row is hot."""

    project_id = models.BigIntegerField()
    day = models.DateField()
    kind = models.TextField()
    state = models.TextField()
    reason = models.TextField(default="")
    n = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.project_id} {self.day} {self.kind} {self.state} {self.reason}: {self.n:+}"


class Provider(models.Model):
    """What mail is handed to. A project without one of its own uses the site's (no project)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True, related_name="providers")
    name = models.CharField(max_length=200)
    url = models.TextField()  # as UNDELIVERED_PROVIDER_URL, without the password
    secret = models.TextField(blank=True)  # the password, encrypted (`delivery.secrets`)
    rehearsal = models.BooleanField(default=False)  # the built-in rehearsal mail server
    paused_until = models.DateTimeField(null=True, blank=True)  # circuit breaker: nothing is tried before
    failures = models.PositiveIntegerField(default=0)  # outages in a row, which lengthen the pause
    incident_since = models.DateTimeField(null=True, blank=True)
    incident = models.TextField(blank=True)  # what the outage looks like, in its own words
    changed_at = models.DateTimeField(default=timezone.now)
    paced_until = models.DateTimeField(null=True, blank=True)  # `rates`: its mails are spoken for up to here

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project"], name="one_provider", nulls_distinct=False)]

    def __str__(self) -> str:
        return self.name


class Worker(models.Model):
    """A worker's heartbeat: its claims are its own as long as it is seen."""

    host = models.TextField()
    pid = models.IntegerField()
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    stats = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))  # `tally.Tally.figures`

    def __str__(self) -> str:
        return f"worker {self.pk} on {self.host}, pid {self.pid}"


class Throughput(models.Model):
    """What all workers together got done, in slots of five minutes: the last days of it are shown and kept."""

    slot = models.DateTimeField(primary_key=True)  # when it begins
    sent = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    retried = models.IntegerField(default=0)  # a temporary failure: another try is planned

    def __str__(self) -> str:
        return f"{self.slot:%F %R}: {self.sent} sent, {self.failed} failed, {self.retried} to be retried"
