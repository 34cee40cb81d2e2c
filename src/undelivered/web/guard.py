"""Who may open a page. Every page of a project stands behind `project_member` or `project_admin`.

Signed out: to the sign-in page and back. Another project's key: 404, the same as a key that does not exist. An agent on
an admin's page: 403, with a sentence that says why.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from undelivered.desk import access
from undelivered.desk.actors import By
from undelivered.desk.models import Person, Project, Role

P = ParamSpec("P")


class PageRequest(HttpRequest):
    """A request of somebody who is signed in."""

    user: Person  # nobody else gets past the guard
    htmx: HtmxDetails
    by: By  # the same person, as everything that is recorded wants it


class ProjectRequest(PageRequest):
    """A request for a page of a project, of somebody who may see that project."""

    project: Project
    role: Role


def signed_in(view: Callable[Concatenate[PageRequest, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For pages that everybody who is signed in may open."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return _sign_in_first(request) or view(_page_request(request), *args, **kwargs)

    return guarded


def site_admin(view: Callable[Concatenate[PageRequest, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For pages about the whole site."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if answer := _sign_in_first(request):
            return answer
        page_request = _page_request(request)
        if not page_request.user.is_site_admin:
            raise PermissionDenied("Only site admins may open this page. Ask one of them.")
        return view(page_request, *args, **kwargs)

    return guarded


def project_member(view: Callable[Concatenate[ProjectRequest, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For pages that admins and agents of the project may open. The address names the project by `key`."""
    return _in_project(view, admin=False)


def project_admin(view: Callable[Concatenate[ProjectRequest, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For pages that only the project's admins may open."""
    return _in_project(view, admin=True)


def _in_project(
    view: Callable[Concatenate[ProjectRequest, P], HttpResponseBase], *, admin: bool
) -> Callable[..., HttpResponseBase]:
    @wraps(view)
    def guarded(request: HttpRequest, key: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if answer := _sign_in_first(request):
            return answer
        project_request = cast("ProjectRequest", _page_request(request))
        project = access.projects_of(project_request.user).filter(key=key.upper()).first()
        role = access.role_in(project_request.user, project) if project else None
        if project is None or role is None:
            raise Http404("There is no such project, or you are not one of its members.")
        project_request.project, project_request.role = project, role
        if admin and role != Role.ADMIN:
            raise PermissionDenied(
                f"This page is for the admins of {project.name}. You are an agent there: "
                "a request's own page shows you who was notified, who was not, and why."
            )
        return view(project_request, *args, **kwargs)

    return guarded


def _page_request(request: HttpRequest) -> PageRequest:
    found = cast("PageRequest", request)
    found.by = By(person=found.user)
    return found


def _sign_in_first(request: HttpRequest) -> HttpResponseBase | None:
    if request.user.is_authenticated:
        return None
    htmx = cast("HtmxDetails | None", getattr(request, "htmx", None))
    if htmx:  # a whole page must not be put where a part was asked for
        back = htmx.current_url_abs_path or "/"
        return HttpResponseClientRedirect(redirect_to_login(back, resolve_url(settings.LOGIN_URL)).url)
    back = request.get_full_path() if request.method in {"GET", "HEAD"} else "/"
    return redirect_to_login(back, resolve_url(settings.LOGIN_URL))
