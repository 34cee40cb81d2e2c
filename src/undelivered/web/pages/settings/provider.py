"""The providers that mail is handed to, the project's own or the site's: set up, tried out, resumed, taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from undelivered.delivery import hooks, providers, secrets, try_out
from undelivered.delivery.models import Provider, ReturnPath
from undelivered.delivery.transports.esp_url import is_esp
from undelivered.desk.models import Project
from undelivered.web.guard import ProjectRequest, project_admin
from undelivered.web.pages.settings import TABS, provider_forms, provider_kinds
from undelivered.web.pages.settings.provider_forms import EspForm, SmtpForm
from undelivered.web.pages.settings.provider_kinds import Kind
from undelivered.web.pages.settings.provider_shown import Shown, shown
from undelivered.web.pages.settings.return_path_shown import choices

SITE = "site"
#: In place of a kind: all of them, to choose one.
CHOOSE = "choose"


@dataclass(frozen=True, slots=True)
class Target:
    """Which provider a form is about: whose, and whether the first or its fallback. `stored`: what is there."""

    owner: Project | None
    rank: int
    stored: Provider | None

    @property
    def scope(self) -> str:
        return SITE if self.owner is None else ""


@project_admin
def page(request: ProjectRequest) -> HttpResponse:
    """A POST sets a provider of the project, or with `scope` `site` of the site, which only site admins may do."""
    target = _target(request)
    kind = _kind(request, target)
    form = None
    if kind is not None:
        by_project = target.owner is not None
        form = provider_forms.form_for(kind, target.stored, request.POST or None, by_project=by_project)
        if request.method == "POST" and form.is_valid():
            try:
                saved = _store(request, form, target)
            except ValueError as error:
                form.refuse(error)
            else:
                messages.success(request, f"{saved.name} is saved.")
                return redirect("settings-provider", key=request.project.key)
    status = 422 if form is not None and form.errors else 200
    return render(request, "settings/provider.html", _context(request, target, kind, form), status=status)


def _context(
    request: ProjectRequest, target: Target, kind: Kind | None, form: SmtpForm | EspForm | None
) -> dict[str, Any]:
    used = providers.provider_for(request.project)
    fallback = providers.fallback_of(used) if used else None
    editing = "edit" in request.GET or request.method == "POST" or target.owner is None
    return {
        "tabs": TABS,
        "editing": editing,
        "target": target,
        "kind": kind,
        "form": form,
        "usual": provider_forms.usual(kind is not None and kind.esp is not None),
        "servers": provider_kinds.SERVERS,
        "services": provider_kinds.services() if editing and kind is None else (),
        "may_be_private": settings.ENV.allow_private_hosts,
        "shown": [_shown(request, one) for one in (used, fallback) if one],
        "used": used,
        "fallback": fallback,
        "meanwhile": providers.meanwhile(used) if used else None,
        "may_change": bool(used and _may_change(request, used)),
        "relays": request.project.smtp_credentials.filter(revoked_at=None).exists(),
        "return_paths": [choices(request.project, one) for one in (used, fallback) if one and not is_esp(one.url)],
    }


def _target(request: ProjectRequest) -> Target:
    asked = request.POST if request.method == "POST" else request.GET
    owner = _owner(request, asked.get("scope", ""))
    rank = providers.FALLBACK if asked.get("rank") == str(providers.FALLBACK) else providers.FIRST
    return Target(owner, rank, Provider.objects.filter(project=owner, rank=rank).first())


def _owner(request: ProjectRequest, scope: str) -> Project | None:
    if scope != SITE:
        return request.project
    if not request.user.is_site_admin:
        raise PermissionDenied("Only site admins may change the site's provider.")
    return None


def _kind(request: ProjectRequest, target: Target) -> Kind | None:
    """Which form is to be shown; None: none, or first the choice among them."""
    asked = request.POST if request.method == "POST" else request.GET
    name = asked.get("kind", provider_kinds.SMTP if request.method == "POST" else "")
    if name == CHOOSE:
        return None
    if not name:
        return provider_kinds.of(target.stored) if target.stored else None
    if (found := provider_kinds.find(name)) is None:
        raise Http404("There is no such kind of provider.")
    return found


def _store(request: ProjectRequest, form: SmtpForm | EspForm, target: Target) -> Provider:
    return providers.set_provider(
        target.owner,
        form.url(),
        by=request.by,
        name=form.cleaned_data["name"],
        password=form.password_given(),
        rank=target.rank,
    )


def _shown(request: ProjectRequest, provider: Provider) -> Shown:
    hook, unreadable = None, False
    try:
        hook = hooks.url(provider) if _may_change(request, provider) else None
    except secrets.Unreadable:
        unreadable = True
    return shown(provider, hook=hook, unreadable=unreadable)


def _may_change(request: ProjectRequest, provider: Provider) -> bool:
    return provider.project_id is not None or request.user.is_site_admin


def _used(request: ProjectRequest) -> Provider:
    """The provider that a button of the page is about: the one in use, of the rank that is asked for."""
    used = providers.provider_for(request.project)
    if used and request.POST.get("rank") == str(providers.FALLBACK):
        used = providers.fallback_of(used)
    if used is None:
        raise Http404("There is no such provider any more.")
    return used


def _used_to_change(request: ProjectRequest) -> Provider:
    used = _used(request)
    if not _may_change(request, used):
        raise PermissionDenied("It is the site's provider: only site admins may do that.")
    return used


@project_admin
@require_POST
def resume(request: ProjectRequest) -> HttpResponse:
    """Ends the pause after an outage: the next mail shows whether it is over."""
    used = _used_to_change(request)
    providers.resume(used, by=request.by)
    messages.success(request, f"{used.name} is tried again now.")
    return redirect("settings-provider", key=request.project.key)


@project_admin
@require_POST
def remove(request: ProjectRequest) -> HttpResponse:
    """Back to the site's provider; or, with `rank`, the end of a fallback."""
    target = _target(request)
    if target.owner is None and target.rank == providers.FIRST:
        raise PermissionDenied("The site's provider can be replaced, not removed.")
    providers.remove(target.owner, by=request.by, rank=target.rank)
    gone = target.rank == providers.FALLBACK
    messages.success(
        request, "There is no fallback any more." if gone else "The project uses the site's provider again."
    )
    return redirect("settings-provider", key=request.project.key)


@project_admin
@require_POST
def let_bounces_go(request: ProjectRequest) -> HttpResponse:
    """Chooses where the provider lets bounces go."""
    used = _used_to_change(request)
    mode = request.POST.get("mode", "")
    if mode not in ReturnPath.values:
        raise Http404("There is no such way.")
    try:
        providers.let_bounces_go(used, ReturnPath(mode), by=request.by)
    except ValueError as error:
        messages.error(request, str(error))
    else:
        label = ReturnPath(mode).label
        messages.success(request, f"Bounces of mail through {used.name} go {label[:1].lower()}{label[1:]}.")
    return redirect("settings-provider", key=request.project.key)


@project_admin
@require_POST
def try_it(request: ProjectRequest) -> HttpResponse:
    """Sends a test mail; its own page shows what becomes of it."""
    to = request.POST.get("to", "").strip() or request.user.email
    try:
        made = try_out.send(request.project, _used(request), to, by=request.by)
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("settings-provider", key=request.project.key)
    messages.success(request, "The test mail is on its way. What becomes of it is shown here.")
    return redirect("notification", key=request.project.key, id=made.pk)
