"""Who is told of what happened in one action, who is not, and why. Decides only: nothing is written or sent here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from undelivered.delivery.addresses import canonical
from undelivered.delivery.models import NotSentCause
from undelivered.desk import opt_outs
from undelivered.desk.actors import By
from undelivered.desk.models import Customer, Project
from undelivered.rules.events import EVENTS, Event
from undelivered.rules.models import Rule
from undelivered.rules.recipients import RECIPIENTS, Involved
from undelivered.rules.rules_of import recipients_of, rules_of

#: Customer -> why they want no mail about this.
Unwanted = Mapping[int, NotSentCause]


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of an action. `about`: the new participants, the invited. `values`: its own variables."""

    event: str
    about: Sequence[Customer] = ()
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """About one event and one customer; nobody where the decision is about nobody in particular.

    `always`: the customer cannot turn this event off.
    """

    rule: Rule
    customer: Customer | None
    cause: NotSentCause | None  # None: they are told
    always: bool = False

    @property
    def event(self) -> Event:
        return EVENTS[self.rule.event]


def decide(project: Project, involved: Involved, happened: Sequence[Happened], by: By) -> list[Decision]:
    """A decision for every event and everyone who could be told of it, events by priority.

    Who is told of several events is told once: of the first; the others are MERGED into that mail.
    """
    rules = {rule.event: rule for rule in rules_of(project, [one.event for one in happened])}
    actor = _key_of(by)
    unwanted = _unwanted(involved, happened)
    told: set[int] = set()
    decisions: list[Decision] = []
    for one in sorted(happened, key=lambda one: -EVENTS[one.event].priority):
        rule = rules[one.event]
        who = _recipients(rule, involved, one.about)
        if not who:
            decisions.append(Decision(rule, None, NotSentCause.NO_RECIPIENT))
        for customer, roles in who:
            always = bool(roles & set(EVENTS[rule.event].despite_opt_out))
            cause = _why_not(rule, customer, actor, {} if always else unwanted)
            if cause is None and customer.pk in told:
                cause = NotSentCause.MERGED
            elif cause is None:
                told.add(customer.pk)
            decisions.append(Decision(rule, customer, cause, always))
    return decisions


def not_optional(decisions: Iterable[Decision]) -> set[int]:
    """The customers whose mail says something that they cannot turn off."""
    return {
        one.customer.pk for one in decisions if one.customer and one.always and one.cause in (None, NotSentCause.MERGED)
    }


def groups(decisions: Iterable[Decision]) -> dict[tuple[str, ...], list[Customer]]:
    """The customers who are told, by the events of their mail, the one that names it first."""
    events: dict[int, list[str]] = {}
    customers: dict[int, Customer] = {}
    for decision in decisions:
        if decision.customer is not None and decision.cause in (None, NotSentCause.MERGED):
            events.setdefault(decision.customer.pk, []).append(decision.rule.event)
            customers[decision.customer.pk] = decision.customer
    found: dict[tuple[str, ...], list[Customer]] = {}
    for pk, slugs in events.items():
        found.setdefault(tuple(slugs), []).append(customers[pk])
    return found


def _recipients(rule: Rule, involved: Involved, about: Sequence[Customer]) -> list[tuple[Customer, set[str]]]:
    """Everyone once, with the recipients' names that they came by."""
    found: dict[int, tuple[Customer, set[str]]] = {}
    for name in recipients_of(rule):
        for customer in RECIPIENTS[name].who(involved, about):
            found.setdefault(customer.pk, (customer, set()))[1].add(name)
    return list(found.values())


def _why_not(rule: Rule, customer: Customer, actor: str, unwanted: Unwanted) -> NotSentCause | None:
    if not rule.enabled:
        return NotSentCause.RULE_OFF
    if customer.address_key == actor and not EVENTS[rule.event].asked_for:
        return NotSentCause.OWN_ACTIVITY
    return unwanted.get(customer.pk)


def _key_of(by: By) -> str:
    """The address of whoever acts, in its canonical form: a person of the team may be a customer too."""
    if by.customer:
        return by.customer.address_key
    return canonical(by.person.email) if by.person else ""


def _unwanted(involved: Involved, happened: Sequence[Happened]) -> Unwanted:
    """Who turned these mails off, and how. An invitation is about no request: nobody can turn it off."""
    request = involved.request
    if request is None or request.pk is None:
        return {}
    about = {customer.pk for one in happened for customer in one.about}
    everyone = {request.reporter_id, *(customer.pk for customer in involved.participants), *about}
    this, whole = opt_outs.wishes(request, everyone)
    return dict.fromkeys(whole, NotSentCause.OPTED_OUT_OF_PROJECT) | dict.fromkeys(this, NotSentCause.OPTED_OUT)
