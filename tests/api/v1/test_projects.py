from __future__ import annotations

from datetime import datetime

from tests import make
from tests.api.caller import Caller
from undelivered.delivery import limits
from undelivered.delivery.models import DailyUse
from undelivered.desk.models import Project


def test_a_token_sees_its_own_project_alone(caller: Caller) -> None:
    make.project("HR")
    got = caller.get("/projects").json
    assert [item["key"] for item in got["items"]] == ["IT"]
    assert got["next"] is None
    assert caller.get("/projects/IT").json == got["items"][0]


def test_the_limit_says_what_is_used_and_when_it_resets(caller: Caller, project: Project) -> None:
    Project.objects.update(daily_limit=100)
    DailyUse.objects.create(project=project, day=limits.today(), used=7)
    DailyUse.objects.create(project=None, day=limits.today(), used=9)
    got = caller.get("/projects/IT/limits").json
    assert (got["used"], got["limit"], got["site_used"], got["site_limit"]) == (7, 100, 9, None)
    assert (got["zone"], got["at_limit"]) == ("UTC", "fail")
    assert datetime.fromisoformat(got["resets_at"]) == limits.resets_at()
