"""The floor that decides who is told what, and in which words."""

from django.apps import AppConfig


class RulesConfig(AppConfig):
    name = "undelivered.rules"
    label = "rules"
    default_auto_field = "django.db.models.BigAutoField"
