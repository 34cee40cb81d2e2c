"""Django for a peer, on the database and the sink that the environment names, with nothing on that costs time."""

from __future__ import annotations

import os
from urllib.parse import parse_qs, unquote, urlsplit

_url = urlsplit(os.environ["BENCH_DATABASE_URL"])
SECRET_KEY = "a key for benchmarks alone"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _url.path[1:],
        "USER": _url.username,
        "PASSWORD": unquote(_url.password or ""),
        "HOST": parse_qs(_url.query)["host"][0],
        "PORT": parse_qs(_url.query)["port"][0],
        "CONN_MAX_AGE": None,
    }
}
INSTALLED_APPS = os.environ.get("BENCH_APPS", "").split()
ROOT_URLCONF = os.environ.get("BENCH_URLS", "")
EMAIL_HOST, EMAIL_PORT = "127.0.0.1", int(os.environ.get("BENCH_SINK", "25"))
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
LOGGING = {"version": 1, "disable_existing_loggers": True, "root": {"level": "ERROR"}}
# The fastest that its settings allow here; 5 threads a process is its default.
POST_OFFICE = {
    "BATCH_SIZE": int(os.environ.get("BENCH_BATCH", "1000")),
    "THREADS_PER_PROCESS": int(os.environ.get("BENCH_THREADS", "5")),
    "DEFAULT_PRIORITY": "medium",
    "BACKENDS": {"default": EMAIL_BACKEND},
    "CELERY_ENABLED": False,
}
