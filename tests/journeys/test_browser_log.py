"""A project admin walks through the log in a real browser: reads, filters, opens, corrects, sends again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests import make
from undelivered.delivery import counts
from undelivered.delivery.models import Notification
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State
from undelivered.desk.models import Person, Project

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., Page]
SignIn = Callable[[Page, Person], None]


@pytest.fixture
def it() -> Project:
    project = make.project("IT", name="IT Help")
    now = timezone.now()
    ann = make.customer("ann@northwind.example", "Ann Keller", of=project)
    for i in range(30):
        _failed(project, f"full{i:02}@orchard.example", Reason.LIMIT_REACHED, at=now - timedelta(hours=1, minutes=i))
    for minutes in (5, 9):
        _failed(
            project,
            ann.address,
            Reason.PROVIDER_ERROR,
            at=now - timedelta(minutes=minutes),
            cause="userunknown",
            smtp_code=550,
            detail="550 5.1.1 User unknown",
            recipient_name="Ann Keller",
            customer_id=ann.pk,
            issue_key="IT-12",
        )
    _failed(project, "bo@northwind,example", Reason.EMAIL_VALIDATION_ERROR, kind="invitation", name="Customer invited")
    return project


def _failed(project: Project, recipient: str, reason: Reason, **values: object) -> None:
    row = make.notification(project, recipient, state=State.FAILED, reason=reason, due_at=None, **values)
    counts.add([(project.pk, row.created_at, row.kind, row.state, row.reason, 1)])


@pytest.fixture
def mara(it: Project) -> Person:
    return make.person("mara@desk.example", admin_of=it, name="Mara Lindqvist")


def rows(page: Page) -> int:
    return page.locator("#rows tr").count()


def fits(page: Page) -> bool:
    """Whether nothing makes the page scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_from_the_sign_in_to_both_tabs(open_page: OpenPage, sign_in: SignIn, mara: Person) -> None:
    page = open_page()
    page.goto("/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, mara)
    page.get_by_role("link", name="IT Help").first.click()
    expect(page.get_by_role("heading", name="Customer notification logs")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("Request notifications 32"))).to_have_attribute(
        "aria-current", "page"
    )
    page.get_by_role("link", name=re.compile("Customer invitations 1")).click()
    expect(page.locator("#rows")).to_contain_text("bo@northwind,example")
    expect(page.locator("#rows")).to_contain_text("Email validation error")


def test_filters_apply_as_they_are_typed_and_the_address_says_so(
    open_page: OpenPage, sign_in: SignIn, mara: Person
) -> None:
    page = open_page()
    sign_in(page, mara)
    page.goto("/p/IT/log/requests")
    assert rows(page) == 25
    page.get_by_label("Recipient", exact=True).fill("@northwind.example")
    expect(page.locator("#rows tr")).to_have_count(2)
    expect(page).to_have_url(re.compile(r"recipient=%40northwind\.example$"))
    page.locator("select[name=reason]").select_option(label="Email notifications limit reached")
    expect(page.get_by_role("heading", name="Nothing matches these filters")).to_be_visible()
    page.get_by_role("link", name="Clear the filters").click()
    expect(page.locator("#rows tr")).to_have_count(25)
    page.goto("/p/IT/log/requests?reason=provider_error")
    expect(page.locator("#rows tr")).to_have_count(2)
    expect(page.locator("select[name=reason]")).to_have_value("provider_error")


def test_load_more_adds_below(open_page: OpenPage, sign_in: SignIn, mara: Person) -> None:
    page = open_page()
    sign_in(page, mara)
    page.goto("/p/IT/log/requests")
    page.get_by_role("link", name="Load more").click()
    expect(page.locator("#rows tr")).to_have_count(32)
    expect(page.locator("#rows-foot")).to_contain_text("32 of 32 shown")
    expect(page.get_by_role("link", name="Load more")).to_have_count(0)


def test_all_that_match_are_sent_again_after_a_question(open_page: OpenPage, sign_in: SignIn, mara: Person) -> None:
    page = open_page()
    sign_in(page, mara)
    page.goto("/p/IT/log/requests?reason=limit_reached")
    page.locator("thead .check").check()
    expect(page.locator("[data-count]")).to_have_text("25 selected")
    page.get_by_role("button", name="Select all 30 that match").click()
    expect(page.locator("[data-count]")).to_have_text("All 30 selected")
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
    page.get_by_role("button", name="Resend", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("30 notifications are queued again.")
    assert asked[0].startswith("Resend all 30 that match?")
    assert Notification.objects.filter(state=State.QUEUED).count() == 30
    expect(page.locator("#rows tr").first).to_contain_text("Resent")


def test_unticking_a_row_ends_the_choice_of_everything(open_page: OpenPage, sign_in: SignIn, mara: Person) -> None:
    page = open_page()
    sign_in(page, mara)
    page.goto("/p/IT/log/requests?reason=limit_reached")
    page.locator("thead .check").check()
    page.get_by_role("button", name="Select all 30 that match").click()
    page.locator("#rows .check").first.uncheck()
    expect(page.locator("[data-count]")).to_have_text("24 selected")
    page.get_by_role("button", name="Resend", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("24 notifications are queued again.")


def test_a_row_opens_and_a_corrected_address_gets_what_was_missed(
    open_page: OpenPage, sign_in: SignIn, mara: Person
) -> None:
    page = open_page()
    sign_in(page, mara)
    page.goto("/p/IT/log/requests")
    page.locator("#rows .row-link").first.click()
    expect(page.get_by_role("heading", name=re.compile("Mailbox does not exist"))).to_be_visible()
    expect(page.frame_locator(".mail__frame").locator("body")).to_contain_text("Hello")
    page.get_by_label("Correct address").fill("ann@northwind,example")
    page.get_by_role("button", name="Correct and resend 2").click()
    expect(page.locator("#address-error")).to_contain_text("comma")
    page.get_by_label("Correct address").fill("ann@northwind-group.example")
    page.get_by_role("button", name="Correct and resend 2").click()
    expect(page.locator(".toast")).to_contain_text("2 notifications are queued again.")
    assert Notification.objects.filter(recipient="ann@northwind-group.example").count() == 2


def test_a_page_that_is_open_sees_the_mail_leave(
    open_page: OpenPage, sign_in: SignIn, mara: Person, it: Project
) -> None:
    row = make.notification(it)
    page = open_page()
    sign_in(page, mara)
    page.goto(f"/p/IT/notifications/{row.id}")
    expect(page.locator("#state")).to_contain_text("Queued")
    Notification.objects.filter(id=row.id).update(state=State.SENT)
    expect(page.locator("#state")).to_contain_text("Sent")
    expect(page.locator("#next-step")).to_contain_text("Accepted by the provider")


@pytest.mark.parametrize("size", ["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_on_a_desk_and_on_a_phone(
    open_page: OpenPage, sign_in: SignIn, mara: Person, it: Project, size: str, scheme: str
) -> None:
    page = open_page(size, color_scheme=scheme)
    sign_in(page, mara)
    one = Notification.objects.filter(recipient="ann@northwind.example")[0]
    for path in ("/", "/p/IT/log/requests", "/p/IT/log/requests?state=all", f"/p/IT/notifications/{one.id}"):
        page.goto(path)
        assert fits(page), path
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(255, 255, 255)") == (scheme == "light"), path


def test_the_theme_is_chosen_in_the_menu_and_kept(open_page: OpenPage, sign_in: SignIn, mara: Person) -> None:
    page = open_page(color_scheme="light")
    sign_in(page, mara)
    page.get_by_text("Mara Lindqvist").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.wait_for_load_state("networkidle")
    page.goto("/p/IT/log/requests")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_phone_s_menu_leads_everywhere(open_page: OpenPage, sign_in: SignIn, mara: Person) -> None:
    page = open_page("phone")
    sign_in(page, mara)
    page.goto("/p/IT/log/requests")
    expect(page.get_by_role("link", name="Suppression list")).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Suppression list").click()
    expect(page.get_by_role("heading", name="Suppression list", level=1)).to_be_visible()


def test_a_keyboard_is_enough(open_page: OpenPage, sign_in: SignIn, mara: Person) -> None:
    page = open_page()
    sign_in(page, mara)
    page.goto("/p/IT/log/requests")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("#rows .check").first.focus()
    page.keyboard.press("Space")
    expect(page.locator("[data-count]")).to_have_text("1 selected")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What happened")).to_be_visible()


def test_without_scripts_the_log_can_be_filtered_paged_and_resent(
    open_page: OpenPage, sign_in: SignIn, mara: Person
) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page, mara)
    page.goto("/p/IT/log/requests")
    page.get_by_role("link", name="Load more").click()
    expect(page.locator("#rows tr")).to_have_count(7)
    page.get_by_role("link", name="Show the newest").click()
    page.get_by_label("Recipient", exact=True).fill("@northwind.example")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#rows tr")).to_have_count(2)
    page.locator("#rows .check").first.check()
    page.get_by_role("button", name="Resend", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("Request created to ann@northwind.example is queued again.")
