"""The suppression list: addresses that a project does not mail for now, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from django.utils import timezone
from ninja import Query as FromQuery
from ninja import Router
from pydantic import Field

from undelivered.api import cursors
from undelivered.api.auth import MANAGE, READ, Call, by, not_found, project_of
from undelivered.api.errors import ApiError
from undelivered.api.fields import Address, Answer, Body, Cursor, Limit, Moment, Note, Query, Search
from undelivered.bounces import Suppress
from undelivered.delivery import provider_lift, suppression, suppression_files, suppression_import
from undelivered.delivery.addresses import canonical
from undelivered.delivery.models import Suppression
from undelivered.delivery.suppression_files import Line
from undelivered.desk.models import Project

router = Router(tags=["Suppression list"])
#: Entries of one import.
MOST = 10_000


class SuppressionShown(Answer):
    id: int
    address: str
    cause: str
    cause_label: str
    detail: str
    since: datetime
    until: datetime | None = Field(description="Null: until it is lifted.")
    notification_id: UUID | None = Field(description="Whose failure it was.")
    site_wide: bool = Field(description="Whether it holds for the whole site, not for this project alone.")


class SuppressionPage(Answer):
    items: list[SuppressionShown]
    next: str | None


class SuppressionFilters(Query):
    q: Search | None = Field(None, description="An address, the beginning of one, or a domain as `@example.com`.")
    cause: Search | None = Field(None, description="`manual`, `feedback` (a complaint), or another cause of an entry.")
    cursor: Cursor | None = None
    limit: Limit = 25


class NewSuppression(Body):
    address: Address
    detail: Note = Field("", description="Why, in your own words.")
    until: Moment | None = Field(None, description="Without it: until it is lifted.")


class ImportedSuppression(Body):
    """An entry of another list. `cause`: any that says something about the address; `feedback` is a complaint."""

    address: Address
    cause: Literal[suppression_files.CAUSES] = "manual"  # type: ignore[valid-type]
    detail: Note = ""
    since: Moment | None = Field(None, description="Without it, or where it is still to come: now.")
    until: Moment | None = Field(None, description="Without it: until it is lifted.")


class ImportedSuppressions(Body):
    suppressions: Annotated[list[ImportedSuppression], Field(min_length=1, max_length=MOST)]


class Imported(Answer):
    """How many are `new` on the list, became `complaints`, were `there` and stay as they are, or came `twice`."""

    new: int
    complaints: int
    there: int
    twice: int


class Which(Query):
    confirmed: bool = Field(False, description="The customer agreed: needed to lift a complaint.")


class WhichAddress(Which):
    address: Search = Field(min_length=1)


class ProviderSaid(Answer):
    """What an email service answered when it was asked to take the address off its own list. `ok`: it is off."""

    provider: str
    ok: bool
    said: str


class Lifted(Answer):
    """`skipped` is how many notifications were not sent because of it, and were not sent again since."""

    address: str
    skipped: int
    providers: list[ProviderSaid] = Field(description="Of the services that mail goes to, those that keep lists.")


@router.get("/projects/{key}/suppressions", auth=READ, response=SuppressionPage, summary="Suppression list")
def list_suppressions(request: Call, key: str, filters: FromQuery[SuppressionFilters]) -> SuppressionPage:
    """What is in force, newest first."""
    before = cursors.read("suppressions", filters.cursor)
    asked = {"q": filters.q or "", "cause": filters.cause or ""}
    rows = suppression.listing(project_of(request, key), **asked, before=before, limit=filters.limit + 1)
    page = rows[: filters.limit]
    last = page[-1].id if len(rows) > filters.limit else None
    return SuppressionPage(items=[shown(row) for row in page], next=cursors.write("suppressions", last))


@router.post(
    "/projects/{key}/suppressions", auth=MANAGE, response={201: SuppressionShown}, summary="Suppress an address"
)
def add_suppression(request: Call, key: str, new: NewSuppression) -> SuppressionShown:
    """The project does not mail the address any more. One that is on the list already gets the new detail and end."""
    project = project_of(request, key)
    if new.until and new.until <= timezone.now():
        raise ApiError.of_field("until", "This is in the past.")
    return shown(suppression.add(project, new.address, by=by(request), detail=new.detail, until=new.until))


@router.post("/projects/{key}/suppressions/import", auth=MANAGE, response=Imported, summary="Import a suppression list")
def import_suppressions(request: Call, key: str, new: ImportedSuppressions) -> Imported:
    """Up to 10,000 entries, in one step: all of them, or none if one is bad. Entries that are there stay as they are,
    but for a complaint, which counts for more. Calling it twice is the same as once."""
    project = project_of(request, key)
    now = timezone.now()
    for number, one in enumerate(new.suppressions):
        if one.until and one.until <= now:
            raise ApiError.of_field(f"suppressions.{number}.until", "This is in the past.")
    lines = [_line(number, one, now) for number, one in enumerate(new.suppressions)]
    outcome = suppression_import.take(project, lines, by=by(request))
    return Imported(new=outcome.new, complaints=outcome.complaints, there=outcome.there, twice=outcome.twice)


def _line(number: int, one: ImportedSuppression, now: datetime) -> Line:
    since = min(one.since, now) if one.since else now
    return Line(number, one.address, canonical(one.address), str(one.cause), one.detail, since, one.until)


@router.get(
    "/projects/{key}/suppressions/{entry}", auth=READ, response=SuppressionShown, summary="One suppressed address"
)
def get_suppression(request: Call, key: str, entry: str) -> SuppressionShown:
    """By its id or its address."""
    return shown(_find(project_of(request, key), entry))


@router.delete("/projects/{key}/suppressions/{entry}", auth=MANAGE, response=Lifted, summary="Lift a suppression")
def lift_suppression(request: Call, key: str, entry: str, which: FromQuery[Which]) -> Lifted:
    """By its id or its address. The address is mailed again: by the whole site, if it is suppressed for that."""
    project = project_of(request, key)
    return _lift(request, project, _find(project, entry), which.confirmed)


@router.delete("/projects/{key}/suppressions", auth=MANAGE, response=Lifted, summary="Lift a suppression by address")
def lift_suppression_of(request: Call, key: str, which: FromQuery[WhichAddress]) -> Lifted:
    """For addresses that do not fit into a path."""
    project = project_of(request, key)
    return _lift(request, project, _find(project, which.address), which.confirmed)


def _find(project: Project, entry: str) -> Suppression:
    """An entry in force for the project, its own or the site's."""
    if entry.isascii() and entry.isdigit() and len(entry) < 19:
        found = suppression.get(project, int(entry))
    else:
        found = None if "\0" in entry else suppression.find(project, entry)
    return found or not_found("suppression", entry)


def _lift(request: Call, project: Project, entry: Suppression, confirmed: bool) -> Lifted:
    if suppression.stays(entry):
        raise ApiError("forbidden", f"{entry.address} is suppressed for the whole site. A site admin may lift that.")
    try:
        skipped = suppression.lift(entry, by=by(request), confirmed=confirmed, project=project)
    except suppression.NeedsConfirmation as error:
        raise ApiError("confirmation_needed", f"{error} Then repeat the call with `confirmed=true`.") from None
    complaint = suppression.rule(entry.cause) is Suppress.COMPLAINT
    told = provider_lift.ask(project, entry.address, by=by(request), complaint=complaint)
    said = [ProviderSaid(provider=one.provider, ok=one.ok, said=one.sentence) for one in told]
    return Lifted(address=entry.address, skipped=skipped, providers=said)


def shown(row: Suppression) -> SuppressionShown:
    return SuppressionShown(
        id=row.id,
        address=row.address,
        cause=row.cause,
        cause_label=suppression.cause_label(row.cause),
        detail=row.detail,
        since=row.since,
        until=row.until,
        notification_id=row.notification_id,
        site_wide=row.project_id is None,
    )
