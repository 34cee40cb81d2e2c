"""A project's settings, one file a page; the tabs above them."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect

from undelivered.web.guard import ProjectRequest, project_admin

#: (URL name, label) of each tab, in their order.
TABS = (
    ("settings-rules", "Rules and templates"),
    ("settings-general", "General"),
    ("settings-provider", "Provider"),
    ("settings-domains", "Sending domains"),
    ("settings-mailboxes", "Mailboxes"),
    ("settings-credentials", "SMTP credentials"),
    ("settings-members", "Members"),
    ("settings-tokens", "API tokens"),
)


@project_admin
def first(request: ProjectRequest) -> HttpResponse:
    return redirect(TABS[0][0], key=request.project.key)
