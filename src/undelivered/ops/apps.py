"""The face of operations: commands, health, the rehearsal."""

from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "undelivered.ops"
    label = "ops"
