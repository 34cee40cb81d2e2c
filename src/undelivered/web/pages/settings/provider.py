"""The email service provider that mail is handed to: the project's own, or the site's; its outage and the way out."""

from __future__ import annotations

from urllib.parse import quote

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from undelivered.delivery import providers
from undelivered.delivery.models import Provider
from undelivered.delivery.transports.esp_url import is_esp
from undelivered.delivery.transports.provider_url import SCHEMES, SmtpSettings, parse_provider_url
from undelivered.desk.models import Project
from undelivered.web.guard import ProjectRequest, project_admin
from undelivered.web.pages.fields import DeskForm, Line
from undelivered.web.pages.settings import TABS

SECURITY = (
    ("smtp", "STARTTLS where the server offers it"),
    ("smtp+starttls", "STARTTLS, or no mail"),
    ("smtps", "TLS from the start"),
    ("smtp+plain", "None: inside a closed network only"),
)
SITE = "site"


class ProviderForm(DeskForm):
    name = Line(label="Name", max_length=200, required=False, help_text="How the pages call it. Empty: its host.")
    host = Line(label="Host", max_length=253)
    port = forms.IntegerField(label="Port", min_value=1, max_value=65535, required=False)
    security = forms.ChoiceField(label="Security", choices=SECURITY)
    username = Line(label="User name", max_length=320, required=False)
    password = forms.CharField(
        label="Password",
        max_length=1000,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_host(self) -> str:
        host = str(self.cleaned_data["host"])
        if any(sign in host for sign in "/@?#% ") or (":" in host and not host.startswith("[")):
            raise forms.ValidationError("Give the host's name alone, such as smtp.example.com.")
        return host

    def url(self) -> str:
        """As settings write it; the port and the options that the form does not show are kept by `kept`."""
        data = self.cleaned_data
        user = quote(data["username"], safe="") + "@" if data["username"] else ""
        port = data["port"] or SCHEMES[data["security"]][1]
        return f"{data['security']}://{user}{data['host']}:{port}"


@project_admin
def page(request: ProjectRequest) -> HttpResponse:
    """A POST sets the project's own provider, or with `scope` `site` the site's, which only site admins may do."""
    scope = request.POST.get("scope") or request.GET.get("scope", "")
    owner = _owner(request, scope)
    stored = Provider.objects.filter(project=owner, rank=providers.FIRST).first()
    form = ProviderForm(request.POST or None, initial=_initial(stored))
    if request.method == "POST" and form.is_valid():
        try:
            _store(request, form, owner, stored)
        except ValueError as error:
            form.refuse(error)
        else:
            messages.success(request, "The provider is saved. The next mail goes to it.")
            return redirect("settings-provider", key=request.project.key)
    used = providers.provider_for(request.project)
    context = {
        "tabs": TABS,
        "form": form,
        "scope": SITE if owner is None else "",
        "stored": stored,
        "used": used,
        "where": parse_provider_url(used.url) if used and not is_esp(used.url) else None,
        "editing": bool(form.errors) or "edit" in request.GET or owner is None,
        "may_be_private": settings.ENV.allow_private_hosts,
    }
    return render(request, "settings/provider.html", context, status=422 if form.errors else 200)


def _owner(request: ProjectRequest, scope: str) -> Project | None:
    if scope != SITE:
        return request.project
    if not request.user.is_site_admin:
        raise PermissionDenied("Only site admins may change the site's provider.")
    return None


def _store(request: ProjectRequest, form: ProviderForm, owner: Project | None, stored: Provider | None) -> None:
    url, password = form.url(), form.cleaned_data["password"]
    if stored and not is_esp(stored.url) and _without_options(stored.url) == url:
        url = stored.url  # options that the form does not show stay
    if password and not form.cleaned_data["username"]:
        form.add_error("username", "A password needs a user name.")
        raise ValueError("The provider is not saved.")
    providers.set_provider(owner, url, by=request.by, name=form.cleaned_data["name"], password=password)


def _without_options(url: str) -> str:
    parsed = parse_provider_url(url)
    scheme = url.partition("://")[0].lower()
    user = quote(parsed.username, safe="") + "@" if parsed.username else ""
    return f"{scheme}://{user}{parsed.host}:{parsed.port}"


def _initial(stored: Provider | None) -> dict[str, object]:
    if stored is None or is_esp(stored.url):
        return {"security": "smtp", "port": 587}
    parsed: SmtpSettings = parse_provider_url(stored.url)
    scheme = stored.url.partition("://")[0].lower()
    return {
        "name": stored.name,
        "host": parsed.host,
        "port": parsed.port,
        "security": scheme,
        "username": parsed.username,
    }


@project_admin
@require_POST
def resume(request: ProjectRequest) -> HttpResponse:
    """Ends the pause after an outage: the next mail shows whether it is over."""
    used = providers.provider_for(request.project)
    if used is None:
        messages.error(request, "There is no provider.")
    elif used.project_id is None and not request.user.is_site_admin:
        raise PermissionDenied("Only site admins may resume the site's provider.")
    else:
        providers.resume(used, by=request.by)
        messages.success(request, f"{used.name} is tried again now.")
    return redirect("settings-provider", key=request.project.key)


@project_admin
@require_POST
def remove(request: ProjectRequest) -> HttpResponse:
    """Back to the site's provider."""
    providers.remove(request.project, by=request.by)
    messages.success(request, "The project uses the site's provider again.")
    return redirect("settings-provider", key=request.project.key)
