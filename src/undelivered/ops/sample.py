"""The sample project `IT`: a small service desk whose mails go to the rehearsal mail server.

Its failures are not inserted: every one comes from trying. Where one needs a condition (a template that breaks, a limit
that is used up), the condition is made, one thing happens, and the condition is taken back, so that the newcomer's own
first mail works. A chapter that was told is not told again; one that was interrupted is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction

from undelivered.delivery import limits, providers
from undelivered.delivery.models import MailDomain, Notification, Provider, ReturnPath
from undelivered.delivery.states import FINAL, State
from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.models import AuditEntry, Customer, Membership, Person, Project, Request, Role
from undelivered.env import Env
from undelivered.rules import people
from undelivered.rules.act import open_request, update_request
from undelivered.rules.invite import Invitee, invite
from undelivered.rules.models import Rule
from undelivered.rules.rules_of import reset_rule, rules_of

KEY = "IT"
DOMAIN, BOUNCE_DOMAIN = "desk.example", "bounces.desk.example"
DAILY_LIMIT = 500
SAMPLE = By(program="Sample")
#: Until `point_at` says where the rehearsal mail server listens.
ANY_PORT = 2526
#: How long a chapter waits for its mails. Only a worker that is not running makes it that long.
PATIENCE_S = 20.0

# The editor refuses a filter that does not exist; a template that was stored before, or by hand, can still have one.
BROKEN = "{{ request.summary | shout }}"
# Well over 6 MB once it is rendered, in whatever form.
TOO_LARGE = (
    "{% for line in (1..50000) %}\n\n"
    "Thank you for your patience. We are still working on your request, and write again soon.\n{% endfor %}"
)


def ensure_project(env: Env) -> bool:
    """Makes the bare project where there is none at all and the settings want it; whether the sample is there."""
    found = Provider.objects.filter(project__key=KEY, rehearsal=True).exists()
    if found:
        _let_bounces_come_back()
    if found or not env.sample or Project.objects.exists():
        return found
    with transaction.atomic():
        project = Project.objects.create(
            key=KEY, name="IT Help", from_name="IT Help", from_address="it-help@desk.example", daily_limit=DAILY_LIMIT
        )
        agent = Person.objects.create(email="jonas.weber@desk.example", name="Jonas Weber")
        Membership.objects.create(person=agent, project=project, role=Role.AGENT)
        audit.record("project.created", by=SAMPLE, project=project, target=KEY)
        rules_of(project)
        providers.set_provider(project, _url(ANY_PORT), name="Rehearsal mail server", by=SAMPLE, rehearsal=True)
        _let_bounces_come_back()
    return True


def _let_bounces_come_back() -> None:
    """The rehearsal writes to the signed return path, and hands its reports to the SMTP door. Arranged once."""
    _, made = MailDomain.objects.get_or_create(domain=DOMAIN, defaults={"bounce_domain": BOUNCE_DOMAIN})
    if made:
        Provider.objects.filter(project__key=KEY, rehearsal=True).update(return_path=ReturnPath.SIGNED)


def point_at(port: int) -> None:
    """The rehearsal mail server listens here now."""
    url = _url(port)
    for provider in (
        Provider.objects.filter(project__key=KEY, rehearsal=True).exclude(url=url).select_related("project")
    ):
        providers.set_provider(provider.project, url, name=provider.name, by=SAMPLE, rehearsal=True)


def _url(port: int) -> str:
    return f"smtp+plain://127.0.0.1:{port}"


def is_told() -> bool:
    return not list(_untold())


def tell() -> None:
    """Lets happen what has not happened yet."""
    project = Project.objects.get(key=KEY)
    for chapter in list(_untold()):
        chapter(project)
        audit.record("sample.told", by=SAMPLE, project=project, target=chapter.__name__)


def _untold() -> Iterator[Callable[[Project], None]]:
    told = set(AuditEntry.objects.filter(action="sample.told", project__key=KEY).values_list("target", flat=True))
    return (chapter for chapter in CHAPTERS if chapter.__name__ not in told)


def invitations(project: Project) -> None:
    """New customers: two that get their mail, and three that do not."""
    invitees = [
        Invitee("ann.keller@northwind.example", "Ann Keller"),
        Invitee("petra.sand@northwind.example", "Petra Sand"),
        Invitee("owen.blake+no-such-user@brightside.example", "Owen Blake"),
        Invitee("lena,hoffmann@hafenkontor.example", "Lena Hoffmann"),
        Invitee("door-sensor@192.168.0.217", "Door sensor"),
    ]
    _wait([one.notification.id for one in invite(project, invitees, by=_agent()) if one.notification])


def a_laptop(project: Project) -> None:
    """A request as it should be: everybody hears of everything."""
    ann, petra = _customer("ann.keller@northwind.example"), _customer("petra.sand@northwind.example")
    request = open_request(
        project,
        summary="Laptop does not start after the update",
        description="It shows the logo for a few seconds, then the screen goes black.\n\nI need my slides at 15:00.",
        reporter=ann,
        by=By(customer=ann),
    )
    text = "Please hold the power button for ten seconds, then start with F8 held down. Your files stay as they are."
    update_request(request, by=_agent(), comment=text, status="in_progress")
    done = update_request(
        request, by=By(customer=ann), comment="I added Petra, she sits next to me.", participants=[petra]
    )
    _wait([one.id for one in done.told])


def answers_of_other_servers(project: Project) -> None:
    """Requests whose reporters' servers refuse, put off, or say something that is no SMTP."""
    for address, name, summary in (
        ("s.demir+mailbox-full@stadtwerk.example", "Selin Demir", "Access to the shared calendar"),
        ("noor.aziz+greylist@polder.example", "Noor Aziz", "New phone number"),
        ("helpdesk+policy@fjord-shipping.example", "Fjord Shipping", "Invoices arrive twice"),
        ("priya.nair+spam@lumen-labs.example", "Priya Nair", "Please unlock my account"),
        ("marc.petit+garbage@atelier-petit.example", "Marc Petit", "Printer on the second floor"),
        ("kim.larsen+drop-after-data@havn.example", "Kim Larsen", "Headset for the meeting room"),
    ):
        _wait(_told_of(_open(project, address, name, summary)))


def what_comes_back_later(project: Project) -> None:
    """Every server takes these mails, and writes back later: that nobody has this mailbox, that it takes time, that
    somebody called it spam, that somebody is on holiday."""
    for address, name, summary in (
        ("ola.nygaard+later-bounce@fjord-shipping.example", "Ola Nygaard", "Badge for the car park"),
        ("iris.kamp+later-delay@polder.example", "Iris Kamp", "Keyboard with a Greek layout"),
        ("bea.lund+complaint@havn.example", "Bea Lund", "Mails about the cafeteria"),
        ("theo.marsh+out-of-office@brightside.example", "Theo Marsh", "Projector for Thursday"),
    ):
        _wait(_told_of(_open(project, address, name, summary)))


def a_mailbox_that_is_gone(project: Project) -> None:
    """The first mail bounces; the second is not sent any more, because the address is on the suppression list."""
    request = _open(project, "t.rivera+no-such-user@orchard.example", "Tomás Rivera", "Docking station")
    _wait(_told_of(request))
    done = update_request(request, by=_agent(), comment="Your docking station is ready at the service counter.")
    _wait([one.id for one in done.told])


def a_template_that_breaks(project: Project) -> None:
    request = _open(project, "ann.keller@northwind.example", "Ann Keller", "Second monitor")
    with _body(project, "status_changed", BROKEN):
        _wait([one.id for one in update_request(request, by=_agent(), status="waiting").told])


def a_template_that_is_too_large(project: Project) -> None:
    request = _open(project, "petra.sand@northwind.example", "Petra Sand", "Monitor arm")
    with _body(project, "request_resolved", TOO_LARGE):
        _wait([one.id for one in update_request(request, by=_agent(), status="resolved").told])


def a_limit_that_is_reached(project: Project) -> None:
    """The limit is lowered to what is used, one mail is tried, and the limit is as before."""
    Project.objects.filter(pk=project.pk).update(daily_limit=max(1, limits.usage(project).used))
    try:
        _wait(_told_of(_open(project, "ann.keller@northwind.example", "Ann Keller", "Wireless in room 0.14")))
    finally:
        Project.objects.filter(pk=project.pk).update(daily_limit=DAILY_LIMIT)


CHAPTERS: tuple[Callable[[Project], None], ...] = (
    invitations,
    a_laptop,
    what_comes_back_later,
    answers_of_other_servers,
    a_mailbox_that_is_gone,
    a_template_that_breaks,
    a_template_that_is_too_large,
    a_limit_that_is_reached,
)


def _agent() -> By:
    return By(person=Person.objects.get(email="jonas.weber@desk.example"))


def _customer(address: str, name: str = "") -> Customer:
    return people.customer(address, name)


def _open(project: Project, address: str, name: str, summary: str) -> Request:
    customer = _customer(address, name)
    return open_request(project, summary=summary, reporter=customer, by=_agent())


def _told_of(request: Request) -> list[UUID]:
    rows = Notification.objects.filter(project=request.project, issue_key=request.issue_key)
    return list(rows.values_list("id", flat=True))


@contextmanager
def _body(project: Project, event: str, body: str) -> Iterator[None]:
    """The rule of an event has another body for a while, even one that the editor would refuse."""
    rule = next(rule for rule in rules_of(project) if rule.event == event)
    Rule.objects.filter(pk=rule.pk).update(body=body)
    rule.refresh_from_db()
    try:
        yield
    finally:
        reset_rule(rule, SAMPLE)


def _wait(ids: Sequence[UUID]) -> None:
    """Until each was tried: it is final, held, or waits for another try."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        rows = Notification.objects.filter(id__in=ids).values_list("state", "attempts")
        if all(State(state) in FINAL | {State.HELD} or (state == State.QUEUED and n) for state, n in rows):
            return
        time.sleep(0.05)
