"""An email service from end to end: the whole program, an API on loopback in the service's place, and its webhooks."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.delivery.test_worker_esp import api_in_a_thread
from tests.delivery.transports.scripted_api import Api as Service
from tests.delivery.transports.scripted_api import http
from tests.journeys.program import Api, Program, folder, until

ANN = "ann@northwind.example"
UNKNOWN = "550 5.1.1 <ann@northwind.example>: Recipient address rejected: User unknown"
#: Run beside the program: a project, and where the site's provider wants to hear from its service.
SET_UP = """
from undelivered.ops.commands import django
django.start()
from undelivered.delivery import hooks
from undelivered.delivery.models import Provider
from undelivered.desk import projects
from undelivered.desk.actors import UNDELIVERED
projects.create(key="IT", name="IT Help", from_address="help@desk.example", by=UNDELIVERED)
print(hooks.url(Provider.objects.get()))
"""


@pytest.fixture
def service() -> Iterator[Service]:
    """Takes every mail, and takes every address off its list."""

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if service.asked[-1].target.endswith("/suppressions/delete"):
            writer.write(http(200, {"Suppressions": [{"EmailAddress": ANN, "Status": "Deleted"}]}))
        else:
            to = service.asked[-1].json["To"]
            writer.write(http(200, {"To": to, "MessageID": "b7bc2f4a", "ErrorCode": 0, "Message": "OK"}))

    with api_in_a_thread(answers) as service:
        yield service


@pytest.fixture
def program(service: Service) -> Iterator[Program]:
    with folder() as made:
        program = Program(made, SAMPLE="no", PROVIDER_URL=f"esp://:hush@postmark?api_url={service.url}")
        try:
            program.start()
            program.until_ready()
            yield program
        finally:
            program.end()


def set_up(program: Program) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SET_UP], env=program.environ(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def tell(address: str, **event: Any) -> int:
    data = json.dumps({"ID": 1, "MessageID": "b7bc2f4a", "Email": ANN, "Recipient": ANN, **event}).encode()
    request = urllib.request.Request(address, data=data, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def ask(api: Api) -> str:
    return str(api.post("/projects/IT/requests", summary="Is anybody there?", reporter={"email": ANN})["key"])


def row(api: Api, key: str) -> dict[str, Any]:
    (found,) = api.all(f"/projects/IT/notifications?issue_key={key}")
    return found


def test_mails_by_an_api_a_delivery_a_bounce_and_the_lists_of_both_sides(program: Program, service: Service) -> None:
    hook, now = set_up(program), datetime.now(UTC).isoformat()
    api = Api(program)

    first = ask(api)
    until(lambda: row(api, first)["state"] == "sent")
    mail = service.asked[0].json
    assert (mail["Subject"].startswith(f"[{first}]"), ANN in mail["To"]) == (True, True)
    assert tell(hook[:-3] + "/", RecordType="Delivery", Metadata=mail["Metadata"]) == 403
    assert tell(hook, RecordType="Delivery", DeliveredAt=now, Metadata=mail["Metadata"]) == 200
    until(lambda: row(api, first)["state"] == "delivered")

    second = ask(api)
    until(lambda: row(api, second)["state"] == "sent")
    bounce = {
        "RecordType": "Bounce",
        "Type": "HardBounce",
        "Details": UNKNOWN,
        "BouncedAt": datetime.now(UTC).isoformat(),
    }
    assert tell(hook, **bounce, Metadata=service.asked[1].json["Metadata"]) == 200
    until(lambda: row(api, second)["state"] == "failed")
    assert row(api, second)["cause"] == "userunknown"

    third = ask(api)
    until(lambda: row(api, third)["state"] == "failed")
    assert row(api, third)["reason"] == "suppressed"
    assert len(service.asked) == 2

    lifted = api.call("DELETE", f"/projects/IT/suppressions?address={ANN}")
    assert lifted["skipped"] == 1
    assert [said["said"] for said in lifted["providers"]] == ["Postmark took it off its list, too."]
    assert service.asked[2].json == {"Suppressions": [{"EmailAddress": ANN}]}
    fourth = ask(api)
    until(lambda: row(api, fourth)["state"] == "sent")
