"""Who may submit mail, where bounces are fetched from, and everything that came in."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q, Value
from django.utils import timezone

from undelivered.database import ids
from undelivered.desk.models import Person, Project


class SmtpCredential(models.Model):
    """A program's login to the SMTP door. Only the SHA-256 of the generated password is stored."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="smtp_credentials")
    name = models.CharField(max_length=100, blank=True)  # what it is for
    username = models.CharField(max_length=40, unique=True)
    digest = models.CharField(max_length=64)
    from_domains = models.JSONField(default=list)  # domains, in ASCII and lower case, that a From header may have
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.username} ({self.project})"


class TrustedNetwork(models.Model):
    """Addresses that may submit mail for a project without logging in."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="trusted_networks")
    network = models.CharField(max_length=50)  # in CIDR form: 10.1.2.0/24
    from_domains = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "network"], name="one_trust_a_network")]

    def __str__(self) -> str:
        return f"{self.network} ({self.project})"


class Mailbox(models.Model):
    """An IMAP mailbox that bounces land in; polled. A mail there is only marked or moved once it is an arrival."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True, related_name="mailboxes")
    name = models.CharField(max_length=200, blank=True)
    url = models.TextField()  # imaps://user@host:993/INBOX?..., without the password
    secret = models.TextField(blank=True)  # the password, encrypted (`delivery.secrets`)
    uid_validity = models.BigIntegerField(null=True)  # RFC 9051, 2.3.1.1: another value makes `last_uid` void
    last_uid = models.BigIntegerField(default=0)  # up to here every mail is stored
    to_do = models.JSONField(default=list, db_default=Value([], models.JSONField()))  # UIDs: stored, and not yet marked
    taken = models.BigIntegerField(default=0, db_default=0)  # mails that became arrivals
    left = models.BigIntegerField(default=0, db_default=0)  # mails that are none of ours, and were left as they are
    checked_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)  # why the last poll failed, in words for a person
    changed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name or self.url


class Door(models.TextChoices):
    """How an arrival came in."""

    SMTP = "smtp", "SMTP"  # to the bounce domain, at the SMTP door
    LMTP = "lmtp", "LMTP"  # from a mail server beside us (RFC 2033)
    PIPE = "pipe", "Command line"  # `undelivered inbound < mail`
    MAILBOX = "mailbox", "Mailbox"  # fetched from an IMAP mailbox
    WEBHOOK = "webhook", "Provider's webhook"  # one event of a provider


class Made(models.TextChoices):
    """What was made of an arrival."""

    NEW = "new", "Not read yet"  # stored; waits for a worker
    APPLIED = "applied", "Applied"  # it changed a notification, or added to its history
    IGNORED = "ignored", "Ignored"  # read and understood; nothing followed, and `detail` says why
    UNMATCHED = "unmatched", "Unmatched"  # it says something about a mail, and nothing tells which
    BROKEN = "broken", "Unreadable"  # nobody can read it; kept for a person to look at


class Evidence(models.TextChoices):
    """What named the notification. All but the last are signed, and so can be believed."""

    RETURN_PATH = "return_path", "Signed return path"  # the envelope recipient that it came to
    MESSAGE_ID = "message_id", "Signed Message-ID"  # of the mail that is quoted
    HEADER = "header", "Signed X-Undelivered-Id"  # in the headers that are quoted
    PROVIDER = "provider", "Provider's signed event"  # the id that was handed to the provider with the mail
    PLAIN_MESSAGE_ID = "plain_message_id", "Message-ID alone"  # of a relayed mail: anybody could know it


class Arrival(models.Model):
    """Something that came in, as it came, and what was made of it. A hot table: partitioned by day.

    Stored before it is acknowledged, read by a worker afterwards: the rows that are `NEW` and due are the queue.
    `about`: what is known beside the bytes (envelope, peer, provider, mailbox). `result`: one entry for each thing that
    it says, with what followed.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    door = models.TextField(choices=Door.choices)
    about = models.JSONField(default=dict)
    raw = models.BinaryField()
    state = models.TextField(choices=Made.choices, default=Made.NEW)
    due_at = models.DateTimeField(default=timezone.now, null=True)  # when it is to be read; None: it was
    tries = models.SmallIntegerField(default=0)  # readings that ended in an error of ours, or too early
    project_id = models.BigIntegerField(null=True)  # whose it is; None: nobody's, shown to site admins
    notification_id = models.UUIDField(null=True)  # the first one that it is about
    kind = models.TextField(default="")  # `bounces.Kind`, or the provider's word for the event
    evidence = models.TextField(choices=Evidence.choices, default="")
    recipient = models.TextField(default="")
    cause = models.TextField(default="")
    detail = models.TextField(default="")  # what it did, or why nothing, in a sentence
    result = models.JSONField(default=list)
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at", "id"], name="arrival_due", condition=Q(state=Made.NEW)),  # the queue
            models.Index(fields=["project_id", "-id"], name="arrival_newest_first"),  # the page
        ]

    def __str__(self) -> str:
        return f"{self.door} {self.id}: {self.state}"

    @property
    def created_at(self) -> datetime:
        return ids.created_at(self.id)
