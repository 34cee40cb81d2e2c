"""What failures teach the suppression list, in the transaction that writes them; and what is taken back.

What the list says is a function of the evidence that stands, in whatever order it was learned: an entry names the first
failure that made it, and what counts by days counts the days on which things happened. A failure that a later delivery
proves wrong is withdrawn, with the entry that it made, unless another failure holds that up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from undelivered.bounces import Suppress
from undelivered.database.arrays import array
from undelivered.database.statements import Statements
from undelivered.delivery import blocking, lines, struck
from undelivered.delivery.evidence import Evidence, Pair, of_the_site, standing

_COMPLAINTS = ", ".join(f"'{cause}'" for cause in blocking.causes(Suppress.COMPLAINT))
ENTRY = (
    ("project_id", "bigint"),
    ("address", "text"),
    ("address_key", "text"),
    ("cause", "text"),
    ("detail", "text"),
    ("since", "timestamptz"),
    ("notification_id", "uuid"),
)
_ARRAYS = ", ".join(f"%s::{kind}[]" for _, kind in ENTRY)
_NAMES = ", ".join(name for name, _ in ENTRY)
_ORDER = ("since", "notification_id", "cause", "detail")


def _in_order(of: str) -> str:
    return f"({', '.join(f'{of}.{name}' for name in _ORDER)})"


# A complaint overrides everything, and nothing overrides a complaint. What lasts overrides what ends. Of failures that
# last, the first one is named; what a person added (it names no notification) stays as they wrote it.
BLOCK = f"""
INSERT INTO delivery_suppression AS s ({_NAMES}) SELECT * FROM unnest({_ARRAYS})
ON CONFLICT (project_id, address_key) DO UPDATE SET until = NULL, created_by_id = NULL,
    {", ".join(f"{name} = excluded.{name}" for name, _ in ENTRY)}
WHERE CASE WHEN s.cause IN ({_COMPLAINTS}) OR excluded.cause IN ({_COMPLAINTS})
    THEN s.cause NOT IN ({_COMPLAINTS})
        OR (excluded.cause IN ({_COMPLAINTS}) AND {_in_order("excluded")} < {_in_order("s")})
    ELSE s.until IS NOT NULL OR (s.notification_id IS NOT NULL AND {_in_order("excluded")} < {_in_order("s")}) END
"""  # noqa: S608
ENTRIES = """
SELECT id, project_id, address_key, cause, since, notification_id FROM delivery_suppression
WHERE address_key = ANY(%s) AND (project_id IS NULL OR project_id = ANY(%s)) ORDER BY address_key COLLATE "C", id
FOR UPDATE
"""
RENAME = f"""
UPDATE delivery_suppression s SET {", ".join(f"{name} = g.{name}" for name, _ in ENTRY)}
FROM unnest(%s::bigint[], {_ARRAYS}) AS g (id, {_NAMES}) WHERE s.id = g.id
"""  # noqa: S608
RELEASE = "DELETE FROM delivery_suppression WHERE id = ANY(%s)"


def learn(added: Collection[Evidence], withdrawn: Collection[Evidence] = ()) -> Statements[set[Evidence]]:
    """Learns what was added and unlearns what was withdrawn, once the rows say so; the evidence that blocks addresses.

    For `database.statements`: workers and readers of what comes back do the same on their own connections.
    """
    if not added and not withdrawn:
        return set()
    repeats = {one for one in (*added, *withdrawn) if one.rule is Suppress.AFTER_REPEATS}
    yield from struck.hold({*repeats, *withdrawn})
    yield from lines.take_back({(one.notification_id, one.line_key) for one in withdrawn})
    released = yield from _released([one for one in withdrawn if one.rule is Suppress.AT_ONCE])
    lasting = {one for one in added if one.rule in (Suppress.AT_ONCE, Suppress.COMPLAINT)}
    yield from _blocked(lasting)
    yield from lines.write([one.line for one in lasting])
    added_repeats, withdrawn_repeats = repeats.intersection(added), repeats.intersection(withdrawn)
    return lasting | (yield from struck.count(added_repeats, withdrawn_repeats, released))


def _whose(one: Evidence, of_the_site: frozenset[int]) -> int | None:
    """Where it blocks: in its project, or (None) on the whole site."""
    return None if one.rule is Suppress.AT_ONCE and one.provider_id in of_the_site else one.project_id


def _blocked(lasting: Collection[Evidence]) -> Statements[None]:
    if not lasting:
        return
    site = yield from of_the_site(lasting)
    first: dict[Pair, Evidence] = {}
    for one in sorted(lasting, key=lambda one: (one.rule is not Suppress.COMPLAINT, one.order)):
        first.setdefault((_whose(one, site), one.address_key), one)
    # One order for all programs.
    rows = sorted(first.items(), key=lambda item: (item[0][1], item[0][0] or 0))
    yield BLOCK, _columns((project, one) for (project, _), one in rows)


def _columns(rows: Iterable[tuple[int | None, Evidence]]) -> list[Any]:
    values = [
        (project, one.address, one.address_key, one.cause, one.detail, one.at, one.notification_id)
        for project, one in rows
    ]
    return [array(kind, column) for (_, kind), column in zip(ENTRY, zip(*values, strict=True), strict=True)]


def _released(withdrawn: Collection[Evidence]) -> Statements[list[tuple[int, str]]]:
    """Entries that withdrawn failures made go, or name the next one; the projects' addresses whose entry went.

    Only what happened since an entry began can hold it up: what is older was lifted by a person.
    """
    if not withdrawn:
        return []
    gone = {(project, one.address_key, one.notification_id) for one in withdrawn for project in (None, one.project_id)}
    keys, projects = {one.address_key for one in withdrawn}, {one.project_id for one in withdrawn}
    rows = yield ENTRIES, [array("text", sorted(keys)), array("bigint", sorted(projects))]
    shaken = {
        (project, key): (id, since)
        for id, project, key, cause, since, named in rows
        if (project, key, named) in gone and blocking.rule(cause) is Suppress.AT_ONCE
    }
    found = yield from standing(shaken, Suppress.AT_ONCE)
    site = yield from of_the_site(found)
    renamed: dict[Pair, Evidence] = {}
    for one in sorted(found, key=lambda one: one.order):
        pair = (_whose(one, site), one.address_key)
        if pair in shaken and one.at >= shaken[pair][1]:
            renamed.setdefault(pair, one)
    if renamed:
        columns = _columns((project, one) for (project, _), one in renamed.items())
        yield RENAME, [array("bigint", (shaken[pair][0] for pair in renamed)), *columns]
    if over := [pair for pair in shaken if pair not in renamed]:
        yield RELEASE, [array("bigint", (shaken[pair][0] for pair in over))]
    return [(project, key) for project, key in over if project is not None]
