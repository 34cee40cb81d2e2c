"""Addresses that are not mailed for now, and the failures that lead there."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from undelivered.desk.models import Person, Project


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
    """A failure that suppresses only when it repeats on several days (`delivery.struck`)."""

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
