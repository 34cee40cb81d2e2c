"""What every page shows around its own content: where you are, where you can go, how much may still be sent today."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from undelivered.delivery import limits, providers
from undelivered.delivery.models import Provider
from undelivered.desk import access
from undelivered.desk.models import Person, Project, Role

THEMES = {"": "System", "light": "Light", "dark": "Dark"}
THEME_COOKIE = "undelivered_theme"


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of a project's menu. `starts` are the URL names of the pages that belong to it."""

    name: str
    icon: str
    label: str
    admins_only: bool
    starts: tuple[str, ...]


PLACES = (
    Place("log-requests", "log", "Customer notification logs", True, ("log", "notification")),
    Place("requests", "requests", "Requests", False, ("request",)),
    Place("customers", "people", "Customers", False, ("customer",)),
    Place("suppressions", "suppressed", "Suppression list", True, ("suppression",)),
    Place("arrivals", "arrivals", "Arrivals", True, ("arrival",)),
    Place("settings", "settings", "Settings", True, ("settings",)),
    Place("audit", "audit", "Audit log", True, ("audit",)),
)


@dataclass(frozen=True, slots=True)
class Link:
    url: str
    label: str
    icon: str = ""
    current: bool = False


@dataclass(frozen=True, slots=True)
class Meter:
    """How much of the daily limit that is nearer to its end is used."""

    used: int
    limit: int
    whose: str
    resets: str

    @property
    def percent(self) -> int:
        return min(100, round(100 * self.used / self.limit)) if self.limit else 100

    @property
    def high(self) -> bool:
        return self.percent >= 90


class Shell:
    """Read lazily by the templates: a page that does not show the menu asks the database for nothing."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.person = request.user if isinstance(getattr(request, "user", None), Person) else None
        self.project: Project | None = getattr(request, "project", None)
        self.role: Role | None = getattr(request, "role", None)

    @property
    def theme(self) -> str:
        return theme_of(self.request)

    @property
    def themes(self) -> list[tuple[str, str, str]]:
        return [(value, label, icon) for (value, label), icon in zip(THEMES.items(), ICONS_OF_THEMES, strict=True)]

    @property
    def site_name(self) -> str:
        return settings.ENV.site_name

    @cached_property
    def projects(self) -> list[Link]:
        if not self.person:
            return []
        admin_of = set(access.administered(self.person).values_list("pk", flat=True))
        return [
            Link(start_of(project, admin=project.pk in admin_of), project.name, project.key, project == self.project)
            for project in access.projects_of(self.person)
        ]

    @cached_property
    def places(self) -> list[Link]:
        if not self.project:
            return []
        match = self.request.resolver_match
        here = (match.url_name if match else None) or ""
        return [
            Link(_address(place.name, self.project), place.label, place.icon, here.startswith(place.starts))
            for place in PLACES
            if self.role == Role.ADMIN or not place.admins_only
        ]

    @cached_property
    def meter(self) -> Meter | None:
        if not self.project or self.role != Role.ADMIN:
            return None
        use = limits.usage(self.project)
        resets = f"Resets {timezone.localtime(use.resets_at):%H:%M} {use.zone}"
        meters = [Meter(use.used, use.limit, "project", resets)] if use.limit is not None else []
        if use.site_limit is not None:
            meters.append(Meter(use.site_used, use.site_limit, "site", resets))
        return max(meters, key=lambda meter: meter.used / max(meter.limit, 1), default=None)

    @cached_property
    def incident(self) -> Provider | None:
        """The provider, while it is paused because it cannot be reached or refuses our login."""
        return providers.incident(self.project) if self.project else None

    @cached_property
    def meanwhile(self) -> Provider | None:
        """Who takes the mail while that lasts; None: it waits."""
        return providers.meanwhile(self.incident) if self.incident else None


ICONS_OF_THEMES = ("screen", "sun", "moon")


def theme_of(request: HttpRequest) -> str:
    """`light`, `dark`, or empty: as the system has it."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def start_of(project: Project, *, admin: bool) -> str:
    """The page that a project opens with: admins see who did not hear, agents cannot and see the requests."""
    return _address("log-requests" if admin else "requests", project)


def _address(name: str, project: Project) -> str:
    try:
        return reverse(name, kwargs={"key": project.key})
    except NoReverseMatch:
        return reverse("home")


def shell(request: HttpRequest) -> dict[str, Any]:
    """The context processor."""
    return {"shell": Shell(request)}
