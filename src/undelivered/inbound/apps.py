"""The doors: what comes in by SMTP."""

from django.apps import AppConfig


class InboundConfig(AppConfig):
    name = "undelivered.inbound"
    label = "inbound"
    default_auto_field = "django.db.models.BigAutoField"
