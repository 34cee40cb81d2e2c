"""Access tokens for XOAUTH2 (RFC 6749): fetched over HTTPS, kept until shortly before they expire."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from undelivered.delivery.transports.inside import HttpsOutside
from undelivered.delivery.transports.oauth_url import Grant, OAuth
from undelivered.delivery.transports.replies import clean

FETCH_S = 20.0
ANSWER_BYTES = 64 * 1024
MARGIN_S = 60.0
"""A token is not used in its last minute."""
USUAL_LIFE_S = 3600.0
_SHORTEST_LIFE_S = 30.0


class NoToken(Exception):
    """The token server gave none. `our_fault`: it works, and refuses what the settings say."""

    def __init__(self, text: str, *, our_fault: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.our_fault = our_fault


class Tokens:
    """The tokens of one login. Many connections that open at once share one fetch."""

    def __init__(self, settings: OAuth, secret: str, *, public_only: bool = False) -> None:
        self.settings = settings
        self._public_only = public_only
        client_secret, _, refresh = secret.partition(" ")
        self._client_secret = client_secret if refresh or settings.grant is Grant.CLIENT else ""
        self._refresh_token = refresh or secret
        self._token = ""
        self._until = 0.0
        self._fetching = asyncio.Lock()

    async def get(self) -> tuple[str, bool]:
        """A token, and whether it is fresh from the server. Raises NoToken."""
        async with self._fetching:
            if self._token and time.monotonic() < self._until:
                return self._token, False
            answer = await self._fetch()
            self._token = str(answer["access_token"])
            self._refresh_token = str(answer.get("refresh_token") or self._refresh_token)
            self._until = time.monotonic() + max(_SHORTEST_LIFE_S, _seconds(answer.get("expires_in")) - MARGIN_S)
            return self._token, True

    def forget(self, token: str) -> None:
        """The provider refused it."""
        if token == self._token:
            self._token = ""

    async def _fetch(self) -> dict[str, Any]:
        server = urlsplit(self.settings.token_url).hostname
        try:
            async with asyncio.timeout(FETCH_S):
                status, body = await _in_thread(lambda: _post(self.settings.token_url, self._form(), self._public_only))
        except TimeoutError:
            raise NoToken(f"No answer from the token server {server} within {FETCH_S:g} seconds") from None
        except (OSError, ValueError, http.client.HTTPException) as error:  # URLError is an OSError
            why = getattr(error, "reason", error)
            raise NoToken(f"No token from {server}: {clean(str(why))[:300]}") from None
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise NoToken(f"No token from {server}: HTTP {status}, and no JSON")
        token = answer.get("access_token")
        if status != 200 or not isinstance(token, str) or not token.isascii() or not token.isprintable():
            said = clean(f"{answer.get('error', '')} {answer.get('error_description', '')}".strip())[:500]
            raise NoToken(f"No token from {server}: HTTP {status} {said}".rstrip(), our_fault=400 <= status < 429)
        return answer

    def _form(self) -> bytes:
        settings = self.settings
        form = {"grant_type": settings.grant.value, "client_id": settings.client_id, "scope": settings.scope}
        form["client_secret"] = self._client_secret
        if settings.grant is Grant.REFRESH:
            form["refresh_token"] = self._refresh_token
        return urlencode({name: value for name, value in form.items() if value}).encode()


def _seconds(said: object) -> float:
    try:
        return float(str(said))
    except ValueError:
        return USUAL_LIFE_S


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A secret goes where the settings say, and nowhere else."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _post(url: str, form: bytes, public_only: bool) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data=form, headers={"Accept": "application/json"})  # noqa: S310 - checked when the URL is read
    try:
        handlers = [_NoRedirect, *([HttpsOutside] if public_only else [])]
        with urllib.request.build_opener(*handlers).open(request, timeout=FETCH_S) as response:
            return response.status, response.read(ANSWER_BYTES)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read(ANSWER_BYTES)


async def _in_thread(work: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
    """In a thread of its own: a server that never ends its answer holds up nobody else, nor the end of the program."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[int, bytes]] = loop.create_future()

    def tell(result: tuple[int, bytes] | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            assert result is not None
            future.set_result(result)

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as caught:
            error = caught
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, result, error)

    threading.Thread(target=run, name="token", daemon=True).start()
    return await future
