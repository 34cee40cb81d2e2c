"""What hands mail over to Undelivered: the API's own application, called in this process, and the functions behind it.

A helper process (`_helper.serve`). The JSON that a program would send is written before the clock starts.
"""

from __future__ import annotations

import io
import json
import time
from typing import Any

import django

from benchmarks._helper import serve
from benchmarks._mails import mails

KEY = "IT"
_kept: dict[str, Any] = {}


def prepare(port: int) -> dict[str, Any]:
    from undelivered.delivery import providers
    from undelivered.desk import projects, tokens
    from undelivered.desk.actors import UNDELIVERED
    from undelivered.ops.commands import database
    from undelivered.wsgi import application

    database.apply()
    project = projects.create(key=KEY, name="IT help", from_address="desk@example.com", by=UNDELIVERED)
    providers.set_provider(None, f"smtp+plain://127.0.0.1:{port}", by=UNDELIVERED)
    _, secret = tokens.create(project, name="benchmark")
    _kept.update(project=project, token=secret, application=application)
    _call(b"", "GET")  # whatever the application loads at its first call
    return {"token": secret}


def write(n: int, per_call: int, size: int = 4096) -> None:
    """The bodies of the calls to come."""
    made = mails(n, size)
    _kept["calls"] = [made[at : at + per_call] for at in range(0, n, per_call)]
    _kept["bodies"] = [json.dumps({"notifications": call}).encode() for call in _kept["calls"]]


def by_api() -> dict[str, Any]:
    """All calls, one after the other, through the whole application."""
    begun = time.perf_counter()
    for body in _kept["bodies"]:
        assert (status := _call(body)).startswith("202"), status
    return {"begun": begun, "ended": time.perf_counter()}


def directly() -> dict[str, Any]:
    """The same without HTTP, JSON and the checks of a call's fields: one transaction for what is one call."""
    from django.db import transaction

    from undelivered.delivery import written
    from undelivered.delivery.models import Kind

    calls = [
        [
            written.Written(Kind.REQUEST, m["name"], m["recipient"], m["subject"], m["text"], issue_key=m["issue_key"])
            for m in call
        ]
        for call in _kept["calls"]
    ]
    begun = time.perf_counter()
    for call in calls:
        with transaction.atomic():
            written.take(_kept["project"], call)
    return {"begun": begun, "ended": time.perf_counter()}


def _call(body: bytes, method: str = "POST") -> str:
    said: list[str] = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": f"/api/v1/projects/{KEY}/notifications",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8025",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8025",
        "HTTP_AUTHORIZATION": f"Bearer {_kept['token']}",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    answer = _kept["application"](environ, lambda status, headers, error=None: said.append(status))
    for _ in answer:
        pass
    answer.close()
    return said[0]


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "undelivered.settings")
    django.setup()
    serve({"prepare": prepare, "write": write, "by_api": by_api, "directly": directly})
