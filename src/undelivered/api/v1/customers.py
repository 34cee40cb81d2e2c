"""The customers of a project."""

from __future__ import annotations

from datetime import datetime

from ninja import Query as FromQuery
from ninja import Router
from pydantic import Field

from undelivered.api import cursors
from undelivered.api.auth import READ, Call, project_of
from undelivered.api.fields import Answer, Cursor, Limit, Query, Search
from undelivered.api.v1.suppressions import SuppressionShown
from undelivered.api.v1.suppressions import shown as suppression_shown
from undelivered.delivery import suppression
from undelivered.delivery.models import Suppression
from undelivered.desk.models import ProjectCustomer
from undelivered.rules import people

router = Router(tags=["Customers"])


class CustomerShown(Answer):
    email: str
    name: str
    language: str
    invited_at: datetime | None
    accepted_at: datetime | None
    created_at: datetime
    suppression: SuppressionShown | None = Field(description="Why the customer is not mailed for now, if so.")


class CustomerPage(Answer):
    items: list[CustomerShown]
    next: str | None


class CustomerFilters(Query):
    q: Search | None = Field(
        None, description="The beginning of an address or of a name, or a domain as `@example.com`."
    )
    cursor: Cursor | None = None
    limit: Limit = 25


@router.get("/projects/{key}/customers", auth=READ, response=CustomerPage, summary="Customers of a project")
def list_customers(request: Call, key: str, filters: FromQuery[CustomerFilters]) -> CustomerPage:
    """Newest first."""
    project = project_of(request, key)
    before = cursors.read("customers", filters.cursor)
    rows = people.search(project, filters.q or "", before, filters.limit + 1)
    page = rows[: filters.limit]
    last = page[-1].id if len(rows) > filters.limit else None
    blocked = suppression.found_for(project, [row.customer.address for row in page])
    items = [_shown(row, blocked.get(row.customer.address_key)) for row in page]
    return CustomerPage(items=items, next=cursors.write("customers", last))


def _shown(row: ProjectCustomer, blocked: Suppression | None) -> CustomerShown:
    return CustomerShown(
        email=row.customer.address,
        name=row.customer.name,
        language=row.customer.language,
        invited_at=row.invited_at,
        accepted_at=row.accepted_at,
        created_at=row.created_at,
        suppression=suppression_shown(blocked) if blocked else None,
    )
