"""The face of operations: commands, health, metrics, checks, the rehearsal."""

from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "undelivered.ops"
    label = "ops"

    def ready(self) -> None:
        from undelivered.ops import checks

        checks.register()
