"""An action's events -> notifications: one mail for each recipient, and a record of everyone who gets none.

Called inside the transaction of the action, by `act` and `invite` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from undelivered.database import ids
from undelivered.delivery import suppression
from undelivered.delivery.enqueue import Addressee, enqueue, not_sent
from undelivered.delivery.models import Notification, NotSent, NotSentCause
from undelivered.delivery.personal import NOT_OPTIONAL, Personal
from undelivered.desk.actors import By
from undelivered.desk.models import Comment, Customer, Project, Request
from undelivered.rules import variables
from undelivered.rules.content import Template, compose
from undelivered.rules.decide import Decision, Happened, decide, groups, not_optional
from undelivered.rules.events import EVENTS
from undelivered.rules.recipients import Involved

__all__ = ("Happened", "Planned", "Told", "announce", "plan")


@dataclass(frozen=True, slots=True)
class Told:
    notifications: list[Notification]
    not_sent: list[NotSent]


def announce(
    project: Project,
    happened: Sequence[Happened],
    *,
    by: By,
    request: Request | None = None,
    comment: Comment | None = None,
    action: UUID | None = None,
) -> Told:
    """Tells everyone who is to be told. What this makes shares the id `action`.

    A template that does not render makes failed mails, never a failed action."""
    if not happened:
        return Told([], [])
    involved = Involved(request)
    decisions = decide(project, involved, happened, by)
    rules = {decision.rule.event: decision.rule for decision in decisions}
    values = variables.values(project, by=by, request=request, comment=comment, participants=involved.participants)
    for one in happened:
        values |= one.values
    made: list[Notification] = []
    always = not_optional(decisions)
    action = action or ids.uuid7()
    for events, customers in groups(decisions).items():
        content = compose(project, request, [Template.of(rules[event]) for event in events], values)
        made += enqueue(
            project=project,
            kind=EVENTS[events[0]].kind,
            event=events[0],
            name=rules[events[0]].name,
            content=content,
            to=[addressee(customer, request, always=customer.pk in always) for customer in customers],
            request=request,
            action=action,
        )
    rows = _not_sent(project, request, decisions, action)
    not_sent(rows)
    return Told(made, rows)


def internal(request: Request, event: str, action: UUID) -> NotSent:
    """The decision that a comment for the team is mailed to no customer."""
    rule_name = EVENTS[event].label
    row = _row(request.project, request, event, rule_name, None, NotSentCause.INTERNAL_COMMENT, action)
    not_sent([row])
    return row


def addressee(customer: Customer, request: Request | None, *, always: bool = False) -> Addressee:
    """A request that lives elsewhere is opened there. `always`: the customer cannot turn this mail off."""
    personal = {Personal.REQUEST_URL.value: request.url} if request and request.url else {}
    if always:
        personal[NOT_OPTIONAL] = "yes"
    return Addressee(customer.address, customer.name, customer.pk, personal)


def _not_sent(project: Project, request: Request | None, decisions: Sequence[Decision], action: UUID) -> list[NotSent]:
    return [
        _row(project, request, one.rule.event, one.rule.name, one.customer, one.cause, action)
        for one in decisions
        if one.cause is not None
    ]


def _row(
    project: Project,
    request: Request | None,
    event: str,
    name: str,
    customer: Customer | None,
    cause: NotSentCause,
    action: UUID | None = None,
) -> NotSent:
    return NotSent(
        project=project,
        request=request,
        customer=customer,
        issue_key=request.issue_key if request else "",
        event=event,
        name=name,
        recipient=customer.address if customer else "",
        recipient_name=customer.name if customer else "",
        cause=cause,
        action=action,
    )


@dataclass(frozen=True, slots=True)
class Planned:
    """What would happen to one customer. `cause`: of `NotSentCause`, or `blocked` for a suppressed address."""

    customer: Customer
    told: bool
    cause: str = ""
    label: str = ""


def plan(request: Request, events: Sequence[str], by: By, about: Sequence[Customer] = ()) -> list[Planned]:
    """Whom the events would be mailed to, and whom not: for the page that asks before it acts. Writes nothing."""
    project = request.project
    decisions = decide(project, Involved(request), [Happened(event, about) for event in events], by)
    blocked = suppression.found_for(project, [one.customer.address for one in decisions if one.customer])
    planned: dict[int, Planned] = {}
    for decision in decisions:
        customer = decision.customer
        if customer is None or decision.cause == NotSentCause.MERGED or _is_told(planned.get(customer.pk)):
            continue
        if decision.cause is not None:
            planned.setdefault(customer.pk, Planned(customer, False, decision.cause.value, decision.cause.label))
        elif customer.address_key in blocked:
            planned[customer.pk] = Planned(customer, False, "blocked", "The address is on the suppression list")
        else:
            planned[customer.pk] = Planned(customer, True)
    return list(planned.values())


def _is_told(planned: Planned | None) -> bool:
    return planned is not None and planned.told
