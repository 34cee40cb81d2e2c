"""The REST face."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "undelivered.api"
    label = "api"
    default_auto_field = "django.db.models.BigAutoField"
