"""What is in deploy/ speaks of metrics, commands and settings that exist."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.utils import timezone

from tests import make
from undelivered.__main__ import COMMANDS
from undelivered.delivery.models import DailyCount, Provider, Worker
from undelivered.delivery.tally import Tally
from undelivered.env import PREFIX, Env
from undelivered.ops import metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
ALERTS = yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
#: What Prometheus itself makes of a target.
BUILT_IN = {"up"}


@pytest.fixture
def exported(db) -> dict[str, set[str]]:
    """Every metric that can be exported, under the names that queries use, with its labels."""
    tally = Tally()
    tally.attempted("accepted", 0.1)
    tally.results["failed/provider_error"] = 1
    pool = {"size": 1, "available": 1, "waiting": 0}
    Worker.objects.create(host="one", pid=1, stats=tally.figures(in_hand=0, pool=pool))
    project = make.project(daily_limit=5)
    Provider.objects.create(name="Relay", url="smtp://mail.example.com", project=project)
    DailyCount.objects.create(project=project, day=timezone.localdate(), kind="request", state="sent", n=1)
    found: dict[str, set[str]] = {}
    for family in metrics.registry().collect():
        found.setdefault(family.name, set())
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def expressions() -> list[tuple[str, str]]:
    panels = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return panels + [(rule["alert"], rule["expr"]) for rule in RULES]


def names_in(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:undelivered_\w+|up(?=\{))", re.sub(r'"[^"]*"', '""', expression)))


@pytest.mark.parametrize(("title", "expression"), expressions())
def test_every_metric_that_is_asked_for_is_exported(exported, title, expression):
    names = names_in(expression)
    assert names, title
    assert names - BUILT_IN <= set(exported), title


@pytest.mark.parametrize(("title", "expression"), expressions())
def test_every_label_that_is_asked_for_is_there(exported, title, expression):
    known = {"le", "job"}.union(*(exported.get(name, set()) for name in names_in(expression)))
    grouped = {label.strip() for part in re.findall(r"by \(([^)]*)\)", expression) for label in part.split(",")}
    matched = set(re.findall(r"[{,]\s*(\w+)=~?\"", expression))
    assert grouped | matched <= known, title


def test_every_metric_is_on_the_dashboard_or_in_an_alert(exported):
    asked = set().union(*(names_in(expression) for _, expression in expressions()))
    shown = {re.sub(r"_(total|bucket|sum|count|created)$", "", name) for name in asked}
    assert {family for family in exported if family.startswith("undelivered_")} - asked - {
        name for name in exported if re.sub(r"_(total|bucket|sum|count|created)$", "", name) in shown
    } == {"undelivered_build_info"}


def test_alerts_say_what_happened_and_what_to_do():
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert set(rule["annotations"]) == {"summary", "what_to_do"}
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_panels_have_ids_and_places_of_their_own():
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_run_commands_that_exist(unit):
    [command] = re.findall(r"^ExecStart=/opt/undelivered/\.venv/bin/undelivered (\S+)", unit.read_text(), re.MULTILINE)
    assert command in COMMANDS


@pytest.mark.parametrize("path", sorted(p for p in DEPLOY.rglob("*") if p.is_file()), ids=lambda path: path.name)
def test_settings_that_are_named_exist(path):
    known = {PREFIX + one.name.upper() for one in fields(Env)}
    secret = {PREFIX + one.name.upper() + "_FILE" for one in fields(Env) if one.metadata["secret"]}
    assert set(re.findall(r"\bUNDELIVERED_[A-Z_]+", path.read_text())) <= known | secret
