"""Mailboxes that bounces land in: set up, looked into now, taken away; and how each of them fares."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from undelivered.delivery.transports.oauth_url import Grant
from undelivered.desk.models import Project
from undelivered.inbound import mailbox_url, mailboxes
from undelivered.inbound.mailbox_url import Done, MailboxSettings, Take
from undelivered.inbound.models import Mailbox
from undelivered.web.guard import ProjectRequest, project_admin
from undelivered.web.pages.fields import DeskForm, Line
from undelivered.web.pages.settings import TABS

SECURITY = (
    ("imaps", "TLS from the start"),
    ("imap+starttls", "STARTTLS"),
    ("imap+plain", "None: inside a closed network only"),
)
TAKES = (
    (Take.RETURNED, "Only what comes back: bounces, complaints, receipts"),
    (Take.ALL, "Every mail: nothing else uses this mailbox"),
)
DONES = (
    (Done.MARK, "Mark it as read"),
    (Done.MOVE, "Move it to a folder"),
    (Done.DELETE, "Delete it"),
    (Done.LEAVE, "Leave it as it is"),
)
LOGINS = (
    ("", "A password"),
    (Grant.CLIENT, "XOAUTH2, as a program (Microsoft 365)"),
    (Grant.REFRESH, "XOAUTH2, as a person who consented (Google, Outlook.com)"),
)
SITE = "site"


class MailboxForm(DeskForm):
    host = Line(label="IMAP server", max_length=253)
    port = forms.IntegerField(label="Port", min_value=1, max_value=65535, required=False)
    security = forms.ChoiceField(label="Security", choices=SECURITY)
    username = Line(label="User name", max_length=320)
    password = forms.CharField(
        label="Password or secret",
        max_length=8000,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    folder = Line(label="Folder", max_length=200, required=False)
    name = Line(label="Name", max_length=200, required=False, help_text="How the pages call it. Empty: its user.")
    take = forms.ChoiceField(label="Take", choices=TAKES)
    done = forms.ChoiceField(label="Once it is stored here", choices=DONES)
    moved_to = Line(label="Folder to move to", max_length=200, required=False)
    every = forms.IntegerField(label="Look every … seconds", min_value=10, max_value=86400)
    login = forms.ChoiceField(label="Log in with", choices=LOGINS, required=False)
    token_url = Line(label="Token URL", max_length=1000, required=False)
    client_id = Line(label="Client ID", max_length=400, required=False)
    scope = Line(label="Scope", max_length=1000, required=False)

    def clean_host(self) -> str:
        host = str(self.cleaned_data["host"])
        if any(sign in host for sign in "/@?#% ") or (":" in host and not host.startswith("[")):
            raise forms.ValidationError("Give the host's name alone, such as imap.example.com.")
        return host

    def url(self, verify: bool = True) -> str:
        """As `mailbox_url` reads it. `verify`: an option that the form does not show."""
        data = self.cleaned_data
        port = f":{data['port']}" if data["port"] else ""
        done = data["done"] + (f":{data['moved_to']}" if data["done"] == Done.MOVE else "")
        options = {"take": data["take"], "done": done, "every": data["every"]}
        if data["login"]:
            options |= {"auth": "xoauth2", "grant": data["login"], "client_id": data["client_id"]}
            options |= {"token_url": data["token_url"], "scope": data["scope"]}
        if not verify:
            options["verify"] = "no"
        user, folder = quote(data["username"], safe=""), quote(data["folder"] or "INBOX", safe="")
        return f"{data['security']}://{user}@{data['host']}{port}/{folder}?{urlencode(options)}"


@dataclass(frozen=True, slots=True)
class Row:
    """A mailbox as the list shows it."""

    box: Mailbox
    where: MailboxSettings
    editable: bool


@project_admin
def page(request: ProjectRequest) -> HttpResponse:
    """A POST sets up a mailbox of the project, or with `scope` `site` one of the site; with `id` it changes one."""
    box = _asked(request)
    owner = box.project if box else _owner(request, request.POST.get("scope") or request.GET.get("scope", ""))
    form = MailboxForm(request.POST or None, initial=_initial(box))
    if request.method == "POST" and form.is_valid():
        verify = mailbox_url.parse(box.url).verify if box else True
        data = form.cleaned_data
        try:
            saved = mailboxes.save(
                owner, form.url(verify), by=request.by, name=data["name"], password=data["password"], mailbox=box
            )
        except ValueError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{saved.name} is saved, and looked into within seconds.")
            return redirect("settings-mailboxes", key=request.project.key)
    context = {
        "tabs": TABS,
        "rows": [_row(request, one) for one in _of(request)],
        "form": form,
        "box": box,
        "scope": SITE if owner is None else "",
        "editing": bool(form.errors) or box is not None or "add" in request.GET or "scope" in request.GET,
        "may_be_private": settings.ENV.allow_private_hosts,
        "keep_days": settings.ENV.keep_days,
    }
    return render(request, "settings/mailboxes.html", context, status=422 if form.errors else 200)


@project_admin
@require_POST
def look(request: ProjectRequest, mailbox_id: int) -> HttpResponse:
    """Has a mailbox looked into at once."""
    box = _found(request, mailbox_id)
    Mailbox.objects.filter(pk=box.pk).update(checked_at=None)
    messages.success(request, f"{box.name} is looked into within seconds.")
    return redirect("settings-mailboxes", key=request.project.key)


@project_admin
@require_POST
def remove(request: ProjectRequest, mailbox_id: int) -> HttpResponse:
    box = _found(request, mailbox_id)
    mailboxes.remove(box, by=request.by)
    messages.success(request, f"{box.name} is no longer looked into. Its password is deleted.")
    return redirect("settings-mailboxes", key=request.project.key)


def _of(request: ProjectRequest) -> list[Mailbox]:
    """The project's and the site's."""
    return list(Mailbox.objects.filter(Q(project=request.project) | Q(project=None)).order_by("-project_id", "id"))


def _row(request: ProjectRequest, box: Mailbox) -> Row:
    return Row(box, mailbox_url.parse(box.url), box.project_id is not None or request.user.is_site_admin)


def _asked(request: ProjectRequest) -> Mailbox | None:
    wanted = request.POST.get("id") or request.GET.get("edit", "")
    return _found(request, int(wanted)) if wanted.isdecimal() and len(wanted) < 19 else None


def _found(request: ProjectRequest, mailbox_id: int) -> Mailbox:
    """One that this person may change."""
    box = Mailbox.objects.filter(Q(project=request.project) | Q(project=None), pk=mailbox_id).first()
    if box is None:
        raise Http404("This mailbox is not set up any more.")
    _owner(request, SITE if box.project_id is None else "")
    return box


def _owner(request: ProjectRequest, scope: str) -> Project | None:
    if scope != SITE:
        return request.project
    if not request.user.is_site_admin:
        raise PermissionDenied("Only site admins may change the site's mailboxes.")
    return None


def _initial(box: Mailbox | None) -> dict[str, object]:
    if box is None:
        start = {"security": "imaps", "take": Take.RETURNED, "done": Done.MARK, "every": mailbox_url.EVERY_S}
        return {**start, "folder": "INBOX", "port": 993}
    parsed = mailbox_url.parse(box.url)
    oauth = parsed.oauth
    return {
        "name": box.name,
        "host": parsed.host,
        "port": parsed.port,
        "security": box.url.partition("://")[0].lower(),
        "username": parsed.username,
        "folder": parsed.folder,
        "take": parsed.take,
        "done": parsed.done,
        "moved_to": parsed.moved_to,
        "every": parsed.every_s,
        "login": oauth.grant if oauth else "",
        "token_url": oauth.token_url if oauth else "",
        "client_id": oauth.client_id if oauth else "",
        "scope": oauth.scope if oauth else "",
    }
