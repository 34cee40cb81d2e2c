"""The floor that delivers and remembers. Partitions are made whenever migrations ran: no row meets a missing day."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


def _ensure_partitions(sender: AppConfig, using: str, **kwargs: Any) -> None:
    from django.db import connections

    from undelivered.database import partitions

    with connections[using].cursor() as cursor:
        partitions.ensure(cursor.execute)


class DeliveryConfig(AppConfig):
    name = "undelivered.delivery"
    label = "delivery"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Before the first connection: it copies what the driver can adapt by then.
        from undelivered.database import arrays  # noqa: F401

        post_migrate.connect(_ensure_partitions, sender=self)
