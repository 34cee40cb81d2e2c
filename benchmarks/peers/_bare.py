"""The view of `bare_view`, its row, and its URL."""

from __future__ import annotations

import json

from django.db import models
from django.http import HttpRequest, JsonResponse
from django.urls import path


class Row(models.Model):
    recipient = models.TextField()
    subject = models.TextField()
    text = models.TextField()

    class Meta:
        app_label = "bare"

    def __str__(self) -> str:
        return self.subject


def store(request: HttpRequest) -> JsonResponse:
    [given] = json.loads(request.body)["notifications"]
    row = Row.objects.create(recipient=given["recipient"], subject=given["subject"], text=given["text"])
    return JsonResponse({"id": row.pk}, status=202)


urlpatterns = [path("store", store)]
