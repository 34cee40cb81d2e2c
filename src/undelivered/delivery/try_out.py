"""A mail to somebody of the team, to see that sending works: it takes the way of every other mail."""

from __future__ import annotations

from django.db import transaction

from undelivered.delivery.addresses import private, validate
from undelivered.delivery.enqueue import Addressee, enqueue
from undelivered.delivery.models import Content, Kind, Notification, Provider
from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import Project

EVENT = "test"
NAME = "Test mail"
TEXT = """This is a test mail of {project}. It was sent because {person} asked for it.

It went out through {provider}. Who reads this knows that mail arrives.
"""


@transaction.atomic
def send(project: Project, provider: Provider, to: str, *, by: By) -> Notification:
    """Queues the mail. Raises `BadInput` for what is no address."""
    if problem := validate(to) or private(to):
        raise BadInput("to", f"{to}: {problem.detail}")
    content = Content(
        project=project,
        event=EVENT,
        from_name=project.from_name or project.name,
        from_address=project.from_address,
        subject=f"Test mail of {project.name}",
        text=TEXT.format(project=project.name, person=by.shown, provider=provider.name),
        headers=[["Auto-Submitted", "auto-generated"]],
    )
    [made] = enqueue(project=project, kind=Kind.ACCOUNT, event=EVENT, name=NAME, content=content, to=[Addressee(to)])
    audit.record("provider.tried", by=by, project=project, target=to)
    return made
