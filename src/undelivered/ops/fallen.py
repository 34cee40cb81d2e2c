"""Workers of this machine that were killed: what they had in hand is due again at once, not after a minute's silence.

Only where all processes are on this machine, as with the embedded PostgreSQL: elsewhere a process id says nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import psutil
import psycopg

from undelivered.delivery import claim, wake
from undelivered.delivery.models import Worker
from undelivered.env import Env


def give_back(env: Env) -> int:
    """Gives back the claims of workers whose process is gone; how many mails that were."""
    gone = [one.pk for one in Worker.objects.filter(host=socket.gethostname()) if not _runs(one)]
    if not gone:
        return 0
    returned = asyncio.run(_give_back(gone, env.keep_days))
    Worker.objects.filter(pk__in=gone).delete()
    if returned:
        wake.now()
    return returned


def _runs(worker: Worker) -> bool:
    """Whether the process is there, and is the one that signed on: its number may belong to another by now."""
    try:
        process = psutil.Process(worker.pid)
        # One that ended stays in the table until its parent asks for it: in a container without an init, for ever.
        ended = process.status() == psutil.STATUS_ZOMBIE
        return not ended and bool(process.create_time() <= worker.started_at.timestamp())
    except psutil.NoSuchProcess:
        return False


async def _give_back(workers: Sequence[int], keep_days: int) -> int:
    async with await psycopg.AsyncConnection.connect(wake.url(), autocommit=True) as connection:
        return sum([await claim.give_back(connection, keep_days=keep_days, worker=one) for one in workers])
