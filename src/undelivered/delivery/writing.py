"""Writing: the mails of a claimed batch come into memory and into the hands, no more of them than there is room for.

Small ones all together. Large ones one by one, as far as they fit: a hundred mails of 25 MB are never there at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from undelivered.delivery import claim, send
from undelivered.delivery.claim import Claimed
from undelivered.delivery.hands import Hands
from undelivered.delivery.rates import Taken
from undelivered.delivery.room import LARGE
from undelivered.delivery.send import Desk


async def write(connection: AsyncConnection[Any], taken: Sequence[Taken], hands: Hands) -> None:
    """Checks and writes what was claimed, and gives it to the hands. What does not fit is QUEUED again."""
    batch, takers = [row for row, _ in taken], {row.id: known for row, known in taken}
    desk = await send.load(connection, batch, LARGE)
    sizes = {id: words.size for id, words in desk.words.items()}
    hands.in_hand.learn((row.project_id, sizes.get(row.content_id, 0)) for row in batch)
    small: list[Claimed] = []
    large: defaultdict[UUID, list[Claimed]] = defaultdict(list)
    for row in batch:
        (large[row.content_id] if sizes.get(row.content_id, 0) > LARGE else small).append(row)
    if small:
        hands.take(await send.prepare(connection, small, desk, hands.rules.policy), takers)
    left: list[Claimed] = []
    for content, rows in large.items():
        whole: Desk | None = None
        for row in rows:
            if not hands.in_hand.fits(row.project_id, sizes[content]):
                left.append(row)
                continue
            whole = whole or replace(desk, words=await send.load_words(connection, [content]))
            hands.take(await send.prepare(connection, [row], whole, hands.rules.policy), takers)
    if left:
        now = datetime.now(UTC)
        await claim.put_back(connection, hands.worker, [(row, now) for row in left])
