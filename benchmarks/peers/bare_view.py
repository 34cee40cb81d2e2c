"""The least that Django can do: a view that reads JSON and stores a row, without any checks, served as Undelivered is.

`python -m benchmarks.peers.bare_view PORT PROCESSES`.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import django
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from undelivered.ops.commands.processes import THREADS


def _application(target: str) -> Any:
    from django.core.handlers.wsgi import WSGIHandler

    return WSGIHandler()


def main(port: int, processes: int) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peers._settings"
    os.environ["BENCH_URLS"] = "benchmarks.peers._bare"
    django.setup()
    from django.db import connection

    from benchmarks.peers._bare import Row

    if Row._meta.db_table not in connection.introspection.table_names():
        with connection.schema_editor() as editor:
            editor.create_model(Row)
    connection.close()
    Server(
        "benchmarks.peers._bare",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=processes,
        blocking_threads=THREADS,
        log_level=LogLevels.error,
    ).serve(target_loader=_application)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
