"""The web application, as granian serves it: the API and the pages, each behind the middleware that it needs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "undelivered.settings")

#: What serves people with a browser: sessions, their messages, forms, frames.
FOR_PAGES = frozenset(
    {
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        "django_htmx.middleware.HtmxMiddleware",
        "axes.middleware.AxesMiddleware",
    }
)


class ApiHandler(WSGIHandler):
    """For programs, who bring a token with each call and no cookies: a seventh of a short call's time would go into
    what pages need."""

    def load_middleware(self, is_async: bool = False) -> None:
        everything = settings.MIDDLEWARE
        settings.MIDDLEWARE = [one for one in everything if one not in FOR_PAGES]
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = everything


class Application:
    """Both, and everything is loaded before the first call."""

    def __init__(self) -> None:
        django.setup(set_prefix=False)
        self.api, self.pages = ApiHandler(), WSGIHandler()
        get_resolver().url_patterns  # noqa: B018 # else Django loads the views when the first of them is asked for

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_api = environ["PATH_INFO"].startswith("/api/v1/")
        return (self.api if is_api else self.pages)(environ, start_response)


application = Application()
