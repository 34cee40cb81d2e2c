"""A project's settings: who may open them, general, members, tokens."""

import pytest
from django.urls import reverse

from tests import make
from undelivered.delivery.models import Notification
from undelivered.delivery.states import State
from undelivered.desk import tokens
from undelivered.desk.models import ApiToken, AuditEntry, Membership, Person, Role
from undelivered.web.pages.settings import TABS

pytestmark = pytest.mark.django_db


@pytest.fixture
def it():
    return make.project("IT")


@pytest.fixture
def admin(client, it):
    person = make.person(admin_of=it, name="Mara Lindqvist")
    client.force_login(person)
    return person


def post(client, name, /, **values):
    return client.post(reverse(name, args=["IT"]), values, follow=True)


# -- who may open them


@pytest.mark.parametrize("name", ["settings", *(name for name, _ in TABS)])
def test_settings_are_for_the_projects_admins(client, it, name):
    where = reverse(name, args=["IT"])
    for person, status in (
        (make.person(agent_of=it), 403),
        (make.person(admin_of=make.project("HR" + name[-3:].upper())), 404),
        (make.person(is_site_admin=True), 200),
    ):
        client.force_login(person)
        assert client.get(where, follow=True).status_code == status


# -- general


GENERAL = {"name": "IT Help", "from_name": "", "from_address": "help@desk.example", "at_limit": "hold"}


def test_name_sender_and_limits_are_saved_with_what_they_were(client, it, admin):
    post(client, "settings-general", **GENERAL, daily_limit="100", size_limit="2.5")
    it.refresh_from_db()
    assert (it.daily_limit, it.at_limit, it.size_limit) == (100, "hold", 2621440)
    entry = AuditEntry.objects.get(action="project.changed")
    assert entry.detail["daily_limit"] == [None, 100]
    assert "name" not in entry.detail
    text = client.get(reverse("settings-general", args=["IT"])).text
    assert "0 of 100" in text
    assert 'value="2.5"' in text


def test_an_empty_limit_is_no_limit(client, it, admin):
    post(client, "settings-general", **GENERAL, daily_limit="100", size_limit="2")
    post(client, "settings-general", **GENERAL, daily_limit="", size_limit="")
    it.refresh_from_db()
    assert (it.daily_limit, it.size_limit) == (None, None)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "IT\r\nBcc: eve@evil.example"}, "name"),
        ({"from_name": "IT\nBcc: x"}, "from_name"),
        ({"from_address": "help"}, "from_address"),
        ({"from_address": "help@desk.example, b@c.example"}, "from_address"),
        ({"daily_limit": "-1"}, "daily_limit"),
        ({"daily_limit": "9" * 20}, "daily_limit"),
        ({"size_limit": "600"}, "size_limit"),
        ({"at_limit": "shout"}, "at_limit"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_field(client, it, admin, values, field):
    answer = post(client, "settings-general", **{**GENERAL, **values})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    it.refresh_from_db()
    assert it.at_limit == "fail"


def test_the_held_ones_can_be_sent(client, it, admin):
    make.notification(it, state=State.HELD)
    assert "1 notification held" in client.get(reverse("settings-general", args=["IT"])).text
    assert "1 held notification is on the way." in post(client, "settings-held").text
    assert Notification.objects.get().state == State.QUEUED
    assert "nothing held" in post(client, "settings-held").text


# -- members


def test_a_new_person_gets_a_password_that_is_shown_once_and_works(client, it, admin):
    answer = post(client, "settings-members", email="Jonas@desk.example", name="Jonas Weber", role="agent")
    password = answer.context["added"].password
    assert password in answer.text
    assert "no-store" in answer["Cache-Control"]
    assert Person.objects.get(email="jonas@desk.example").check_password(password)
    assert password not in client.get(reverse("settings-members", args=["IT"])).text
    assert password not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_a_known_person_joins_without_a_password(client, it, admin):
    person = make.person("jonas@desk.example")
    answer = post(client, "settings-members", email=person.email, name="", role="admin")
    assert Membership.objects.get(person=person).role == Role.ADMIN
    assert "is a member now" in answer.text
    assert post(client, "settings-members", email=person.email, role="agent").status_code == 422


def test_a_member_is_removed_but_never_the_last_admin(client, it, admin):
    jonas = make.person(agent_of=it)
    client.post(reverse("settings-member-remove", args=["IT", jonas.memberships.get().pk]))
    assert not jonas.memberships.exists()
    own = client.post(reverse("settings-member-remove", args=["IT", admin.memberships.get().pk]), follow=True)
    assert "is the last admin" in own.text
    assert admin.memberships.exists()


def test_a_member_of_another_project_cannot_be_removed(client, it, admin):
    other = make.person(agent_of=make.project("HR"))
    answer = client.post(reverse("settings-member-remove", args=["IT", other.memberships.get().pk]))
    assert answer.status_code == 404
    assert other.memberships.exists()


# -- tokens


def test_a_tokens_secret_is_shown_once_and_opens_the_project(client, it, admin):
    answer = post(client, "settings-tokens", name="Monitoring", scopes=["read", "send"])
    secret = answer.context["secret"]
    assert secret in answer.text
    token = tokens.verify(secret)
    assert (token.project, token.scopes, token.created_by) == (it, ["read", "send"], admin)
    assert secret not in client.get(reverse("settings-tokens", args=["IT"])).text
    assert AuditEntry.objects.filter(action="token.created").exists()


def test_reloading_the_answer_makes_no_second_token(client, it, admin):
    for _ in range(2):
        answer = post(client, "settings-tokens", name="Monitoring", scopes=["read"])
    assert answer.status_code == 422
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize("values", [{"name": "", "scopes": ["read"]}, {"name": "x"}, {"name": "x", "scopes": ["root"]}])
def test_a_token_needs_a_name_and_scopes_that_exist(client, it, admin, values):
    assert post(client, "settings-tokens", **values).status_code == 422
    assert not ApiToken.objects.exists()


def test_a_revoked_token_opens_nothing(client, it, admin):
    token, secret = tokens.create(it, name="Old")
    client.post(reverse("settings-token-revoke", args=["IT", token.pk]))
    assert tokens.verify(secret) is None
    other, _ = tokens.create(make.project("HR"))
    assert client.post(reverse("settings-token-revoke", args=["IT", other.pk])).status_code == 404
