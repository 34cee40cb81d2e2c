"""A real Postfix in between: it takes the mail, another server refuses it later, and its own notification comes back.

Once to the bounce domain, by SMTP; once to the mailbox of the address that the mail is from, by IMAP. Postfix is
Debian's package in a folder of its own, with a configuration and a queue of its own, on loopback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.peers import postfix

from tests import make
from tests.delivery.worker_at import WorkerAt, state_of, types_of
from tests.inbound.conftest import transactional_db  # noqa: F401 - a fixture
from tests.inbound.imap_server import imap_server
from tests.inbound.own_door import OwnDoor
from tests.journeys.program import until
from undelivered.delivery import providers, secrets, suppression, wake
from undelivered.delivery.models import MailDomain, Notification, Provider, ReturnPath, Suppression
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import Customer, Project
from undelivered.inbound import mailbox_url
from undelivered.inbound.mailbox import look
from undelivered.inbound.models import Arrival, Door, Evidence, Made, Mailbox
from undelivered.inbound.reading import read_once
from undelivered.ops.rehearsal import RehearsalServer
from undelivered.rules.act import open_request
from undelivered.rules.invite import Invitee, invite, resend_invite

pytestmark = [pytest.mark.journey, pytest.mark.usefixtures("transactional_db")]
GONE = "ann+no-such-user@northwind.example"
#: Mails for our own domains go their own way; all others to the server that refuses.
ROUTES = (
    "transport_maps = inline:{{ {{bounces.desk.example = smtp:[127.0.0.1]:{door}}}, "
    "{{desk.example = smtp:[127.0.0.1]:{desk}}} }}\n"
)


class World:
    """A door, a worker, a Postfix behind it, and the servers of the customers and of the desk's own mailboxes."""

    def __init__(self, folder: Path) -> None:
        self.door = OwnDoor(folder, wake.url)
        self.customers, self.desk = RehearsalServer(), RehearsalServer()
        refusing, own = self.door.do(self.customers.start()), self.door.do(self.desk.start())
        self.door.start()
        self.relay = postfix.relay(refusing, ROUTES.format(door=self.door.port, desk=own))
        self.worker = WorkerAt(real=True)

    def __enter__(self) -> World:
        port = self.relay.__enter__().port
        url = f"smtp+plain://127.0.0.1:{port}"
        self.provider = providers.set_provider(None, url, by=UNDELIVERED, name="Postfix")
        self.project: Project = make.project(from_address="help@desk.example")
        self.worker.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.worker.__exit__(*error)
        self.relay.__exit__(None, None, None)
        self.door.do(self.customers.stop())
        self.door.do(self.desk.stop())
        self.door.stop()

    def returns(self, mode: ReturnPath) -> None:
        Provider.objects.update(return_path=mode)
        MailDomain.objects.create(domain="desk.example", bounce_domain="bounces.desk.example")

    def invited(self, address: str) -> Notification:
        [told] = invite(self.project, [Invitee(address)], by=UNDELIVERED)
        assert told.notification is not None
        self.worker.turn()
        return self.now(told.notification)

    def now(self, one: Notification) -> Notification:
        return Notification.objects.get(id=one.id)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    if why := postfix.why_not():
        pytest.skip(why)
    with World(tmp_path) as made:
        yield made


def read_all(there: Callable[[], bool] = Arrival.objects.exists) -> None:
    """Waits until something came in, and reads it."""
    until(there)
    while read_once():
        pass


def test_postfixs_own_notification_comes_back_to_the_bounce_domain(world: World) -> None:
    world.returns(ReturnPath.SIGNED)
    sent = world.invited(GONE)
    assert sent.state == State.SENT, sent.detail

    read_all()
    arrival = Arrival.objects.get()
    assert (arrival.door, arrival.state, arrival.evidence) == (Door.SMTP, Made.APPLIED, Evidence.RETURN_PATH)
    assert state_of(sent.id) == (State.FAILED, Reason.PROVIDER_ERROR, "userunknown")
    assert types_of(sent.id)[-2:] == ["bounced", "suppressed"]
    assert "no such user here" in world.now(sent).detail
    assert suppression.find(world.project, GONE) is not None

    ann = Customer.objects.get()
    opened = open_request(world.project, summary="The printer burns", reporter=ann, by=UNDELIVERED)
    world.worker.turn()
    [next_one] = Notification.objects.filter(request=opened)
    assert (next_one.state, next_one.reason) == (State.FAILED, Reason.SUPPRESSED)

    again = resend_invite(world.project, ann, by=UNDELIVERED)
    assert again.notification is not None
    assert not Suppression.objects.exists()
    world.worker.turn()
    assert world.now(again.notification).state == State.SENT


def test_it_comes_back_to_the_mailbox_of_the_address_that_the_mail_is_from(world: World) -> None:
    world.returns(ReturnPath.LOGIN)
    sent = world.invited(GONE)
    assert sent.state == State.SENT, sent.detail

    until(lambda: bool(world.desk.inbox("help@desk.example")))
    [notice] = world.desk.inbox("help@desk.example")
    with imap_server() as server:
        uid = server.inbox.put(notice.content)
        letter = server.inbox.put(b"From: ben@northwind.example\r\nSubject: Hello\r\n\r\nA person writes.\r\n")
        url = f"imap+plain://support%40example.com@127.0.0.1:{server.port}"
        box = Mailbox.objects.create(project=world.project, url=url, secret=secrets.encrypt("secret"))
        look(box, mailbox_url.parse(url), "secret")
        assert server.inbox.of(uid).flags == {"\\Seen"}
        assert not server.inbox.of(letter).flags
    read_all()
    arrival = Arrival.objects.get()
    assert (arrival.door, arrival.state, arrival.notification_id) == (Door.MAILBOX, Made.APPLIED, sent.id)
    assert arrival.evidence in {Evidence.HEADER, Evidence.MESSAGE_ID}
    assert state_of(sent.id) == (State.FAILED, Reason.PROVIDER_ERROR, "userunknown")
    assert suppression.find(world.project, GONE) is not None


def test_a_mail_that_arrives_brings_nothing_back(world: World) -> None:
    world.returns(ReturnPath.SIGNED)
    sent = world.invited("ben@northwind.example")
    until(lambda: bool(world.customers.inbox("ben@northwind.example")))
    [mail] = world.customers.inbox("ben@northwind.example")
    assert mail.envelope_from.startswith("b-")
    assert mail.envelope_from.endswith("@bounces.desk.example")
    assert world.now(sent).state == State.SENT
    assert not Arrival.objects.exists()
