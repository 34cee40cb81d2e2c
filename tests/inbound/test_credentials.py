"""SMTP credentials and trusted networks: made, taken back, and seen by a door."""

from __future__ import annotations

import asyncio

import pytest
from psycopg import AsyncConnection

from tests import make
from undelivered.delivery import wake
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import AuditEntry
from undelivered.inbound import access, credentials
from undelivered.inbound.access import Access
from undelivered.inbound.models import SmtpCredential


def known() -> Access:
    async def load() -> Access:
        async with await AsyncConnection.connect(wake.url(), autocommit=True) as connection:
            return await access.load(connection)

    return asyncio.run(load())


@pytest.mark.usefixtures("committed")
def test_a_door_knows_a_credential_until_it_is_revoked() -> None:
    project = make.project(from_address="it@IT.example")
    made, password = credentials.create(project, by=UNDELIVERED, name="Helpdesk")
    grant = known().log_in(made.username, password)
    assert grant is not None
    assert (grant.project_id, grant.from_domains, grant.credential_id) == (project.pk, ("it.example",), made.pk)
    assert password not in str(SmtpCredential.objects.values_list()), "only its SHA-256 is kept"
    assert credentials.revoke(made, by=UNDELIVERED)
    assert not credentials.revoke(made, by=UNDELIVERED)
    assert known().log_in(made.username, password) is None
    assert list(AuditEntry.objects.order_by("id").values_list("action", "target")) == [
        ("smtp_credential.created", made.username),
        ("smtp_credential.revoked", made.username),
    ]


@pytest.mark.usefixtures("committed")
def test_a_door_knows_trusted_networks() -> None:
    project = make.project()
    made = credentials.trust(project, "10.1.2.3/24", by=UNDELIVERED, from_domains=["IT.example", "@büro.example"])
    assert made.network == "10.1.2.0/24"
    (grant,) = known().trusted("10.1.2.77")
    assert (grant.project_id, grant.from_domains) == (project.pk, ("it.example", "xn--bro-hoa.example"))
    credentials.trust(project, "10.1.2.0/24", by=UNDELIVERED, from_domains=["hr.example"])
    assert known().trusted("10.1.2.77")[0].from_domains == ("hr.example",)
    credentials.distrust(made, by=UNDELIVERED)
    assert known().trusted("10.1.2.77") == ()


@pytest.mark.usefixtures("committed")
def test_an_archived_projects_credentials_are_worth_nothing() -> None:
    project = make.project()
    made, _ = credentials.create(project, by=UNDELIVERED)
    credentials.trust(project, "10.0.0.0/8", by=UNDELIVERED)
    project.archived_at = made.created_at
    project.save()
    assert known() == Access()


@pytest.mark.usefixtures("committed")
def test_use_is_noted_once_a_minute() -> None:
    made, _ = credentials.create(make.project(), by=UNDELIVERED)

    async def note() -> None:
        async with await AsyncConnection.connect(wake.url(), autocommit=True) as connection:
            await access.note_used(connection, [made.pk])

    asyncio.run(note())
    first = SmtpCredential.objects.get().last_used_at
    assert first is not None
    asyncio.run(note())
    assert SmtpCredential.objects.get().last_used_at == first


@pytest.mark.django_db
@pytest.mark.parametrize("domain", ["", "no domain", "a@b", "*.it.example", "-it.example", "x" * 300])
def test_what_is_no_domain_is_refused(domain: str) -> None:
    project = make.project()
    if domain == "":
        assert credentials.create(project, by=UNDELIVERED, from_domains=[""])[0].from_domains == ["desk.example"]
        return
    with pytest.raises(ValueError, match="not a domain"):
        credentials.create(project, by=UNDELIVERED, from_domains=[domain])


@pytest.mark.django_db
@pytest.mark.parametrize("network", ["", "everybody", "0.0.0.0/0", "10.0.0.0/7", "::/0", "10.0.0.0/33", "10.0.0"])
def test_what_is_no_network_or_far_too_wide_is_refused(network: str) -> None:
    with pytest.raises(ValueError, match=r"network|wide"):
        credentials.trust(make.project(), network, by=UNDELIVERED)
