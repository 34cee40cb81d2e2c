"""The suppression list: what it shows, adding, lifting, and sending what was skipped."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import make
from undelivered.bounces import Cause
from undelivered.database import ids
from undelivered.delivery import provider_lift, suppression
from undelivered.delivery.models import Notification, Suppression
from undelivered.delivery.states import State
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import AuditEntry
from undelivered.web.pages import suppressions as page_of_the_list

pytestmark = pytest.mark.django_db

ANN = "ann@northwind.example"


@pytest.fixture
def it():
    return make.project("IT")


@pytest.fixture
def admin(client, it):
    person = make.person(admin_of=it, name="Mara Lindqvist")
    client.force_login(person)
    return person


def blocked(it, address=ANN, cause=Cause.USER_UNKNOWN, **values):
    return suppression.add(it, address, by=UNDELIVERED, cause=cause, **values)


def page(client, **query):
    return client.get(reverse("suppressions", args=["IT"]), query)


def lift(client, entry, **values):
    return client.post(reverse("suppression-lift", args=["IT", entry.pk]), values, follow=True)


def skipped(it, n=2):
    values = {"state": State.FAILED, "reason": "suppressed", "due_at": None, "finished_at": timezone.now()}
    return [make.notification(it, ANN, **values) for _ in range(n)]


def test_agents_are_kept_out(client, it):
    client.force_login(make.person(agent_of=it))
    assert page(client).status_code == 403


def test_the_list_shows_address_cause_words_and_end(client, it, admin):
    blocked(it, detail="550 5.1.1 no such user", until=timezone.now() + timedelta(days=7))
    blocked(make.project("HR"), "bob@havn.example")
    text = page(client).text
    assert "550 5.1.1 no such user" in text
    assert suppression.cause_label(Cause.USER_UNKNOWN) in text
    assert "bob@" not in text


def test_the_search_takes_the_start_of_an_address_and_a_domain(client, it, admin):
    blocked(it)
    blocked(it, "bob@havn.example")
    for q in ("ann@", "@northwind.example"):
        assert [row.entry.address for row in page(client, q=q).context["rows"]] == [ANN]


def test_an_address_is_added_with_a_note_and_an_end(client, it, admin):
    day = timezone.localdate() + timedelta(days=3)
    given = {"address": ANN, "note": "Closed for the season", "until": day.isoformat()}
    client.post(reverse("suppression-add", args=["IT"]), given)
    entry = Suppression.objects.get()
    assert (entry.cause, entry.detail, entry.created_by) == ("manual", "Closed for the season", admin)
    assert timezone.localtime(entry.until).date() == day
    assert "Added by Mara Lindqvist" in page(client).text
    assert AuditEntry.objects.filter(action="suppression.added", person=admin).exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [({"address": "ann"}, "address"), ({"address": ""}, "address"), ({"until": "2020-01-01"}, "until")],
)
def test_what_cannot_be_added_is_refused_by_field(client, it, admin, values, field):
    answer = client.post(reverse("suppression-add", args=["IT"]), {"address": ANN, **values})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not Suppression.objects.exists()


def test_an_address_is_on_the_list_once(client, it, admin):
    blocked(it)
    answer = client.post(reverse("suppression-add", args=["IT"]), {"address": ANN.upper()})
    assert "is on the list already" in answer.text


def test_lifting_offers_what_was_skipped_and_sends_it(client, it, admin):
    entry = blocked(it)
    skipped(it)
    answer = lift(client, entry)
    assert not Suppression.objects.exists()
    assert "2 notifications were skipped while this address was blocked" in answer.text
    gone = answer.context["lifted"]
    given = {"lifted": gone.address, "since": gone.since.isoformat()}
    sent = client.post(reverse("suppression-skipped", args=["IT"]), given, follow=True)
    assert Notification.objects.filter(resend_of__isnull=False).count() == 2
    assert f"2 notifications to {ANN} are on the way." in sent.text
    again = client.post(reverse("suppression-skipped", args=["IT"]), given, follow=True)
    assert Notification.objects.filter(resend_of__isnull=False).count() == 2
    assert again.status_code == 200


def test_what_the_email_services_answered_is_shown(client, it, admin, monkeypatch):
    asked = []

    def ask(project, address, *, by, complaint):
        asked.append((project, address, complaint))
        said = ((True, "Postmark took it off its list, too."), (False, "Brevo could not be asked: no answer."))
        return [provider_lift.Lifted("x", ok, sentence) for ok, sentence in said]

    monkeypatch.setattr(provider_lift, "ask", ask)
    text = lift(client, blocked(it)).text
    assert "Postmark took it off its list, too." in text
    assert "Brevo could not be asked: no answer." in text
    assert asked == [(it, ANN, False)]


def test_an_address_that_stays_blocked_for_the_whole_site_is_said_to(client, it, admin):
    make.customer(ANN, of=it)
    entry = blocked(it)
    Suppression.objects.create(project=None, address=ANN, address_key=ANN, cause=Cause.HOST_UNKNOWN)
    assert f"{ANN} is still blocked for the whole site: domain does not exist." in lift(client, entry).text


def test_no_provider_is_asked_as_long_as_another_entry_blocks(client, it, admin, monkeypatch):
    monkeypatch.setattr(provider_lift, "ask", lambda *values, **named: pytest.fail("asked"))
    make.customer(ANN, of=it)
    entry = blocked(it)
    Suppression.objects.create(project=None, address=ANN, address_key=ANN, cause=Cause.HOST_UNKNOWN)
    lift(client, entry)
    lift(client, blocked(it, "bo@x.example", cause=Cause.FEEDBACK))  # asks for a confirmation first


def test_what_is_more_than_one_step_sends_is_offered_again(client, it, admin, monkeypatch):
    monkeypatch.setattr(page_of_the_list, "MOST", 2)
    entry = blocked(it)
    skipped(it, 3)
    answer = lift(client, entry)
    assert "2 or more notifications were skipped" in answer.text
    gone = answer.context["lifted"]
    given = {"lifted": gone.address, "since": gone.since.isoformat()}
    sent = client.post(reverse("suppression-skipped", args=["IT"]), given, follow=True)
    assert "1 notification was skipped" in sent.text


def test_where_an_entry_comes_from_is_said(client, it, admin):
    row = make.notification(it, ANN, issue_key="IT-7")
    make.customer("cy@x.example", of=it)
    for address, values in (
        ("a@x.example", {"notification_id": row.id}),
        ("b@x.example", {"notification_id": ids.uuid7()}),
        ("c@x.example", {"created_by": admin}),
        ("d@x.example", {}),
        ("cy@x.example", {"project": None}),
    ):
        values = {"project": it, **values}
        Suppression.objects.create(address=address, address_key=address, cause="userunknown", **values)
    text = page(client).text
    for words in ("IT-7</a>", "no longer kept", "Added by Mara Lindqvist", "Added by a program", "another project"):
        assert text.count(words) == 1, words


def test_the_list_takes_the_same_few_queries_however_long_it_is(client, it, admin, django_assert_max_num_queries):
    row = make.notification(it, ANN)
    for n in range(20):
        address = f"a{n}@x.example"
        Suppression.objects.create(
            project=it, address=address, address_key=address, cause="userunknown", notification_id=row.id
        )
    with django_assert_max_num_queries(14):
        page(client)


def test_a_complaint_is_lifted_only_with_a_confirmation(client, it, admin):
    entry = blocked(it, cause=Cause.FEEDBACK)
    assert "Lift the block only if they asked for mails again." in lift(client, entry).text
    assert Suppression.objects.exists()
    lift(client, entry, confirmed="yes")
    assert not Suppression.objects.exists()


def test_a_project_admin_never_lifts_a_complaint_of_the_whole_site(client, it, admin):
    entry = blocked(it, cause=Cause.FEEDBACK)
    Suppression.objects.update(project=None)
    make.customer(entry.address, of=it)
    assert "Only a site admin can lift that." in lift(client, entry, confirmed="yes").text
    assert Suppression.objects.exists()


def test_what_a_site_admin_blocked_for_the_whole_site_stays(client, it, admin):
    entry = blocked(it, cause="manual")
    Suppression.objects.update(project=None)
    make.customer(entry.address, of=it)
    assert "is blocked for the whole site. Only a site admin can lift that." in lift(client, entry).text
    assert Suppression.objects.exists()


def test_a_dead_mailbox_of_the_whole_site_is_lifted_by_a_project_admin(client, it, admin):
    entry = blocked(it, cause=Cause.USER_UNKNOWN)
    Suppression.objects.update(project=None)
    make.customer(entry.address, of=it)
    assert "is off the list" in lift(client, entry).text
    assert not Suppression.objects.exists()


def test_another_projects_entry_cannot_be_lifted(client, it, admin):
    entry = blocked(make.project("HR"))
    assert lift(client, entry).status_code == 404
    assert Suppression.objects.exists()


@pytest.mark.parametrize("since", ["", "yesterday", "0001-01-01T00:00:00+00:00", "2026-01-01T00:00:00"])
def test_a_made_up_address_of_the_page_does_no_harm(client, it, admin, since):
    assert page(client, lifted=ANN + "\0", since=since, before="x", q="\0").status_code == 200
