"""The project that a token opens, and its daily limit."""

from __future__ import annotations

from datetime import datetime

from ninja import Router

from undelivered.api.auth import READ, Call, project_of
from undelivered.api.fields import Answer
from undelivered.delivery import limits
from undelivered.desk.models import AtLimit, Project

router = Router(tags=["Projects"])


class ProjectShown(Answer):
    key: str
    name: str
    from_name: str
    from_address: str
    daily_limit: int | None
    at_limit: AtLimit
    size_limit: int | None
    created_at: datetime


class ProjectList(Answer):
    items: list[ProjectShown]
    next: str | None = None


class Limits(Answer):
    """Mails of today, counted against the daily limits of the project and of the site."""

    used: int
    limit: int | None
    site_used: int
    site_limit: int | None
    resets_at: datetime
    zone: str
    at_limit: AtLimit


@router.get("/projects", auth=READ, response=ProjectList, summary="Projects")
def list_projects(request: Call) -> ProjectList:
    """The projects that the token opens: one."""
    return ProjectList(items=[shown(request.auth.project)])


@router.get("/projects/{key}", auth=READ, response=ProjectShown, summary="One project")
def get_project(request: Call, key: str) -> ProjectShown:
    """Its settings, as far as programs need them."""
    return shown(project_of(request, key))


@router.get("/projects/{key}/limits", auth=READ, response=Limits, summary="Daily limit")
def get_limits(request: Call, key: str) -> Limits:
    """How much of today's limit is used, and when it resets. `limit` is null where there is none."""
    project = project_of(request, key)
    usage = limits.usage(project)
    return Limits(
        used=usage.used,
        limit=usage.limit,
        site_used=usage.site_used,
        site_limit=usage.site_limit,
        resets_at=usage.resets_at,
        zone=usage.zone,
        at_limit=AtLimit(project.at_limit),
    )


def shown(project: Project) -> ProjectShown:
    return ProjectShown(
        key=project.key,
        name=project.name,
        from_name=project.from_name,
        from_address=project.from_address,
        daily_limit=project.daily_limit,
        at_limit=AtLimit(project.at_limit),
        size_limit=project.size_limit,
        created_at=project.created_at,
    )
