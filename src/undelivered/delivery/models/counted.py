"""What was sent, counted: against the limits, for the tabs and the chart, for the System page."""

from __future__ import annotations

from django.db import models

from undelivered.desk.models import Project


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


class Throughput(models.Model):
    """What all workers together got done, in slots of five minutes: the last days of it are shown and kept."""

    slot = models.DateTimeField(primary_key=True)  # when it begins
    sent = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    retried = models.IntegerField(default=0)  # a temporary failure: another try is planned

    def __str__(self) -> str:
        return f"{self.slot:%F %R}: {self.sent} sent, {self.failed} failed, {self.retried} to be retried"
