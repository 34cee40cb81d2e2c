"""What the log's address asks for, read from it and written back to it: a link can be shared, and nothing is hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone

from undelivered.delivery.filters import Filters
from undelivered.delivery.models import Kind
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State

FAILED, ALL = "failed", "all"
BETWEEN = "between"
#: A period -> (its label, days back at which it begins, days back before which it ends).
PERIODS: dict[str, tuple[str, int, int]] = {
    "today": ("Today", 0, 0),
    "yesterday": ("Yesterday", 1, 1),
    "week": ("Last 7 days", 6, 0),
}
STATES = {ALL: "Any", **{state.value: state.label for state in State}}
LONGEST = {"name": 100, "recipient": 254, "issue_key": 20}


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters as they stand in the address. `faults`: parameter -> what is wrong with it."""

    kind: Kind
    state: str = FAILED
    reason: str = ""
    name: str = ""
    recipient: str = ""
    issue_key: str = ""
    period: str = ""
    since: str = ""
    until: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)

    def query(self, **changes: Any) -> str:
        """The part of an address behind the question mark, with `changes`; what is as usual is left out."""
        return urlencode({name: value for name, value in replace(self, **changes).parameters().items() if value})

    def parameters(self) -> dict[str, str]:
        dates = {"since": self.since, "until": self.until} if self.period == BETWEEN else {}
        return {
            "state": "" if self.state == FAILED else self.state,
            "reason": self.reason,
            "name": self.name,
            "recipient": self.recipient,
            "issue_key": self.issue_key,
            "period": self.period,
            **dates,
        }

    @property
    def narrowed(self) -> bool:
        """Whether anything but the choice of Failed or All is set."""
        return any(value for name, value in self.parameters().items() if name != "state" or value not in {"", ALL})

    @property
    def every_state(self) -> bool:
        return self.state != FAILED

    def filters(self, now: datetime | None = None) -> Filters:
        """For the query. Only where there are no faults."""
        since, until = self._span(now or timezone.now())
        return Filters(
            kind=self.kind,
            state=self.state,
            reason=self.reason,
            name=self.name,
            recipient=self.recipient,
            issue_key=self.issue_key,
            since=since,
            until=until,
        )

    def _span(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        today = timezone.localtime(now).date()
        if self.period in PERIODS:
            _, begins, ends = PERIODS[self.period]
            return _midnight(today - timedelta(days=begins)), _midnight(today - timedelta(days=ends - 1))
        if self.period == BETWEEN:
            since = _midnight(date.fromisoformat(self.since)) if self.since else None
            until = _midnight(date.fromisoformat(self.until) + timedelta(days=1)) if self.until else None
            return since, until
        return None, None


def read(kind: Kind, given: Mapping[str, str]) -> Asked:
    """The parameters of an address. What cannot be used is a fault: a filter that is quietly not applied lies."""
    names = ("reason", "name", "recipient", "issue_key", "period", "since", "until")
    values: dict[str, Any] = {name: str(given.get(name, "")).strip() for name in names}
    if kind == Kind.INVITATION:
        values["issue_key"] = values["name"] = ""  # invitations have neither column
    values["issue_key"] = values["issue_key"].upper()
    state = str(given.get("state", "")).strip() or FAILED
    asked = Asked(kind=kind, state=state, **values)
    return replace(asked, faults=_faults(asked))


def _faults(asked: Asked) -> dict[str, str]:
    faults = {}
    if asked.state not in STATES:
        faults["state"] = f"There is no state {asked.state[:40]!r}."
    if asked.reason and asked.reason not in Reason.values:
        faults["reason"] = f"There is no reason {asked.reason[:40]!r}."
    if asked.period and asked.period not in PERIODS and asked.period != BETWEEN:
        faults["period"] = f"There is no period {asked.period[:40]!r}."
    for name, longest in LONGEST.items():
        value = getattr(asked, name)
        if len(value) > longest or "\0" in value:
            faults[name] = f"Use at most {longest} characters."
    return faults | _faults_of_dates(asked)


def _faults_of_dates(asked: Asked) -> dict[str, str]:
    if asked.period != BETWEEN:
        return {}
    faults = {}
    for name in ("since", "until"):
        try:
            day = date.fromisoformat(getattr(asked, name) or "2000-01-01")
            if not 1970 <= day.year <= 9000:
                raise ValueError
        except ValueError:
            faults[name] = "Enter a day as in 2025-11-21."
    if not faults and asked.since and asked.until and asked.since > asked.until:
        faults["until"] = "The last day is before the first."
    return faults


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())


def period_choices() -> list[tuple[str, str]]:
    kept = (("", f"Last {settings.ENV.keep_days} days"),)
    return [*kept, *((value, label) for value, (label, _, _) in PERIODS.items()), (BETWEEN, "Between two days")]
