"""People of the team and customers walk through the desk's pages in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests import make
from undelivered.bounces import Cause
from undelivered.delivery import suppression
from undelivered.delivery.models import Notification, Suppression
from undelivered.delivery.states import State
from undelivered.desk import links
from undelivered.desk.actors import UNDELIVERED, By
from undelivered.desk.models import Person, Project
from undelivered.inbound.models import Arrival
from undelivered.rules import act
from undelivered.rules.rules_of import rules_of

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., Page]
SignIn = Callable[[Page, Person], None]

#: What has no name for those who listen, and whether the page is wider than the window.
UNNAMED = """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a[href], iframe')]
    .filter(e => e.checkVisibility())
    .filter(e => !(e.labels?.length && [...e.labels].some(l => l.textContent.trim())) && !e.getAttribute('aria-label')
        && !e.getAttribute('aria-labelledby') && !e.textContent.trim() && !e.title)
    .map(e => e.outerHTML.slice(0, 120))"""
TOO_WIDE = "() => document.documentElement.scrollWidth - window.innerWidth"


@pytest.fixture
def it() -> Project:
    return make.project("IT", daily_limit=100)


@pytest.fixture
def mara(it: Project) -> Person:
    return make.person("mara@desk.example", admin_of=it, name="Mara Lindqvist")


@pytest.fixture
def signed_in(open_page: OpenPage, sign_in: SignIn, mara: Person) -> OpenPage:
    def opened(*args: str, **options: object) -> Page:
        page = open_page(*args, **options)
        sign_in(page, mara)
        return page

    return opened


def test_customers_are_invited_after_a_look_at_every_address(signed_in: OpenPage) -> None:
    page = signed_in()
    page.goto("/p/IT/customers")
    page.get_by_role("link", name="Invite customers").first.click()
    page.get_by_label("Addresses").press_sequentially(
        "Eva Lorenz <eva@hafenkontor.example>\nlena,hoffmann@hafenkontor.example\nprinter@192.168.0.217"
    )
    verdicts = page.get_by_role("list", name="What would happen").get_by_role("listitem")
    expect(verdicts).to_have_count(3)
    expect(verdicts.nth(1)).to_contain_text("There is a comma before the @.")
    expect(verdicts.nth(2)).to_contain_text("Private email address")
    page.get_by_role("button", name="Use it").click()
    expect(verdicts.nth(1)).to_contain_text("Will be invited")
    page.get_by_role("button", name="Invite 2").click()
    expect(page.get_by_role("heading", name="2 on the way")).to_be_visible()
    assert Notification.objects.count() == 2
    # The page looks again by itself, and says what became of them.
    Notification.objects.filter(recipient="eva@hafenkontor.example").update(state=State.SENT)
    Notification.objects.filter(recipient="lena.hoffmann@hafenkontor.example").update(
        state=State.FAILED, reason="provider_error", cause="userunknown", smtp_code=550, detail="550 5.1.1 unknown"
    )
    expect(page.get_by_role("heading", name="1 sent, 1 not sent")).to_be_visible()


def test_resend_invite_takes_the_address_off_the_list_and_a_complaint_asks_first(
    signed_in: OpenPage, it: Project
) -> None:
    for name, cause in (("ann", Cause.USER_UNKNOWN), ("cy", Cause.FEEDBACK)):
        make.customer(f"{name}@northwind.example", of=it)
        suppression.add(it, f"{name}@northwind.example", by=UNDELIVERED, cause=cause)
    page = signed_in()
    page.goto("/p/IT/customers")
    page.get_by_label("Name, address or @domain").press_sequentially("ann@")
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("row").nth(1)).to_contain_text("Blocked since")
    page.get_by_role("button", name="Resend invite to ann@northwind.example").click()
    expect(page.locator("#toasts")).to_contain_text("off the suppression list, and the invitation is on its way")
    page.goto("/p/IT/customers")
    page.get_by_role("button", name="Resend invite to cy@northwind.example").click()
    expect(page.get_by_role("heading", name="reported one of our mails as spam")).to_be_visible()
    assert Suppression.objects.count() == 1
    page.get_by_role("button", name="They asked for it").click()
    expect(page.locator("#toasts")).to_contain_text("the invitation is on its way")
    assert not Suppression.objects.exists()


def test_a_rule_is_edited_with_a_preview_that_follows(signed_in: OpenPage, it: Project) -> None:
    page = signed_in()
    page.goto("/p/IT/settings/rules")
    page.get_by_role("link", name="Edit Public comment added").click()
    mail = page.frame_locator("iframe[name=mail]")
    expect(mail.get_by_text("Jonas Weber replied")).to_be_visible()
    body = page.get_by_role("textbox", name="Body")
    history = page.evaluate("history.length")
    body.fill("Good news from ")
    page.get_by_role("button", name="project.name").click()
    expect(body).to_have_value("Good news from {{ project.name }}")
    expect(mail.get_by_role("paragraph").filter(has_text=f"Good news from {it.name}")).to_be_visible()
    assert page.evaluate("history.length") == history, "a preview is no step that Back goes to"
    body.press_sequentially("\n\n{{ comment.bodi }}")
    alert = page.get_by_role("alert").filter(has_text="does not render")
    expect(alert).to_contain_text("Line 3")
    expect(alert).to_contain_text("comment.body")
    body.fill("Good news\n\n{{ comment.body }}")
    expect(mail.get_by_role("paragraph").filter(has_text="Good news")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("is saved")
    rule = next(rule for rule in rules_of(it) if rule.event == "public_comment_added")
    assert rule.body.startswith("Good news")
    page.get_by_role("button", name="Send a test").click()
    expect(page.locator("#toasts")).to_contain_text("A test mail to mara@desk.example is on its way.")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Restore the default").click()
    expect(page.locator("#toasts")).to_contain_text("has its default words again")


def test_a_reply_says_first_whom_it_is_mailed_to(signed_in: OpenPage, it: Project) -> None:
    ann = make.customer("ann@northwind.example", "Ann Keller", of=it)
    found = make.request(it, ann)
    page = signed_in()
    page.goto(f"/p/IT/requests/{found.issue_key}")
    expect(page.locator("#plan")).to_have_text("Will mail Ann Keller.")
    page.get_by_label("Team only").check()
    expect(page.locator("#plan")).to_have_text("Will mail nobody.")
    page.get_by_label("Public").check()
    page.get_by_label("Status").select_option("Resolved")
    page.get_by_label("Resolution").fill("New battery")
    page.get_by_role("textbox", name="Reply").fill("It is mended.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("Mailing Ann Keller.")
    expect(page.get_by_text("On its way to Ann Keller")).to_be_visible()
    expect(page.locator("#told")).to_contain_text("Queued")
    Notification.objects.update(state=State.DELIVERED)
    expect(page.locator("#told")).to_contain_text("Delivered")


def test_without_script_a_rule_is_switched_and_customers_are_invited(signed_in: OpenPage, it: Project) -> None:
    page = signed_in(java_script_enabled=False)
    page.goto("/p/IT/settings/rules")
    switch = page.get_by_role("switch", name="Public comment edited")
    expect(switch).to_be_checked()
    switch.click()
    expect(page.get_by_role("switch", name="Public comment edited")).not_to_be_checked()
    page.goto("/p/IT/customers/invite")
    page.get_by_label("Addresses").fill("nils@fjord.example\nprinter@192.168.0.217")
    page.get_by_role("button", name="Look at the addresses").click()
    expect(page.get_by_text("1 will be invited, 1 needs a correction.")).to_be_visible()
    page.get_by_role("button", name="Invite 1", exact=True).click()
    expect(page.get_by_role("heading", name="1 on the way")).to_be_visible()


def test_a_customer_accepts_comments_and_turns_notifications_off(open_page: OpenPage, it: Project) -> None:
    ann = make.customer("ann@northwind.example", "Ann Keller", of=it)
    found = make.request(it, ann)
    page = open_page("phone")
    page.goto(urlsplit(links.invitation(it.pk, ann.pk)).path)
    page.get_by_role("button", name="Accept the invitation").click()
    expect(page.get_by_role("heading", name="Welcome, Ann Keller")).to_be_visible()
    page.goto(urlsplit(links.request(found.pk, ann.pk)).path)
    page.get_by_label("Your comment").fill("It works now.")
    page.get_by_role("button", name="Add the comment").click()
    expect(page.get_by_text("Your comment is added.")).to_be_visible()
    page.get_by_role("link", name="Turn them off").click()
    page.get_by_role("button", name="Turn off mails about IT-1").click()
    expect(page.get_by_role("heading", name="Mails about this request are off")).to_be_visible()
    page.get_by_role("button", name="Turn off all optional mail").click()
    expect(page.get_by_role("heading", name="All optional mail is off")).to_be_visible()
    assert page.evaluate(TOO_WIDE) <= 0
    assert page.evaluate(UNNAMED) == []


def test_a_list_is_looked_at_imported_filtered_and_exported(signed_in: OpenPage, it: Project, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text("email,type\nann@x.example,hard bounce\nbo@x.example,complaint\nnobody,\n", encoding="utf-8")
    page = signed_in("desk")
    page.goto("/p/IT/suppressions")
    page.get_by_role("link", name="Import").click()
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", name="old.csv")).to_be_visible()
    expect(page.get_by_role("row", name="4")).to_contain_text("There is no @.")
    page.get_by_role("button", name="Import 2 addresses").click()
    expect(page.locator("#toasts")).to_contain_text("2 addresses are on the list now.")
    page.get_by_label("Cause").select_option("Complaint")
    expect(page.get_by_text("ann@x.example")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="Export these").click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == ["address", "bo@x.example"]


PAGES = (
    "requests",
    "requests/new",
    "requests/IT-1",
    "requests/IT-1?edit={comment}",
    "customers",
    "customers/{customer}",
    "customers/invite",
    "suppressions?add=yes",
    "suppressions/import",
    "arrivals",
    "arrivals/{arrival}",
    "settings/rules",
    "settings/rules/request_created",
    "settings/general",
    "settings/provider?edit=yes",
    "settings/members",
    "settings/tokens",
    "audit",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_and_names_its_controls(
    signed_in: OpenPage, it: Project, mara: Person, scheme: str
) -> None:
    ann = make.customer("ann.keller+a-very-long-tag-that-goes-on@northwind-international.example", "Ann Keller", of=it)
    found = make.request(it, ann, summary="Laptop" + " does not start" * 8)
    comment = act.update_request(found, by=By(person=mara), comment="https://help.example/" + "long" * 40).comment
    suppression.add(it, ann.address, by=UNDELIVERED, cause=Cause.USER_UNKNOWN, detail="550 5.1.1 " + "x" * 120)
    raw, words = b"Subject: " + b"x" * 300, "It cannot be read: " + "x" * 120
    arrival = Arrival.objects.create(
        project_id=it.pk, door="smtp", raw=raw, about={"helo": "x" * 90}, recipient=ann.address, detail=words
    )
    page = signed_in("phone", color_scheme=scheme)
    assert comment
    for address in PAGES:
        values = {"comment": comment.pk, "customer": ann.pk, "arrival": arrival.pk}
        answer = page.goto("/p/IT/" + address.format(**values))
        assert answer
        assert answer.status == 200, address
        assert page.evaluate(TOO_WIDE) <= 0, address
        assert page.evaluate(UNNAMED) == [], address
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        expect(page).to_have_title(re.compile(r".+ - Undelivered"))
