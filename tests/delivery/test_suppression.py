"""The suppression list: which failures put an address on it and for how long, and who takes it off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests import make
from undelivered.bounces import Cause
from undelivered.delivery import suppression
from undelivered.delivery.models import Strike, Suppression
from undelivered.delivery.suppression import NeedsConfirmation
from undelivered.desk.actors import UNDELIVERED, By
from undelivered.desk.models import AuditEntry

pytestmark = pytest.mark.django_db


def entry_of(project, **values) -> Suppression:
    defaults = {"address": "ann@x.example", "address_key": "ann@x.example", "cause": "userunknown"}
    return Suppression.objects.create(project=project, **{**defaults, **values})


# --- asking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["ann@x.example", "ANN@X.EXAMPLE", " ann@x.example ", '"ann"@x.example'])
def test_an_address_is_found_however_it_is_written(address):
    project = make.project()
    entry = entry_of(project)
    assert suppression.find(project, address) == entry
    assert list(suppression.found_for(project, [address]).values()) == [entry]


def test_domains_compare_in_their_ascii_form():
    project = make.project()
    suppression.add(project, "ann@bücher.example", by=UNDELIVERED)
    assert suppression.find(project, "ann@xn--bcher-kva.example")


def test_dots_and_tags_are_other_addresses():
    project = make.project()
    entry_of(project)
    assert suppression.find(project, "a.nn@x.example") is None
    assert suppression.find(project, "ann+it@x.example") is None


def test_another_projects_entry_blocks_nothing_here():
    entry_of(make.project("HR"))
    assert suppression.find(make.project("IT"), "ann@x.example") is None


def test_the_projects_own_entry_is_named_before_the_sites():
    project = make.project()
    own = entry_of(project)
    entry_of(None)
    assert suppression.find(project, "ann@x.example") == own
    assert suppression.found_for(project, ["ann@x.example"]) == {"ann@x.example": own}


def test_of_two_entries_the_stronger_one_is_named():
    project, soon = make.project(), timezone.now() + timedelta(days=1)
    entry_of(project, cause="mailboxfull", until=soon)
    assert suppression.find(project, "ann@x.example").until == soon
    dead = entry_of(None)
    assert suppression.find(project, "ann@x.example") == dead
    Suppression.objects.filter(project=project).update(cause="feedback", until=None)
    assert suppression.find(project, "ann@x.example").cause == "feedback"


def test_the_list_shows_the_projects_and_the_sites_newest_first():
    project = make.project()
    made = [entry_of(project, address_key=f"a{n}@x.example") for n in range(3)]
    made.append(entry_of(None, address_key="all@x.example"))
    make.customer("All@x.example", of=project)
    entry_of(make.project("HR"))
    entry_of(project, address_key="over@x.example", until=timezone.now() - timedelta(seconds=1))
    assert suppression.listing(project) == made[::-1]
    first = suppression.listing(project, limit=3)
    assert first + suppression.listing(project, before=first[-1].pk, limit=3) == made[::-1]


@pytest.mark.parametrize(
    ("q", "n"),
    [("ann@x.example", 1), ("ANN@", 1), ("an", 2), ("@x.example", 2), ("@Y.example", 1), ("%", 0), ("\x00", 3)],
)
def test_the_list_is_searched_by_address_beginning_or_domain(q, n):
    project = make.project()
    for address in ("ann@x.example", "andy@x.example", "bob@y.example"):
        entry_of(project, address=address, address_key=address)
    assert len(suppression.listing(project, q=q)) == n


def test_of_the_sites_entries_a_project_sees_those_on_its_customers_and_on_whom_it_mailed():
    project, other = make.project(), make.project("HR")
    for name in ("customer", "mailed", "unknown", "others"):
        entry_of(None, address=f"{name}@x.example", address_key=f"{name}@x.example")
    make.customer("Customer@X.example", of=project)
    make.notification(project, "mailed@x.example")
    make.customer("others@x.example", of=other)
    make.notification(other, "others@x.example")
    assert [one.address for one in suppression.listing(project)] == ["mailed@x.example", "customer@x.example"]
    assert suppression.find(project, "unknown@x.example")  # it holds all the same


@pytest.mark.parametrize("limit", [1, 2, 3, 25])
def test_pages_are_full_however_many_of_the_sites_entries_lie_between(limit):
    project = make.project()
    for n in range(30):
        entry_of(None, address_key=f"{n}@x.example")
    for n in (0, 1, 14, 15, 29):
        make.customer(f"{n}@x.example", of=project)
    entry_of(project, address_key="own@x.example")
    seen, before = [], None
    while page := suppression.listing(project, before=before, limit=limit):
        assert len(page) == min(limit, 6 - len(seen))
        seen += [one.address_key for one in page]
        before = page[-1].pk
    assert seen == ["own@x.example", "29@x.example", "15@x.example", "14@x.example", "1@x.example", "0@x.example"]


def test_an_entry_of_the_site_does_not_name_another_projects_mail():
    project, other = make.project(), make.project("HR")
    own, theirs = make.notification(project, "a@x.example"), make.notification(other, "b@x.example")
    make.notification(project, "b@x.example")
    entry_of(None, address_key="a@x.example", notification_id=own.id)
    entry_of(None, address_key="b@x.example", notification_id=theirs.id)
    assert [one.notification_id for one in suppression.listing(project)] == [None, own.id]
    assert [one.notification_id for one in suppression.listing(other)] == [theirs.id]


def test_the_list_is_filtered_by_cause():
    project, other = make.project(), make.project("HR")
    entry_of(project, address_key="ann@x.example", cause="feedback")
    entry_of(None, address_key="bob@x.example", cause="userunknown")
    make.customer("bob@x.example", of=project)
    entry_of(project, address_key="cy@x.example", cause="mailboxfull", until=timezone.now() - timedelta(days=1))
    entry_of(other, address_key="di@x.example", cause="manual")
    assert [one.address_key for one in suppression.listing(project, cause="userunknown")] == ["bob@x.example"]
    assert suppression.causes_listed(project) == ["feedback", "userunknown"]


# --- adding and lifting -----------------------------------------------------------------------------------------------


def test_adding_by_hand_is_in_the_audit_log():
    project, ann = make.project(), make.person()
    entry = suppression.add(project, " Bob@X.example ", by=By(ann), detail="asked us not to write")
    assert (entry.address, entry.address_key, entry.cause, entry.created_by) == (
        "Bob@X.example",
        "bob@x.example",
        "manual",
        ann,
    )
    audit = AuditEntry.objects.get()
    assert (audit.action, audit.target, audit.project, audit.person) == (
        "suppression.added",
        "Bob@X.example",
        project,
        ann,
    )


def test_adding_twice_is_one_entry():
    project = make.project()
    suppression.add(project, "bob@x.example", by=UNDELIVERED)
    until = timezone.now() + timedelta(days=1)
    entry = suppression.add(project, "BOB@x.example", by=UNDELIVERED, until=until)
    assert Suppression.objects.get() == entry
    assert entry.until == until


def test_a_complaint_cannot_be_made_an_ordinary_entry_by_adding_it_again():
    project = make.project()
    entry_of(project, cause="feedback")
    assert suppression.add(project, "ann@x.example", by=UNDELIVERED).cause == "feedback"


def test_lifting_takes_the_entry_and_its_strikes_off_and_is_in_the_audit_log():
    project, ann = make.project(), make.person()
    entry = entry_of(project, cause="mailboxfull", until=timezone.now() + timedelta(days=1))
    Strike.objects.create(project=project, address_key="ann@x.example", cause="mailboxfull", day=timezone.now().date())
    assert suppression.lift(entry, by=By(ann)) == 0
    assert not Suppression.objects.exists()
    assert not Strike.objects.exists()
    audit = AuditEntry.objects.get()
    assert (audit.action, audit.target, audit.detail["cause"]) == ("suppression.lifted", "ann@x.example", "mailboxfull")


def test_lifting_what_someone_else_has_lifted_is_no_second_action():
    entry = entry_of(make.project())
    stale = Suppression.objects.get()
    suppression.lift(entry, by=UNDELIVERED)
    suppression.lift(stale, by=UNDELIVERED)
    assert AuditEntry.objects.count() == 1


def test_a_complaint_is_lifted_with_a_confirmation_only():
    entry = entry_of(make.project(), cause="feedback")
    with pytest.raises(NeedsConfirmation, match="reported a mail as spam"):
        suppression.lift(entry, by=UNDELIVERED)
    assert Suppression.objects.exists()
    assert not AuditEntry.objects.exists()
    suppression.lift(entry, by=UNDELIVERED, confirmed=True)
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("cause", ["manual", "feedback", "mailboxfull"])
def test_of_the_sites_entries_a_project_lifts_dead_mailboxes_only(cause):
    project, ann = make.project(), make.person()
    entry = entry_of(None, cause=cause)
    with pytest.raises(suppression.OfTheSite):
        suppression.lift(entry, by=By(ann), confirmed=True, project=project)
    assert Suppression.objects.exists()
    suppression.lift(entry, by=By(make.person(is_site_admin=True)), confirmed=True, project=project)
    suppression.lift(entry_of(None), by=By(ann), project=project)
    assert not Suppression.objects.exists()


def test_what_was_skipped_is_what_failed_because_of_the_entry_and_was_not_resent():
    project = make.project()
    now = timezone.now()
    entry = entry_of(project, since=now - timedelta(hours=1))
    failed = {"state": "failed", "reason": "suppressed", "finished_at": now}
    during = make.notification(project, "ann@x.example", **failed)
    waited = make.notification(project, "ann@x.example", at=now - timedelta(hours=2), **failed)
    make.notification(project, "ann@x.example", **{**failed, "finished_at": now - timedelta(hours=2)})  # an earlier one
    make.notification(project, "ann@x.example", **failed, resent_as=make.ids.uuid7())
    make.notification(project, "bob@x.example", **failed)
    make.notification(make.project("HR"), "ann@x.example", **failed)
    make.notification(project, "ann@x.example", state="failed", reason="provider_error", finished_at=now)
    assert suppression.skipped(entry) == [during.id, waited.id]
    assert suppression.skipped(entry, limit=1) == [during.id]
    make.notification(project, "ann@x.example", **failed, cause="suppressed")  # on the provider's own list
    assert suppression.lift(entry, by=UNDELIVERED) == 2


def test_of_an_entry_of_the_site_the_one_who_asks_counts_its_own_mail_alone():
    project, other, now = make.project(), make.project("HR"), timezone.now()
    entry = entry_of(None, since=now - timedelta(hours=1))
    failed = {"state": "failed", "reason": "suppressed", "finished_at": now}
    own, theirs = (
        make.notification(project, "ann@x.example", **failed),
        make.notification(other, "ann@x.example", **failed),
    )
    assert suppression.skipped(entry, project=project) == [own.id]
    assert suppression.skipped(entry) == [theirs.id, own.id]
    assert suppression.lift(entry, by=UNDELIVERED, project=project) == 1
    audit = AuditEntry.objects.get()
    assert (audit.project, audit.detail["site_wide"], audit.detail["skipped"]) == (project, True, 1)


def test_what_was_skipped_is_counted_for_many_entries_at_once(django_assert_num_queries):
    project, now = make.project(), timezone.now()
    failed = {"state": "failed", "reason": "suppressed", "finished_at": now}
    make.customer("bob@x.example", of=project)
    for whose, address in ((project, "ann"), (project, "bob"), (None, "bob"), (project, "cy")):
        key = f"{address}@x.example"
        entry_of(whose, address=key, address_key=key, since=now - timedelta(hours=1))
    for address, n in (("ann@x.example", 3), ("bob@x.example", 1)):
        for _ in range(n):
            make.notification(project, address, **failed)
    make.notification(project, "ann@x.example", **failed, resent_as=make.ids.uuid7())
    make.notification(project, "ann@x.example", **failed, cause="suppressed")
    make.notification(make.project("HR"), "cy@x.example", **failed)
    make.notification(project, "cy@x.example", **{**failed, "finished_at": now - timedelta(hours=2)})
    entries = suppression.listing(project)
    with django_assert_num_queries(1):
        counted = suppression.skipped_counts(project, entries, most=2)
    assert [counted.get(one.pk, 0) for one in entries] == [0, 1, 1, 2]
    assert [len(suppression.skipped(one, 2, project=project)) for one in entries] == [0, 1, 1, 2]
    assert suppression.skipped_counts(project, []) == {}


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", [*Cause, "manual", "template", "login_refused", "provider_unreachable", "mistake"])
def test_every_cause_has_a_label(cause):
    assert suppression.cause_label(str(cause))[0].isupper()


def test_a_cause_of_another_version_is_shown_as_it_is():
    assert suppression.cause_label("no_such_cause") == "No such cause"
    assert suppression.cause_label("") == ""


def test_the_sentence_says_since_when_until_when_and_why(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    since = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    assert suppression.said("mailboxfull", since, None) == "Blocked since 2 March 2026, 00:30: mailbox full."
    until = datetime(2026, 3, 8, 23, 30, tzinfo=UTC)
    assert "until 9 March 2026" in suppression.said("mailboxfull", since, until)
