"""The mailboxes page: set up, changed, looked into, removed; who may."""

from dataclasses import replace

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import make
from undelivered.delivery import secrets
from undelivered.desk.models import AuditEntry
from undelivered.inbound import mailbox_url
from undelivered.inbound.mailbox_url import Done, Security, Take
from undelivered.inbound.models import Mailbox

pytestmark = pytest.mark.django_db
FORM = {
    "host": "192.0.2.7",
    "port": "993",
    "security": "imaps",
    "username": "support@example.com",
    "password": "s3cret",
    "folder": "INBOX",
    "take": "returned",
    "done": "mark",
    "every": "60",
}
OAUTH = {
    "login": "client_credentials",
    "token_url": "https://login.example.com/token",
    "client_id": "us",
    "scope": "imap",
}


@pytest.fixture
def it(settings):
    settings.ENV = replace(settings.ENV, allow_private_hosts=True)
    return make.project("IT")


@pytest.fixture
def admin(client, it):
    person = make.person(admin_of=it)
    client.force_login(person)
    return person


def post(client, name="settings-mailboxes", *args, **values):
    return client.post(reverse(name, args=["IT", *args]), values, follow=True)


def stored():
    box = Mailbox.objects.get()
    return box, mailbox_url.parse(box.url)


def test_a_mailbox_is_set_up_with_its_password_encrypted(client, it, admin):
    answer = post(client, **FORM)
    box, where = stored()
    assert (box.project, box.name, secrets.decrypt(box.secret)) == (it, "support@example.com", "s3cret")
    assert (where.host, where.port, where.security, where.done) == ("192.0.2.7", 993, Security.TLS, Done.MARK)
    assert "s3cret" not in answer.text
    assert "s3cret" not in box.url
    assert AuditEntry.objects.filter(action="mailbox.changed", project=it).exists()


def test_everything_that_the_form_says_is_in_the_url(client, it, admin):
    values = {"folder": "Bounces/In & Out", "take": "all", "done": "move", "moved_to": "Read?", "every": "300"}
    post(client, **{**FORM, **values, **OAUTH, "security": "imap+starttls", "port": ""})
    _, where = stored()
    assert (where.folder, where.take, where.moved_to, where.every_s) == ("Bounces/In & Out", Take.ALL, "Read?", 300)
    assert (where.security, where.port) == (Security.STARTTLS, 143)
    assert where.oauth is not None
    assert (where.oauth.client_id, where.oauth.scope) == ("us", "imap")
    shown = client.get(reverse("settings-mailboxes", args=["IT"]), {"edit": Mailbox.objects.get().pk}).text
    assert "Bounces/In &amp; Out" in shown
    assert "https://login.example.com/token" in shown


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"host": "imap.example.com/x"}, "Give the host"),
        ({"username": "a\r\nb"}, "one line"),
        ({"password": ""}, "needs a password"),
        ({"done": "move", "moved_to": ""}, "move:Folder"),
        ({"every": "1"}, "10"),
        ({**OAUTH, "client_id": ""}, "client_id"),
        ({**OAUTH, "token_url": "http://login.example.com"}, "https://"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(client, it, admin, values, words):
    answer = post(client, **{**FORM, **values})
    assert answer.status_code == 422
    assert words in answer.text
    assert not Mailbox.objects.exists()


def test_the_password_stays_only_for_the_same_login(client, it, admin):
    post(client, **FORM)
    id = Mailbox.objects.get().pk
    post(client, **{**FORM, "password": "", "every": "120", "id": id})
    box, where = stored()
    assert (where.every_s, secrets.decrypt(box.secret)) == (120, "s3cret")
    answer = post(client, **{**FORM, "password": "", "host": "192.0.2.8", "id": id})
    assert answer.status_code == 422
    assert stored()[1].host == "192.0.2.7"


def test_a_stored_secret_goes_to_no_other_token_server(client, it, admin):
    post(client, **{**FORM, **OAUTH})
    other = {**FORM, **OAUTH, "password": "", "token_url": "https://login.example.net/token"}
    assert post(client, **other, id=Mailbox.objects.get().pk).status_code == 422
    assert stored()[1].oauth.host == "login.example.com"


def test_another_folder_is_looked_at_from_its_beginning(client, it, admin):
    post(client, **FORM)
    Mailbox.objects.update(uid_validity=5, last_uid=40, to_do=[40])
    post(client, **{**FORM, "every": "90", "id": Mailbox.objects.get().pk})
    assert (stored()[0].last_uid, stored()[0].to_do) == (40, [40])
    post(client, **{**FORM, "folder": "Bounces", "id": Mailbox.objects.get().pk})
    assert (stored()[0].uid_validity, stored()[0].last_uid, stored()[0].to_do) == (None, 0, [])


def test_a_projects_mailbox_is_on_the_internet_unless_the_site_allows_more(client, it, admin, settings):
    settings.ENV = replace(settings.ENV, allow_private_hosts=False)
    assert "not a public host" in post(client, **{**FORM, "host": "127.0.0.1"}).text
    assert not Mailbox.objects.exists()


def test_how_a_mailbox_fares_is_shown(client, it, admin):
    post(client, **FORM)
    now = timezone.now()
    Mailbox.objects.update(taken=3, left=41, checked_at=now, failing_since=now, error="It refuses the <login>.")
    text = client.get(reverse("settings-mailboxes", args=["IT"])).text
    assert "3 taken, 41 left alone" in text
    assert "It refuses the &lt;login&gt;." in text


def test_it_can_be_looked_into_at_once_and_removed(client, it, admin):
    post(client, **FORM)
    Mailbox.objects.update(checked_at=timezone.now())
    id = Mailbox.objects.get().pk
    post(client, "settings-mailbox-look", id)
    assert Mailbox.objects.get().checked_at is None
    post(client, "settings-mailbox-remove", id)
    assert not Mailbox.objects.exists()


def test_nobody_touches_another_projects_mailbox(client, it, admin):
    other = Mailbox.objects.create(project=make.project("HR"), url="imaps://a@192.0.2.1", name="hr-box")
    assert post(client, "settings-mailbox-remove", other.pk).status_code == 404
    assert post(client, **FORM, id=other.pk).status_code == 404
    assert "hr-box" not in client.get(reverse("settings-mailboxes", args=["IT"])).text


def test_only_site_admins_change_the_sites_mailboxes(client, it, admin):
    site = Mailbox.objects.create(project=None, url="imaps://a@192.0.2.1", name="site-box")
    assert "site-box" in client.get(reverse("settings-mailboxes", args=["IT"])).text
    assert post(client, "settings-mailbox-remove", site.pk).status_code == 403
    assert post(client, **FORM, scope="site").status_code == 403
    client.force_login(make.person(is_site_admin=True))
    assert post(client, **FORM, scope="site").status_code == 200
    assert Mailbox.objects.filter(project=None).count() == 2
