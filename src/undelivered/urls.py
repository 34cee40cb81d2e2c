"""All addresses of the program: health, API, pages."""

from django.urls import include, path, re_path

from undelivered.api import errors as api_errors
from undelivered.api.v1 import api
from undelivered.inbound import webhooks
from undelivered.ops import health, metrics

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics),
    path("hooks/<int:provider_id>/<str:secret>/", webhooks.hook),
    path("api/v1/", api.urls),
    re_path("^api/", api_errors.unknown),
    path("", include("undelivered.web.urls")),
]
handler400 = "undelivered.web.pages.errors.bad_request"
handler403 = "undelivered.web.pages.errors.forbidden"
handler404 = "undelivered.web.pages.errors.not_found"
handler500 = "undelivered.web.pages.errors.broken"
