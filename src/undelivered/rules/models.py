"""Rules: "when this event happens, tell these people, with this template"."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from undelivered.desk.models import Person, Project


class Rule(models.Model):
    """A project's rule for one event. `subject` and `body` are Liquid; empty means the default text of the event.

    `recipients` are names of `rules.recipients`; empty means the event's default.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rules")
    event = models.CharField(max_length=40)  # a slug of `rules.events`
    name = models.CharField(max_length=100)
    enabled = models.BooleanField(default=True)
    recipients = models.JSONField(default=list)
    subject = models.TextField(blank=True)
    body = models.TextField(blank=True)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "event"], name="one_rule_an_event")]

    def __str__(self) -> str:
        return f"{self.name} ({self.project})"
