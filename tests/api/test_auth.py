from __future__ import annotations

import time
from collections.abc import Callable
from unittest.mock import patch

import pytest
from django.utils import timezone

from tests import make
from tests.api.caller import Caller, Got
from undelivered.api import auth
from undelivered.desk import tokens
from undelivered.desk.models import ApiToken, AuditEntry, Project


def test_a_call_without_a_token_is_told_how_to_sign_in(project: Project) -> None:
    got = Caller().get("/projects")
    assert (got.status, got.code) == (401, "token_required")
    assert got.headers["WWW-Authenticate"] == 'Bearer realm="Undelivered"'


@pytest.mark.parametrize(
    "header", ["Bearer und_wrong", "Bearer", "Bearer  ", "Basic YTpi", "nonsense", "Bearer ü\udc80"]
)
def test_a_wrong_token_is_401_whatever_it_looks_like(project: Project, header: str) -> None:
    caller = Caller()
    caller.headers = {"Authorization": header.encode("utf-8", "replace").decode("latin-1")}
    got = caller.get("/projects")
    assert (got.status, got.code) == (401, "token_unknown")
    assert 'error="invalid_token"' in got.headers["WWW-Authenticate"]


def test_a_revoked_token_opens_nothing(project: Project, caller: Caller) -> None:
    assert caller.get("/projects").status == 200
    tokens.revoke(ApiToken.objects.get())
    assert caller.get("/projects").status == 401


def test_a_token_revoked_elsewhere_goes_on_sending_for_a_moment_and_opens_nothing_else(
    project: Project, caller: Caller
) -> None:
    mail = {"kind": "request", "name": "Sent", "recipient": "ann@x.example", "subject": "Hello", "text": "Hello"}
    assert caller.post("/projects/IT/notifications", {"notifications": [mail]}).status == 202
    ApiToken.objects.update(revoked_at=timezone.now())  # as another process does
    assert caller.get("/projects").status == 401
    assert caller.post("/projects/IT/notifications", {"notifications": [mail]}).status == 202
    with patch("undelivered.desk.tokens.time.monotonic", return_value=time.monotonic() + auth.SEND_OFTEN.kept_s):
        assert caller.post("/projects/IT/notifications", {"notifications": [mail]}).status == 401
    assert auth.SEND_OFTEN.kept_s <= 1


def test_a_token_does_only_what_its_scopes_allow(project: Project, caller_of: Callable[..., Caller]) -> None:
    reader, sender, manager = (caller_of(project, scope) for scope in ("read", "send", "manage"))
    invitation = {"customers": [{"email": "ann@northwind.example"}]}
    calls: dict[str, Callable[[Caller], Got]] = {
        "read": lambda c: c.get("/projects/IT/customers"),
        "send": lambda c: c.post("/projects/IT/invitations", invitation),
        "manage": lambda c: c.patch("/projects/IT/rules/request_created", {"enabled": True}),
    }
    for scope, call in calls.items():
        for name, caller in (("read", reader), ("send", sender), ("manage", manager)):
            got = call(caller)
            if name == scope:
                assert got.status < 300
            else:
                assert (got.status, got.code) == (403, "scope_missing")
                assert scope in got.json["error"]["message"]


def test_another_projects_things_answer_as_if_they_did_not_exist(caller: Caller, project: Project) -> None:
    other = make.project("HR")
    theirs = make.request(other, make.customer("bo@northwind.example"))
    row = make.notification(other, state="failed", reason="suppressed")
    mine = [
        f"/projects/HR{end}" for end in ("", "/notifications", "/requests", "/customers", "/rules", "/suppressions")
    ]
    for path in [*mine, f"/requests/{theirs.issue_key}", f"/notifications/{row.id}"]:
        got = caller.get(path)
        assert (got.status, got.code) == (404, "not_found"), path
    assert caller.get("/projects/HR").json == {
        "error": {"code": "not_found", "message": "There is no project HR.", "fields": {}}
    }
    assert caller.post(f"/requests/{theirs.issue_key}/comments", {"body": "x", "public": True}).status == 404
    assert caller.post(f"/notifications/{row.id}/resend").status == 404
    assert theirs.comments.count() == 0


def test_the_audit_log_names_the_token(caller: Caller, project: Project) -> None:
    caller.post("/projects/IT/invitations", {"customers": [{"email": "ann@northwind.example"}]})
    assert AuditEntry.objects.get(action="customer.invited").actor == "token robot"


def test_project_keys_are_read_in_any_case(caller: Caller) -> None:
    assert caller.get("/projects/it").json["key"] == "IT"
