"""A browser without a screen: pages over HTTP, with cookies and the forms' tokens."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.parse
import urllib.request


class Visitor:
    def __init__(self, url: str) -> None:
        self.url = url
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(cookies)

    def sign_in(self, email: str, password: str) -> Visitor:
        page = self.fill_in("/sign-in", username=email, password=password)
        assert "Sign out" in page
        return self

    def open(self, path: str, **form: str) -> str:
        data = urllib.parse.urlencode(form).encode() if form else None
        request = urllib.request.Request(self.url + path, data, {"Referer": self.url + path})
        with self.opener.open(request, timeout=20) as answer:
            return str(answer.read().decode())

    def fill_in(self, path: str, to: str = "", **fields: str) -> str:
        """Opens the page with a form, and sends the form to where it wants to go."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.open(path))
        assert token
        return self.open(to or path, csrfmiddlewaretoken=token[1], **fields)
