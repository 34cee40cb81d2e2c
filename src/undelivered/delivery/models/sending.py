"""Who sends: providers, the domains that mail comes from, and the workers."""

from __future__ import annotations

from django.db import models
from django.db.models import Value
from django.utils import timezone

from undelivered.desk.models import Project


class ReturnPath(models.TextChoices):
    """Where a provider lets bounces go, and so how one finds its notification."""

    SIGNED = "signed", "To us"  # it keeps our own signed envelope sender: bounces come to the bounce domain
    LOGIN = "login", "To the login's mailbox"  # it insists on the login's or the From address, whose mailbox is polled
    PROVIDER = "provider", "To the provider"  # it takes bounces itself, and its webhooks tell


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
    rank = models.SmallIntegerField(default=0, db_default=0)  # 0: the first; 1: its fallback, used while that one rests
    return_path = models.TextField(choices=ReturnPath.choices, default=ReturnPath.LOGIN, db_default=ReturnPath.LOGIN)
    hook_secret = models.TextField(blank=True, default="", db_default="")  # what its webhooks must know, encrypted

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "rank"], name="one_provider_a_rank", nulls_distinct=False)
        ]

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


class MailDomain(models.Model):
    """A domain that mail is sent from, and where its bounces go."""

    domain = models.TextField(unique=True)  # in ASCII and lower case
    bounce_domain = models.TextField(blank=True, default="")  # empty: `UNDELIVERED_BOUNCE_DOMAIN`, if there is one
    checked_at = models.DateTimeField(null=True, blank=True)
    found = models.JSONField(default=dict)  # the last look at its records in DNS (`delivery.dns`)
    proved_at = models.DateTimeField(null=True, blank=True)  # when a probe last came back to the bounce domain

    def __str__(self) -> str:
        return self.domain
