"""The face of pages."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "undelivered.web"
    label = "web"
