"""The floor that knows: projects, people, requests."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "undelivered.desk"
    label = "desk"
    default_auto_field = "django.db.models.BigAutoField"
