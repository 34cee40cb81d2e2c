"""Django's settings, made from `env`. Nothing else reads the environment."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from undelivered import env as environment
from undelivered.database import secret_key
from undelivered.database.where import running_url
from undelivered.ops import logs

ENV = environment.read()

DEBUG = ENV.debug
# Commands that sign nothing may run before there is a key; `run`, `web` and `worker` make one first.
_keys = secret_key.keys(ENV)
SECRET_KEY = _keys.current or secrets.token_urlsafe(48)
SECRET_KEY_FALLBACKS = [one.key for one in _keys.former]
SECRET_KEY_ENDS = {one.key: one.until for one in _keys.former if one.until}
PUBLIC_URL = ENV.url
_public = urlsplit(PUBLIC_URL)
SECURE = _public.scheme == "https"
ALLOWED_HOSTS = [str(_public.hostname), "127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "django_htmx",
    "undelivered.desk",
    "undelivered.delivery",
    "undelivered.rules",
    "undelivered.inbound",
    "undelivered.api",
    "undelivered.ops",
    "undelivered.web",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "undelivered.web.headers.SecurityHeaders",
    "undelivered.api.errors.OneShape",
    "undelivered.web.outage.DatabaseOutage",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "undelivered.urls"
WSGI_APPLICATION = "undelivered.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "undelivered.web.shell.shell",
            ],
        },
    }
]


def _database(url: str) -> dict[str, Any]:
    """Django's form of a PostgreSQL URL; what Django has no name for is handed to libpq."""
    parts = conninfo_to_dict(url)
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    known = {names[key]: str(value) for key, value in parts.items() if key in names and value is not None}
    rest = {key: value for key, value in parts.items() if key not in names}
    return {
        "ENGINE": "undelivered.database.backend",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        # Django binds values on its own side, so that every query is planned with its id bounds: only then is a day's
        # partition read and the rest left alone. What is prepared all the same (`database.prepared`) needs no values.
        "OPTIONS": {"connect_timeout": 5, **rest, "prepare_threshold": 5},
        **known,
    }


DATABASE_URL = running_url(ENV)
DATABASES = {"default": _database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "desk.Person"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"

# Sign-in is limited per account and address: ten failures in a row, then a pause of fifteen minutes.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "undelivered.web.pages.sign_in.locked_out"
AXES_USERNAME_FORM_FIELD = "username"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "undelivered_session", "undelivered_csrf"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
X_FRAME_OPTIONS = "SAMEORIGIN"
SECURE_REFERRER_POLICY = "same-origin"
# A larger body is refused before it is read: a JSON batch and a pasted list of customers both fit.
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
TIME_ZONE = ENV.time_zone

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

LOGGING: dict[str, Any] = logs.config(ENV.log_format, ENV.log_level)
