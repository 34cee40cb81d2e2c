"""What hands mail over to Undelivered: the API's own application, called in this process, and the functions behind it.

A helper process (`_helper.serve`). The JSON that a program would send is written before the clock starts.
"""

from __future__ import annotations

import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django

from benchmarks._helper import serve
from benchmarks._mails import mails, recipient, text

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


def trust() -> dict[str, Any]:
    """Whoever is on this machine may hand over the project's mail by SMTP."""
    from undelivered.desk.actors import UNDELIVERED
    from undelivered.inbound import credentials

    credentials.trust(_kept["project"], "127.0.0.0/8", by=UNDELIVERED)
    return {}


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


def fill(n: int, size: int = 4096) -> dict[str, Any]:
    """So many more notifications that wait, all of the same words."""
    from undelivered.database import ids
    from undelivered.delivery import counts, store, written
    from undelivered.delivery.models import Kind

    project = _kept["project"]
    if "shared" not in _kept:
        mail = written.Written(Kind.REQUEST, "Public comment added", recipient(1), "Printer", text(1, size))
        _kept["shared"] = written._content(project, mail)
        store.store([_kept["shared"]], [], counts.zone())
    begun = time.perf_counter()
    for first in range(0, n, 2000):
        rows = [
            store.NewNotification(
                id=ids.uuid7(),
                content_id=_kept["shared"].id,
                project_id=project.pk,
                kind=Kind.REQUEST,
                event=written.EVENT,
                name="Public comment added",
                recipient=recipient(at),
                recipient_key=recipient(at),
                recipient_domain=recipient(at).partition("@")[2],
                issue_key=f"IT-{at % 5000}",
            )
            for at in range(first, min(n, first + 2000))
        ]
        store.store([], rows, counts.zone())
    return {"begun": begun, "ended": time.perf_counter()}


def single(size: int = 4096) -> dict[str, Any]:
    """One mail of a project next door; since when it is stored."""
    from django.db import transaction

    from undelivered.delivery import written
    from undelivered.delivery.models import Kind
    from undelivered.desk import projects
    from undelivered.desk.actors import UNDELIVERED

    if "next door" not in _kept:
        _kept["next door"] = projects.create(key="HR", name="HR", from_address="hr@example.com", by=UNDELIVERED)
    mail = written.Written(Kind.REQUEST, "Public comment added", recipient(2), "Contract", text(2, size))
    with transaction.atomic():
        [row] = written.take(_kept["next door"], [mail])
    return {"id": str(row.id), "stored": time.perf_counter()}


def open_requests(n: int, recipients: int) -> dict[str, Any]:
    """Requests with so many customers each, and somebody of the team who will answer them."""
    from undelivered.desk.actors import By
    from undelivered.desk.models import Customer, Membership, Person, Role
    from undelivered.rules import act

    agent, made = Person.objects.get_or_create(email="agent@desk.example", defaults={"name": "Jonas Weber"})
    if made:
        Membership.objects.create(person=agent, project=_kept["project"], role=Role.AGENT)
    _kept["by"] = By(person=agent)
    customers = [
        Customer.objects.get_or_create(
            address_key=recipient(at), defaults={"address": recipient(at), "name": f"Customer {at}"}
        )[0]
        for at in range(1, recipients + 1)
    ]
    _kept[f"requests of {recipients}"] = [
        act.open_request(
            _kept["project"],
            summary="The printer on the second floor",
            description=text(at, 500),
            reporter=customers[at % recipients],
            participants=customers,
            by=_kept["by"],
        )
        for at in range(n)
    ]
    return {}


def comment(events: int, recipients: int, threads: int) -> dict[str, Any]:
    """So many public comments, each in an action of its own: whoever is involved is told, in the rule's words."""
    from undelivered.rules import act

    requests = _kept[f"requests of {recipients}"]
    comments = [text(at, 900) for at in range(events)]

    def take(mine: int) -> int:
        """Every so many-th; no two threads meet at one request."""
        told = 0
        for at in range(mine, events, threads):
            done = act.update_request(requests[at % len(requests)], by=_kept["by"], comment=comments[at])
            told += len(done.told)
        return told

    if "threads" not in _kept:
        _kept["threads"] = ThreadPoolExecutor(threads)
    begun = time.perf_counter()
    told = sum(_kept["threads"].map(take, range(threads)))
    return {"begun": begun, "ended": time.perf_counter(), "told": told}


def _variable(name: str) -> str:
    return "{{ " + name.replace(".", "_") + " }}"


def same_template() -> dict[str, Any]:
    """What a comment's mail says, as a template of Django's: the values are replaced by the names of variables."""
    from undelivered.delivery.models import Content
    from undelivered.delivery.personal import Personal, mark
    from undelivered.rules.content import Template, compose
    from undelivered.rules.rules_of import rules_of

    request = next(made[0] for name, made in _kept.items() if name.startswith("requests of"))
    names = ("request.key", "request.summary", "comment.author", "comment.body")
    values = {name: name.replace(".", "Q").upper() for name in names}
    rule = next(rule for rule in rules_of(_kept["project"]) if rule.event == "public_comment_added")
    made: Content = compose(_kept["project"], request, [Template.of(rule)], values)
    found = {}
    for part in ("subject", "text", "html"):
        said = getattr(made, part)
        for name, value in values.items():
            said = said.replace(value, _variable(name))
        for one in Personal:
            said = said.replace(mark(one), _variable(one.value))
        found[part] = said
    return found


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
    deeds = (prepare, trust, write, by_api, directly, fill, open_requests, comment, same_template, single)
    serve({deed.__name__: deed for deed in deeds})
