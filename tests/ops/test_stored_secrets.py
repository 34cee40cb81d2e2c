"""Stored passwords and a new secret key."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import models
from django.test import override_settings

from undelivered.delivery import secrets
from undelivered.delivery.models import Provider
from undelivered.inbound.models import Mailbox
from undelivered.ops import stored_secrets
from undelivered.ops.stored_secrets import Stored

pytestmark = pytest.mark.django_db
NEW = override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["a key for tests alone"])


def test_every_column_that_holds_a_secret_is_known():
    columns = {
        (model, field.name)
        for model in apps.get_models()
        if model.__module__.startswith("undelivered.")
        for field in model._meta.get_fields()
        if isinstance(field, models.TextField) and "secret" in field.name
    }
    assert columns == set(stored_secrets.COLUMNS)


def test_all_of_them_are_encrypted_anew_and_say_the_same():
    one = Provider.objects.create(name="P", url="smtp://x.example", secret=secrets.encrypt("a"))
    Provider.objects.create(name="Q", url="smtp://x.example", rank=1, hook_secret=secrets.encrypt("b"))
    box = Mailbox.objects.create(url="imaps://x.example", secret=secrets.encrypt("c"))
    assert stored_secrets.look() == Stored(current=3)
    with NEW:
        assert stored_secrets.look() == Stored(stale=3)
        assert stored_secrets.look(renew=True) == Stored(stale=3)
        assert stored_secrets.look(renew=True) == Stored(current=3)
    with override_settings(SECRET_KEY="new"):
        for row in (one, box):
            row.refresh_from_db()
        assert [secrets.decrypt(row.secret) for row in (one, box)] == ["a", "c"]


def test_one_that_nobody_can_read_stops_no_other():
    with override_settings(SECRET_KEY="lost"):
        Provider.objects.create(name="P", url="smtp://x.example", secret=secrets.encrypt("a"))
    Provider.objects.create(name="Q", url="smtp://x.example", rank=1, secret=secrets.encrypt("b"))
    with NEW:
        assert stored_secrets.look(renew=True) == Stored(stale=1, unreadable=1)
        assert stored_secrets.look() == Stored(current=1, unreadable=1)
