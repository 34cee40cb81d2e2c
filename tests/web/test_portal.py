"""What customers see by the links of their mails: GET shows and asks, POST acts, and the link stays private."""

import time
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from tests import make
from undelivered.delivery.models import Notification
from undelivered.desk import links, opt_outs
from undelivered.desk.actors import By
from undelivered.desk.models import AuditEntry, Comment, OptOut, ProjectCustomer
from undelivered.rules import act

pytestmark = pytest.mark.django_db


@pytest.fixture
def it():
    return make.project("IT")


@pytest.fixture
def ann(it):
    return make.customer("ann@northwind.example", "Ann Keller", of=it)


@pytest.fixture
def found(it, ann):
    petra = make.customer("petra@northwind.example", "Petra Sand", of=it)
    return make.request(it, ann, participants=(petra,))


@pytest.fixture
def visitor():
    """A browser that was told to send no referrer: its POSTs say `Origin: null`."""
    return Client(enforce_csrf_checks=True, headers={"origin": "null"})


def path(url):
    return urlsplit(url).path


def test_looking_at_an_invitation_accepts_nothing(visitor, it, ann):
    answer = visitor.get(path(links.invitation(it.pk, ann.pk)))
    assert "Accept the invitation" in answer.text
    assert ProjectCustomer.objects.get().accepted_at is None


def test_an_invitation_is_accepted_once(visitor, it, ann):
    where = path(links.invitation(it.pk, ann.pk))
    for _ in range(2):
        assert "Welcome, Ann Keller" in visitor.post(where).text
    assert ProjectCustomer.objects.get().accepted_at
    assert AuditEntry.objects.filter(action="customer.accepted").count() == 1


def test_a_request_shows_its_public_comments_alone(visitor, it, ann, found):
    by = By(person=make.person(name="Jonas Weber"))
    act.update_request(found, by=by, comment="A loaner is ready.")
    act.update_request(found, by=by, comment="She is a VIP.", public=False)
    text = visitor.get(path(links.request(found.pk, ann.pk))).text
    assert "A loaner is ready." in text
    assert "She is a VIP." not in text


def test_a_customer_comments_and_the_others_hear_of_it(visitor, ann, found):
    where = path(links.request(found.pk, ann.pk))
    answer = visitor.post(where, {"body": "It works now."}, follow=True)
    comment = Comment.objects.get()
    assert (comment.customer, comment.public, comment.body) == (ann, True, "It works now.")
    assert "Your comment is added." in answer.text
    told = list(Notification.objects.values_list("recipient", flat=True))
    assert told == ["petra@northwind.example"]
    assert visitor.post(where, {"body": " "}).status_code == 422


@pytest.mark.parametrize("by", ["mail", "page"])
def test_notifications_are_turned_off_and_on_by_post_alone(visitor, ann, found, by):
    if by == "mail":
        where = path(links.notifications_off(found.pk, ann.pk))
    else:
        where = path(links.request(found.pk, ann.pk)) + "/notifications"
    assert "Turn mails off?" in visitor.get(where).text
    assert not opt_outs.is_off(found, ann)
    for _ in range(2):
        assert "Mails about this request are off" in visitor.post(where, {"notifications": "off"}).text
        assert opt_outs.is_off(found, ann)
    assert "Turn mails on again?" in visitor.get(where).text
    assert "Mails are on" in visitor.post(where, {"what": "request", "notifications": "on"}).text
    assert not opt_outs.is_off(found, ann)


@pytest.mark.parametrize("by", ["mail", "page"])
def test_all_optional_mail_of_the_project_is_turned_off_and_on(visitor, it, ann, found, by):
    where = path(links.notifications_off(found.pk, ann.pk))
    if by == "page":
        where = path(links.request(found.pk, ann.pk)) + "/notifications"
    assert "Turn off all optional mail of IT Help" in visitor.get(where).text
    assert "All optional mail is off" in visitor.post(where, {"what": "project", "notifications": "off"}).text
    assert opt_outs.of_project(it, ann)
    assert not opt_outs.is_off(found, ann)
    assert "What still comes: invitations" in visitor.get(where).text
    assert "You turned all optional mail of IT Help off." in visitor.get(path(links.request(found.pk, ann.pk))).text
    assert "Mails are on" in visitor.post(where, {"what": "project", "notifications": "on"}).text
    assert not opt_outs.of_project(it, ann)


def test_a_mail_programs_own_button_turns_them_off_at_once_and_twice_is_once(visitor, ann, found):
    where = path(links.notifications_off(found.pk, ann.pk))
    for _ in range(2):
        # RFC 8058, 3.2: either form of a body; nothing else comes with it.
        for answer in (
            visitor.post(where, {"List-Unsubscribe": "One-Click"}),
            visitor.post(where, "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        ):
            assert (answer.status_code, answer.text) == (200, "Mails about IT-1 are off.\n")
            assert not answer.cookies
    assert opt_outs.is_off(found, ann)
    assert AuditEntry.objects.filter(action="request.notifications_off").count() == 1


@pytest.mark.parametrize("method", ["get", "head", "options", "put", "delete", "patch"])
def test_only_a_post_turns_anything_off(visitor, it, ann, found, method):
    where = path(links.notifications_off(found.pk, ann.pk))
    getattr(visitor, method)(where)
    visitor.get(where + "?List-Unsubscribe=One-Click&notifications=off&what=project")
    assert not opt_outs.is_off(found, ann)
    assert not opt_outs.of_project(it, ann)


def test_a_token_that_is_wrong_tells_nothing_about_why(visitor, it, ann, found):
    token = links.notifications_off(found.pk, ann.pk).rpartition("/")[2]
    answers = set()
    for wrong in (
        token[:-1],
        token + "x",
        "x",
        links.request(found.pk, ann.pk).rpartition("/")[2],
        links.notifications_off(999_999, ann.pk).rpartition("/")[2],
        links.notifications_off(found.pk, 999_999).rpartition("/")[2],
        links.notifications_off(found.pk, make.customer().pk).rpartition("/")[2],
    ):
        for answer in (
            visitor.get(reverse("portal-off", args=[wrong])),
            visitor.post(reverse("portal-off", args=[wrong]), {"List-Unsubscribe": "One-Click"}),
        ):
            answers.add((answer.status_code, answer.text))
    assert len(answers) == 1
    assert answers.pop()[0] == 404
    assert not OptOut.objects.exists()


def test_an_old_mail_can_still_be_turned_off_when_its_other_links_have_ended(visitor, ann, found, monkeypatch):
    off, request = links.notifications_off(found.pk, ann.pk), links.request(found.pk, ann.pk)
    later = time.time() + 300 * 86_400
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert visitor.get(path(request)).status_code == 404
    visitor.post(path(off), {"List-Unsubscribe": "One-Click"})
    assert opt_outs.is_off(found, ann)


def test_a_link_opens_one_purpose_and_only_for_the_people_of_the_request(visitor, it, ann, found):
    stranger = make.customer(of=it)
    token = links.request(found.pk, ann.pk).rpartition("/")[2]
    for where in (
        reverse("portal-invitation", args=[token]),
        reverse("portal-off", args=[token]),
        reverse("portal-request", args=[token[:-1]]),
        path(links.request(found.pk, stranger.pk)),
        path(links.invitation(it.pk, make.customer().pk)),
        path(links.request(999_999, ann.pk)),
    ):
        for answer in (visitor.get(where), visitor.post(where, {"body": "x"})):
            assert answer.status_code == 404
            assert "not valid any more" in answer.text
    assert not Comment.objects.exists()


def test_the_link_is_told_to_nobody(visitor, it, ann, found, caplog):
    for where in (path(links.request(found.pk, ann.pk)), reverse("portal-request", args=["forged"])):
        answer = visitor.get(where)
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer["X-Robots-Tag"]
        assert answer["Cache-Control"] == "no-store"
    assert "forged" not in caplog.text
