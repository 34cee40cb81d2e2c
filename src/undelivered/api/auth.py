"""Who calls: `Authorization: Bearer <token>`, the scopes of that token, and the one project that it opens."""

from __future__ import annotations

from typing import NoReturn

from django.http import HttpRequest
from ninja.security import HttpBearer

from undelivered.api.errors import ApiError
from undelivered.desk import issue_keys, tokens
from undelivered.desk.actors import By
from undelivered.desk.models import ApiToken, Project, Request
from undelivered.desk.tokens import Scope


class Call(HttpRequest):
    """A request that came with a good token."""

    auth: ApiToken


class Token(HttpBearer):
    """Lets in tokens that have the scope. `kept_s`: see `tokens.verify`."""

    def __init__(self, scope: Scope, *, kept_s: float = 0.0) -> None:
        super().__init__()
        self.scope, self.kept_s = scope, kept_s

    def __call__(self, request: HttpRequest) -> ApiToken | None:
        # Not `request.headers`: Django makes all of them for that, which takes as long as to read the body.
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        return self.authenticate(request, token) if scheme.lower() == self.openapi_scheme else None

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        found = tokens.verify(token.strip(), kept_s=self.kept_s)
        if found and self.scope not in found.scopes:
            raise ApiError("scope_missing", f"The token does not have the scope `{self.scope.value}`.")
        return found


READ, SEND, MANAGE = Token(Scope.READ), Token(Scope.SEND), Token(Scope.MANAGE)
#: For programs that send mail by mail: a token that is revoked goes on sending for up to a second.
SEND_OFTEN = Token(Scope.SEND, kept_s=1.0)


def by(call: Call) -> By:
    return By(program=f"token {call.auth.name}")


def project_of(call: Call, key: str) -> Project:
    """The project of that key. Another project's key answers as one that does not exist: nothing is revealed."""
    project = call.auth.project
    if key.upper() != project.key:
        not_found("project", key)
    return project


def request_of(call: Call, key: str) -> Request:
    parsed = issue_keys.parse(key)
    found = None
    if parsed and parsed[0] == call.auth.project.key:
        requests = Request.objects.select_related("reporter", "project").prefetch_related("participants")
        found = requests.filter(project=call.auth.project, number=parsed[1]).first()
    return found or not_found("request", key)


def not_found(what: str, key: str) -> NoReturn:
    raise ApiError("not_found", f"There is no {what} {key[:50]}.")
