"""The guide to email services names each one that can be used, with all of its settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from undelivered.delivery.transports import esps
from undelivered.delivery.transports.esp_lists import ASKS, BY_BOTO

PAGE = (Path(__file__).parents[2] / "docs" / "email-services.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("esp", esps.known(), ids=lambda one: one.name)
def test_a_service_has_its_row_with_its_settings(esp: esps.Esp) -> None:
    (row,) = re.findall(rf"^\| {re.escape(esp.label)} \| `{esp.name}` \|.*$", PAGE, re.MULTILINE)
    _, _, needed, optional, _ = row.replace("|  |", "| - |").strip("| ").split(" | ")
    for setting in esp.settings:
        assert f"`{setting.name}`" in (needed if setting.needed else optional), setting.name


def test_the_services_that_can_be_asked_to_lift_are_named() -> None:
    text = PAGE.partition("## The service's own suppression list")[2]
    for name in (*ASKS, *BY_BOTO):
        assert esps.find(name).label in text
