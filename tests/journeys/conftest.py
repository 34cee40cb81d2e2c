"""A real browser for the walks through the pages. Where Chromium is missing, they are skipped and say why."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

if TYPE_CHECKING:
    from undelivered.desk.models import Person

PASSWORD = "correct horse battery"
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="session", autouse=True)
def hang_up(django_db_setup: None) -> Iterator[None]:
    """Ends the connection that wakes workers, which would keep the test database from being dropped."""
    from undelivered.delivery import wake

    yield
    if wake._bell and wake._bell.connection:
        wake._bell.connection.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: Playwright's loop occupies this thread, and other tests want to run loops of their own."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    # Playwright's loop runs in this thread, and Django takes that for asynchronous code; the tests' queries are not.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield launched
        launched.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def open_page(browser: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """Opens a page of a fresh visitor: `open_page(size="phone", color_scheme="dark", java_script_enabled=False)`.

    At the end, nothing may have been blocked by the security policy, and no script may have failed.
    """
    complaints: list[str] = []
    contexts = []

    def opened(size: str = "desk", **options: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, viewport=SIZES[size], **options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda message: (
                complaints.append(f"{page.url}: {message.text}")
                if message.type == "error" and "Failed to load resource" not in message.text
                else None
            ),
        )
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def sign_in() -> Callable[[Page, Person], None]:
    """Signs a person in by the form, with a password that is theirs from now on."""

    def signed_in(page: Page, person: Person) -> None:
        person.set_password(PASSWORD)
        person.save(update_fields=["password"])
        page.goto("/sign-in")
        page.get_by_label("Email").fill(person.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/sign-in" not in url)

    return signed_in
