"""The floors: relations between models go down only, and so do imports (those are checked by the import contracts)."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).parents[1]
#: From below to above; apps on one floor do not know each other.
FLOORS = {"desk": 1, "delivery": 2, "rules": 3, "inbound": 4, "api": 5, "web": 5, "ops": 5}
OURS = [config for config in apps.get_app_configs() if config.name.startswith("undelivered.")]
MODELS = [model for config in OURS for model in config.get_models()]


def test_every_app_has_its_floor():
    assert {config.label for config in OURS} <= set(FLOORS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_relations_go_down_only(model):
    for field in model._meta.get_fields(include_hidden=True):
        if field.is_relation and not field.auto_created and field.related_model is not None:
            other = field.related_model._meta.app_label
            if other in FLOORS and other != model._meta.app_label:
                assert FLOORS[other] < FLOORS[model._meta.app_label], f"{field} points up"


@pytest.mark.parametrize("model", [m for m in MODELS if m._meta.app_label == "delivery"], ids=lambda m: m.__name__)
def test_hot_tables_have_no_constraint_that_would_block_dropping_a_day(model):
    from undelivered.database.partitions import HOT

    hot = {one.table for one in HOT}
    for field in model._meta.concrete_fields:
        if field.is_relation and hot & {model._meta.db_table, field.related_model._meta.db_table}:
            assert not field.db_constraint, field


def test_the_import_contract_names_the_same_floors():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    named = [part.strip(" ()").removeprefix("undelivered.") for layer in layers for part in layer.split("|")]
    in_order = [name for name in reversed(named) if name in FLOORS]
    assert set(in_order) == set(FLOORS)
    assert [FLOORS[name] for name in in_order] == sorted(FLOORS.values())
