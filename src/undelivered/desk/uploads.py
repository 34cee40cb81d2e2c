"""Files that are looked at before they are taken over: kept between the look and the word, then gone."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from undelivered.desk.models import Person, Project, Upload

KEPT = timedelta(hours=1)


def keep(project: Project, person: Person, body: bytes, *, name: str = "", options: Mapping[str, Any]) -> Upload:
    """Stores a file. Those of more than an hour ago go as new ones come."""
    Upload.objects.filter(at__lt=timezone.now() - KEPT).delete()
    return Upload.objects.create(
        project=project, person=person, name=name[:200], body=zlib.compress(body), options=dict(options)
    )


def find(project: Project, person: Person, id: UUID, *, lock: bool = False) -> Upload | None:
    """A file that this person gave for this project. `lock`: nobody else may take it over at the same moment."""
    found = Upload.objects.filter(project=project, person=person, pk=id, at__gte=timezone.now() - KEPT)
    return (found.select_for_update() if lock else found).first()


def body(upload: Upload) -> bytes:
    return zlib.decompress(bytes(upload.body))
