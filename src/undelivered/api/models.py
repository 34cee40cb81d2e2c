"""What the API itself remembers: answers to repeated POSTs."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from undelivered.desk.models import ApiToken


class IdempotencyKey(models.Model):
    """The answer to a POST that sends: the same key with the same body gets it again, and nothing is sent twice."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)  # SHA-256 of method, path and body
    status = models.PositiveSmallIntegerField()
    body = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="one_answer_a_key")]

    def __str__(self) -> str:
        return self.key
