"""The log's two tabs: rows, filters in the address, pages, the chart, and resending what was selected."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests import make
from undelivered.delivery import counts
from undelivered.delivery.models import DeliveryEvent, Notification
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State
from undelivered.desk.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def it():
    return make.project("IT")


@pytest.fixture
def admin(client, it):
    person = make.person(admin_of=it, name="Mara Lindqvist")
    client.force_login(person)
    return person


def failed(project, recipient="ann@northwind.example", reason=Reason.PROVIDER_ERROR, **values):
    """A failed row, counted as the worker counts it."""
    row = make.notification(project, recipient, state=State.FAILED, reason=reason, due_at=None, **values)
    counts.add([(project.pk, row.created_at, row.kind, row.state, row.reason, 1)])
    return row


def tab(client: Client, name: str = "log-requests", /, **query: str):
    return client.get(reverse(name, kwargs={"key": "IT"}), query)


# -- who may see it


def test_signed_out_people_sign_in_first(client, it):
    assert tab(client).status_code == 302


def test_an_agent_is_told_why_not_and_where_to_look_instead(client, it):
    client.force_login(make.person(agent_of=it))
    answer = tab(client)
    assert answer.status_code == 403
    assert "You are an agent there" in answer.text


def test_the_log_of_another_project_looks_like_one_that_does_not_exist(client, admin):
    make.project("HR")
    for key in ("HR", "NOPE"):
        assert client.get(reverse("log-requests", kwargs={"key": key})).status_code == 404


def test_the_menu_shows_admins_everything_and_agents_what_they_may_open(client, it, admin):
    for_admins = ("Customer notification logs", "Suppression list", "Settings", "Audit log")
    shown = tab(client).text
    assert all(f"</svg>{label}</a>" in shown for label in (*for_admins, "Requests", "Customers"))
    client.force_login(make.person(agent_of=it))
    shown = client.get(reverse("requests", kwargs={"key": "IT"})).text
    assert all(f"</svg>{label}</a>" in shown for label in ("Requests", "Customers"))
    assert not any(f"</svg>{label}</a>" in shown for label in for_admins)


# -- rows


def test_each_tab_has_the_columns_that_are_promised(client, it, admin):
    failed(it, issue_key="IT-1")
    failed(it, "bo@northwind.example", kind="invitation", name="Customer invited")
    requests, invitations = tab(client).text, tab(client, "log-invitations").text
    for column in ("Date and time", "Notification name", "Recipient", "Issue key", "Details"):
        assert f">{column}</th>" in requests
    for column in ("Date and time", "Recipient", "Details"):
        assert f">{column}</th>" in invitations
    for column in ("Notification name", "Issue key"):
        assert f">{column}</th>" not in invitations


def test_a_row_says_when_to_whom_about_what_and_why(client, it, admin):
    row = failed(
        it,
        issue_key="IT-12",
        recipient_name="Ann Keller",
        cause="userunknown",
        smtp_code=550,
        enhanced_code="5.1.1",
        detail="550 5.1.1 <ann@northwind.example>: User unknown",
        attempts=1,
    )
    shown = tab(client).text
    assert "Error from email service provider" in shown
    assert "Mailbox does not exist." in shown
    assert "550 5.1.1 &lt;ann@northwind.example&gt;: User unknown" in shown
    assert "ann<wbr>@northwind.example" in shown
    assert "Ann Keller" in shown
    assert reverse("notification", kwargs={"key": "IT", "id": row.id}) in shown
    assert reverse("request", kwargs={"key": "IT", "issue_key": "IT-12"}) in shown
    local = timezone.localtime(row.created_at)
    assert f'title="{local:%A} {local.day} {local:%B %Y, %H:%M:%S} UTC"' in shown


def test_only_failed_ones_are_shown_until_all_are_asked_for(client, it, admin):
    failed(it, "ann@northwind.example")
    make.notification(it, "bo@northwind.example", state=State.DELIVERED)
    assert "bo<wbr>@northwind.example" not in tab(client).text
    every = tab(client, state="all").text
    assert "bo<wbr>@northwind.example" in every
    assert "ann<wbr>@northwind.example" in every
    assert "Delivered" in every


def test_all_of_them_show_what_came_back_and_what_was_reported_as_spam(client, it, admin):
    bounced = failed(it, "bo@northwind.example", cause="userunknown")
    for row in (bounced, make.notification(it, "cy@northwind.example", state=State.DELIVERED)):
        DeliveryEvent.objects.create(notification_id=row.id, event_key="x", at=timezone.now(), type="bounced")
    failed(it, "di@northwind.example", cause="userunknown")
    make.notification(it, "ed@northwind.example", state=State.DELIVERED, cause="feedback")
    assert tab(client, state="all").context["bounced"] == {bounced.id}
    text = tab(client, state="all").text
    assert text.count("Bounced</span>") == text.count("Reported as spam</span>") == text.count("Failed</span>") == 1
    assert "Delivered. The recipient reported it as spam." in text
    assert "ed<wbr>" not in tab(client).text


def test_the_newest_row_comes_first(client, it, admin):
    now = timezone.now()
    failed(it, "old@northwind.example", at=now - timedelta(days=3))
    failed(it, "new@northwind.example", at=now - timedelta(minutes=5))
    shown = tab(client).text
    assert shown.index("new<wbr>@") < shown.index("old<wbr>@")


def test_a_retrying_one_is_not_a_failure_and_says_when_it_is_tried_next(client, it, admin):
    due = timezone.now() + timedelta(minutes=9)
    make.notification(it, "bo@northwind.example", attempts=2, due_at=due, cause="mailboxfull", detail="452 4.2.2 full")
    assert "bo<wbr>@northwind.example" not in tab(client).text
    shown = tab(client, state="all").text
    assert "Retrying" in shown
    assert f"next try at {timezone.localtime(due):%-d %b, %H:%M} UTC" in shown


def test_each_tab_says_how_many_failed_and_the_foot_how_long_they_are_kept(client, it, admin):
    failed(it, "a@northwind.example")
    failed(it, "b@northwind.example")
    failed(it, "c@northwind.example", kind="invitation")
    shown = tab(client).text
    assert 'Request notifications <span class="count">2<' in shown
    assert 'Customer invitations <span class="count">1<' in shown
    assert "Kept for 21 days" in shown


def test_what_a_server_or_a_customer_says_is_shown_as_text(client, it, admin):
    failed(it, recipient_name="<script>alert(1)</script>", detail="550 <img src=x onerror=alert(1)>", smtp_code=550)
    shown = tab(client).text
    assert "<script>alert" not in shown
    assert "<img src=x" not in shown


def test_a_resent_one_says_so_and_leads_to_the_new_one(client, it, admin):
    new = make.notification(it)
    old = failed(it, resent_as=new.id)
    shown = tab(client).text
    assert "Resent" in shown
    assert reverse("notification", kwargs={"key": "IT", "id": new.id}) in shown
    box = shown[shown.index(f'value="{old.id}"') :]
    assert "disabled" in box[: box.index(">")]


# -- pages


def test_25_rows_are_a_page_and_a_link_leads_to_the_next(client, it, admin):
    now = timezone.now()
    for i in range(30):
        failed(it, f"customer{i:02}@northwind.example", at=now - timedelta(minutes=i))
    first = tab(client)
    assert first.text.count('class="row-link"') == 25
    assert "25 of 30 shown" in first.text
    following = first.context["next_query"]
    second = client.get(f"{reverse('log-requests', kwargs={'key': 'IT'})}?{following}")
    assert second.text.count('class="row-link"') == 5
    assert "customer29" in second.text
    assert "Load more" not in second.text


def test_the_page_for_load_more_counts_on(client, it, admin):
    for i in range(30):
        failed(it, f"customer{i:02}@northwind.example")
    following = tab(client).context["next"]
    part = client.get(
        reverse("log-requests", kwargs={"key": "IT"}),
        {"cursor": following, "shown": "25"},
        headers={"HX-Request": "true", "HX-Target": "rows"},
    )
    assert "30 of 30 shown" in part.text
    assert "<html" not in part.text


@pytest.mark.parametrize("cursor", ["x", "00", "019aa6c2", "f" * 32, "018b0000-0000-7000-8000-000000000000"])
def test_a_stale_or_invented_cursor_is_a_400_that_leads_back(client, it, admin, cursor):
    answer = tab(client, cursor=cursor)
    assert answer.status_code == 400
    assert "Begin with the newest rows again." in answer.text


# -- filters


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"reason": "suppressed"}, {"bo"}),
        ({"name": "Request resolved"}, {"cy"}),
        ({"recipient": "ann@northwind.example"}, {"ann"}),
        ({"recipient": "ANN@Northwind.example "}, {"ann"}),
        ({"recipient": "an"}, {"ann", "anton"}),
        ({"recipient": "@orchard.example"}, {"anton", "cy"}),
        ({"issue_key": "it-7"}, {"bo"}),
        ({"period": "today"}, {"ann", "bo"}),
        ({"period": "yesterday"}, {"anton"}),
        ({"period": "week"}, {"ann", "anton", "bo"}),
        ({"reason": "suppressed", "recipient": "@orchard.example"}, set()),
    ],
)
def test_filters_narrow_the_rows(client, it, admin, query, expected):
    today = timezone.localtime().replace(hour=0, minute=0, second=1)
    failed(it, "ann@northwind.example", at=today)
    failed(it, "bo@northwind.example", Reason.SUPPRESSED, issue_key="IT-7", at=today)
    failed(it, "anton@orchard.example", at=today - timedelta(hours=2))
    failed(it, "cy@orchard.example", name="Request resolved", at=today - timedelta(days=9))
    rows = {row.notification.recipient.split("@")[0] for row in tab(client, **query).context["rows"]}
    assert rows == expected


def test_a_period_between_two_days_includes_both(client, it, admin):
    noon = timezone.localtime().replace(hour=12, minute=0)
    for back in range(5):
        failed(it, f"day{back}@northwind.example", at=noon - timedelta(days=back + 1))
    days = {"since": f"{noon - timedelta(days=3):%Y-%m-%d}", "until": f"{noon - timedelta(days=2):%Y-%m-%d}"}
    rows = [row.notification.recipient for row in tab(client, period="between", **days).context["rows"]]
    assert rows == ["day1@northwind.example", "day2@northwind.example"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"state": "lost"}, "There is no state"),
        ({"reason": "bad luck"}, "There is no reason"),
        ({"period": "ever"}, "There is no period"),
        ({"period": "between", "since": "21.11.2025"}, "Enter a day as in 2025-11-21."),
        ({"period": "between", "since": "2025-11-21", "until": "2025-11-20"}, "The last day is before the first."),
        ({"recipient": "x" * 300}, "Use at most 254 characters."),
        ({"issue_key": "not a key"}, "is not an issue key such as IT-12"),
        ({"name": "a\0b"}, "Use at most 100 characters."),
    ],
)
def test_a_filter_that_cannot_be_used_is_named_and_nothing_is_shown(client, it, admin, query, message):
    failed(it)
    answer = tab(client, **query)
    assert answer.status_code == 400
    assert message in answer.text
    assert not answer.context["rows"]


def test_the_address_of_filtered_rows_leaves_out_what_is_empty(client, it, admin):
    failed(it)
    answer = client.get(
        reverse("log-requests", kwargs={"key": "IT"}),
        {"reason": "suppressed", "name": "", "recipient": "", "period": ""},
        headers={"HX-Request": "true", "HX-Target": "results"},
    )
    assert answer["HX-Replace-Url"] == "/p/IT/log/requests?reason=suppressed"
    assert "<html" not in answer.text


# -- when there is nothing


def test_no_failures_are_a_good_moment(client, it, admin):
    row = make.notification(it, state=State.SENT)
    counts.add([(it.pk, row.created_at, row.kind, row.state, "", 1)])
    assert "Every customer was reached in the last 21 days" in tab(client).text


def test_nothing_sent_yet_is_not_called_a_success(client, it, admin):
    assert "No customer was notified yet" in tab(client).text
    assert "Nobody was invited yet" in tab(client, "log-invitations").text


def test_filtered_to_nothing_offers_to_clear_the_filters(client, it, admin):
    failed(it)
    assert "Nothing matches these filters" in tab(client, reason="limit_reached").text


# -- the chart


def test_the_chart_says_in_words_what_it_draws_and_has_a_table(client, it, admin):
    failed(it, "a@northwind.example")
    failed(it, "b@northwind.example", Reason.SUPPRESSED)
    shown = tab(client).text
    today = timezone.localdate()
    assert "2 failed request notifications from" in shown
    assert f"{today.day} {today:%B}: 2 failed; 1 Error from email service provider; 1 Email address added" in shown
    assert "2 of 2 request notifications failed in the last 21 days (100.0%)" in shown
    assert "Show as a table" in shown


# -- sending again


def send(client, ids, everything="", filters=""):
    return client.post(
        reverse("log-requests-resend", kwargs={"key": "IT"}),
        {"id": [str(id) for id in ids], "everything": everything, "filters": filters},
        follow=True,
    )


def test_selected_rows_are_sent_again(client, it, admin):
    ann, bo = failed(it, "ann@northwind.example"), failed(it, "bo@northwind.example")
    answer = send(client, [ann.id])
    assert "Request created to ann@northwind.example is queued again." in answer.text
    new = Notification.objects.get(resend_of=ann.id)
    assert new.state == State.QUEUED
    assert not Notification.objects.filter(resend_of=bo.id).exists()
    assert AuditEntry.objects.get(action="notification.resent").person == admin
    assert DeliveryEvent.objects.filter(notification_id=ann.id, type="resent").exists()


def test_all_that_match_are_sent_again_and_nobody_else(client, it, admin):
    now = timezone.now()
    for i in range(28):
        failed(it, f"full{i}@northwind.example", Reason.LIMIT_REACHED, at=now - timedelta(minutes=i))
    other = failed(it, "ann@northwind.example")
    answer = send(client, [], everything="yes", filters="reason=limit_reached")
    assert "28 notifications are queued again." in answer.text
    assert answer.redirect_chain[-1][0] == "/p/IT/log/requests?reason=limit_reached"
    assert not Notification.objects.filter(resend_of=other.id).exists()


def test_everything_never_means_mails_that_arrived(client, it, admin):
    make.notification(it, state=State.DELIVERED)
    failed(it)
    answer = send(client, [], everything="yes", filters="state=all")
    assert "Nothing was resent" in answer.text
    assert not Notification.objects.exclude(resend_of=None).exists()


def test_a_second_click_sends_nothing_twice(client, it, admin):
    ann = failed(it)
    send(client, [ann.id])
    assert "This notification was resent already." in send(client, [ann.id]).text
    assert Notification.objects.filter(resend_of=ann.id).count() == 1


def test_nothing_selected_is_said(client, it, admin):
    assert "Nothing was resent: choose at least one notification that failed." in send(client, ["no id", ""]).text


def test_another_project_s_notification_is_not_sent_again(client, it, admin):
    theirs = failed(make.project("HR"))
    send(client, [theirs.id])
    assert not Notification.objects.filter(resend_of=theirs.id).exists()


def test_resending_takes_a_post_and_the_form_s_token(it, admin):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    address = reverse("log-requests-resend", kwargs={"key": "IT"})
    assert client.get(address).status_code == 405
    assert client.post(address, {"everything": "yes"}).status_code == 403
