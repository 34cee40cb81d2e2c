"""The list of projects, and the making of one."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import make
from undelivered.delivery.models import DailyCount, DailyCountDelta, Provider
from undelivered.desk.models import AuditEntry, Project

pytestmark = pytest.mark.django_db
NEW = {"name": "Facilities", "key": "fac", "from_address": "facilities@desk.example"}


@pytest.fixture
def admin(client):
    person = make.person(is_site_admin=True)
    client.force_login(person)
    return person


def test_a_person_sees_their_own_projects_only(client):
    it, _hr = make.project("IT"), make.project("HR")
    client.force_login(make.person(admin_of=it))
    answer = client.get(reverse("home"))
    assert "IT Help" in answer.text
    assert "HR Help" not in answer.text


def test_somebody_without_a_project_is_told_whom_to_ask(client):
    client.force_login(make.person())
    assert "You are in no project yet" in client.get(reverse("home")).text


def test_the_numbers_are_of_the_kept_days_folded_or_not(client, admin):
    it, today = make.project("IT"), timezone.localdate()
    row = {"kind": "request", "state": "failed", "reason": "provider_error"}
    DailyCount.objects.create(project=it, day=today, n=1234, **row)
    DailyCountDelta.objects.create(project_id=it.pk, day=today, n=2, **row)
    DailyCount.objects.create(project=it, day=today - timedelta(days=60), n=5000, **row)
    answer = client.get(reverse("home"))
    assert "1,236" in answer.text
    assert "6,236" not in answer.text
    assert "Error from email service provider" in answer.text


def test_an_agent_sees_no_numbers(client):
    it = make.project("IT")
    DailyCount.objects.create(project=it, day=timezone.localdate(), kind="request", state="failed", reason="x", n=1234)
    client.force_login(make.person(agent_of=it))
    answer = client.get(reverse("home"))
    assert "IT Help" in answer.text
    assert "1,234" not in answer.text


def test_an_outage_is_shown_on_every_page_of_a_project_and_where_its_mail_goes(client):
    it = make.project("IT")
    client.force_login(make.person(agent_of=it))
    page = reverse("requests", kwargs={"key": "IT"})
    assert "cannot be used" not in client.get(page).text
    Provider.objects.create(name="Relay", url="smtp://a.example", incident_since=timezone.now(), incident="Refused")
    assert "Mail waits" in client.get(page).text
    Provider.objects.create(name="Second", url="smtp://b.example", rank=1)
    assert "Mail goes to Second meanwhile" in client.get(page).text


def test_a_site_admin_makes_a_project(client, admin):
    answer = client.post(reverse("create-project"), NEW)
    project = Project.objects.get()
    assert answer.status_code == 302
    assert (project.key, project.name, project.from_address) == ("FAC", "Facilities", "facilities@desk.example")
    assert AuditEntry.objects.get(action="project.created").person == admin


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": "1T"}, "a letter first"),
        ({"key": "IT"}, "There is a project with the key IT already."),
        ({"name": " "}, "This field is required."),
        ({"from_address": "nobody"}, "Enter a valid email address."),
    ],
)
def test_a_project_that_cannot_be_made_says_what_is_wrong_and_keeps_what_was_typed(client, admin, change, message):
    make.project("IT")
    answer = client.post(reverse("create-project"), {**NEW, **change})
    assert answer.status_code == 422
    assert message in answer.text
    assert "facilities@desk.example" in answer.text or "from_address" in change
    assert Project.objects.count() == 1


def test_others_make_no_project(client):
    client.force_login(make.person(admin_of=make.project("IT")))
    assert client.post(reverse("create-project"), NEW).status_code == 403
    assert Project.objects.count() == 1


def test_the_theme_is_kept_in_a_cookie_and_on_the_page(client, admin):
    answer = client.post(reverse("theme"), {"theme": "dark", "next": "/?x=1"})
    assert answer["Location"] == "/?x=1"
    assert 'data-theme="dark"' in client.get(reverse("home")).text
    client.post(reverse("theme"), {"theme": "", "next": "//evil.example/"})
    assert "data-theme=" not in client.get(reverse("home")).text
