"""Takes the pictures of the pages that the README and the docs show, from a running program with its sample project.

    undelivered run &
    python docs/screenshots.py --url http://127.0.0.1:8025 --email admin@example.com --password ...

The defaults come from UNDELIVERED_PUBLIC_URL, UNDELIVERED_ADMIN_EMAIL and UNDELIVERED_ADMIN_PASSWORD. Needs Chromium
(Debian: apt install chromium). `--every` takes every page light, dark and at a phone's width.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

OUT = Path(__file__).parent / "screenshots"
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
DESK, PHONE = ViewportSize(width=1440, height=1000), ViewportSize(width=390, height=844)


class Picture(NamedTuple):
    """`path` may name a link to follow there: `path > text or selector of the link`."""

    name: str
    path: str


PICTURES = (
    Picture("home", "/"),
    Picture("log-requests", "/p/{key}/log/requests"),
    Picture("log-invitations", "/p/{key}/log/invitations"),
    Picture("log-all", "/p/{key}/log/requests?state=all"),
    Picture("notification", "/p/{key}/log/requests?reason=provider_error > .row-link"),
    Picture("requests", "/p/{key}/requests"),
    Picture("request", "/p/{key}/requests > .row-link"),
    Picture("customers", "/p/{key}/customers"),
    Picture("invite", "/p/{key}/customers/invite"),
    Picture("suppressions", "/p/{key}/suppressions"),
    Picture("arrivals", "/p/{key}/arrivals"),
    Picture("arrival", "/p/{key}/arrivals > .row-link"),
    Picture("settings-rules", "/p/{key}/settings/rules"),
    Picture("settings-rule", "/p/{key}/settings/rules/public_comment_added"),
    Picture("settings-provider", "/p/{key}/settings/provider"),
    Picture("audit", "/p/{key}/audit"),
    Picture("system", "/system"),
)
DARK = {"log-requests", "notification"}
ON_A_PHONE = {"log-requests", "notification", "request"}


class Look(NamedTuple):
    suffix: str
    scheme: Literal["light", "dark"]
    viewport: ViewportSize


LIGHT, NIGHT, SMALL = Look("", "light", DESK), Look("-dark", "dark", DESK), Look("-phone", "light", PHONE)


# A server's browser has no system font of a desktop: Inter stands in for it, where it is installed (fonts-inter).
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<include>/etc/fonts/fonts.conf</include>{aliases}</fontconfig>"""
ALIAS = """<match target="pattern"><test qual="any" name="family"><string>{family}</string></test>
<edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit></match>"""


def fonts(folder: Path) -> dict[str, str | float | bool]:
    """What the browser's environment needs for it."""
    file = folder / "fonts.conf"
    aliases = "".join(ALIAS.format(family=family) for family in ("system-ui", "sans", "sans-serif"))
    file.write_text(FONTS.format(aliases=aliases), encoding="utf-8")
    return {**os.environ, "FONTCONFIG_FILE": str(file)}


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        sys.exit("Chromium is not installed. Debian: apt install chromium")
    return found


def sign_in(page: Page, url: str, email: str, password: str) -> None:
    page.goto(f"{url}/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state()
    if "/sign-in" in page.url:
        sys.exit(f"{email} cannot sign in at {url} with this password.")


def wanted(look: Look, every: bool, names: list[str]) -> Iterator[Picture]:
    some = {"": None, "-dark": DARK, "-phone": ON_A_PHONE}[look.suffix]
    for picture in PICTURES:
        if (not names or picture.name in names) and (every or some is None or picture.name in some):
            yield picture


def take(page: Page, url: str, picture: Picture, key: str, file: Path, full: bool) -> None:
    path, _, link = picture.path.format(key=key).partition(" > ")
    answer = page.goto(url + path, wait_until="networkidle")
    if link and page.locator(link).count():
        page.locator(link).first.click()
        page.wait_for_load_state("networkidle")
    if answer and not answer.ok:
        print(f"{file.name}: {answer.status} at {path}", file=sys.stderr)  # noqa: T201
    page.screenshot(path=file, full_page=full)


def shoot(browser: Browser, look: Look, options: argparse.Namespace) -> None:
    context = browser.new_context(viewport=look.viewport, color_scheme=look.scheme, reduced_motion="reduce")
    page = context.new_page()
    if look is LIGHT and (not options.names or "sign-in" in options.names):
        page.goto(f"{options.url}/sign-in")
        page.screenshot(path=options.out / "sign-in.png")
    sign_in(page, options.url, options.email, options.password)
    for picture in wanted(look, options.every, options.names):
        take(
            page, options.url, picture, options.project, options.out / f"{picture.name}{look.suffix}.png", options.full
        )
    context.close()


def main() -> None:
    env = os.environ.get
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only these pages")
    parser.add_argument("--url", default=env("UNDELIVERED_PUBLIC_URL", "http://127.0.0.1:8025"))
    parser.add_argument("--email", default=env("UNDELIVERED_ADMIN_EMAIL", "admin@example.com"))
    parser.add_argument("--password", default=env("UNDELIVERED_ADMIN_PASSWORD", ""))
    parser.add_argument("--project", default="IT")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--every", action="store_true", help="every page light, dark and at a phone's width")
    parser.add_argument("--full", action="store_true", help="whole pages instead of the first screen")
    options = parser.parse_args()
    options.url = options.url.rstrip("/")
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS, env=fonts(Path(folder)))
        for look in (LIGHT, NIGHT, SMALL):
            if any(wanted(look, options.every, options.names)):
                shoot(browser, look, options)
        browser.close()


if __name__ == "__main__":
    main()
