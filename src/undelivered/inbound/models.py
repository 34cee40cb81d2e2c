"""Who may submit mail: a project's SMTP credentials, and the networks it trusts."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

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
