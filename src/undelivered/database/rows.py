"""Rows of models by statements that are written by hand and prepared: for the few actions that come so often that
Django's own work on a statement counts. What comes back is as Django makes it, and nobody's signals are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Field, Model

from undelivered.database import prepared

M = TypeVar("M", bound=Model)


@cache
def columns(model: type[Model], alias: str) -> str:
    """What `read` wants to be selected."""
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


def read(model: type[M], sql: str, parameters: Sequence[Any], **related: type[Model]) -> list[M]:
    """The rows of a statement that selects the `columns` of a model, and then those of each related one.

    `related`: by the name of the relation, as for `select_related`.
    """
    found = []
    for row in prepared.execute(sql, parameters):
        made, at = _made(model, row, 0)
        for name, other in related.items():
            its, at = _made(other, row, at)
            setattr(made, name, its)
        found.append(made)
    return found


def insert(row: Model) -> None:
    """Stores a new row of a table that numbers its rows itself."""
    sql, fields = _insert(type(row))
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    [(row.pk,)] = prepared.execute(sql, values)
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def _made(model: type[M], row: Sequence[Any], first: int) -> tuple[M, int]:
    """The model whose columns begin there, and where they end."""
    names, converters = _reader(model)
    last = first + len(names)
    values = list(row[first:last])
    for at, convert in converters:
        values[at] = convert(values[at], None, connection)
    return model.from_db(DEFAULT_DB_ALIAS, names, values), last


@cache
def _reader(model: type[Model]) -> tuple[list[str], list[tuple[int, Callable[..., Any]]]]:
    """The names of its fields, and what makes a field's value of a column's, where they are not the same."""
    fields = model._meta.concrete_fields
    converters = [(at, field.from_db_value) for at, field in enumerate(fields) if hasattr(field, "from_db_value")]
    return [field.attname for field in fields], converters


@cache
def _insert(model: type[Model]) -> tuple[str, list[Field[Any, Any]]]:
    table = model._meta
    fields = [field for field in table.concrete_fields if not field.primary_key]
    names = ", ".join(f'"{field.column}"' for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    sql = f'INSERT INTO "{table.db_table}" ({names}) VALUES ({marks}) RETURNING "{table.pk.column}"'  # noqa: S608
    return sql, fields
