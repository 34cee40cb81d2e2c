"""The sample project: made once, its conditions are taken back, its template is too large. The story is a journey."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.conf import settings

from tests import make
from undelivered.delivery.models import Content, MailDomain, Notification, Provider
from undelivered.delivery.reasons import Reason
from undelivered.desk import audit
from undelivered.desk.models import Membership, Project
from undelivered.ops import sample
from undelivered.rules.rules_of import rules_of

pytestmark = pytest.mark.django_db
ENV = replace(settings.ENV, sample=True)


@pytest.fixture
def it(monkeypatch: pytest.MonkeyPatch) -> Project:
    """The sample project, in which nobody waits for mails: no worker runs here."""
    monkeypatch.setattr(sample, "_wait", lambda ids: None)
    assert sample.ensure_project(ENV)
    return Project.objects.get()


def test_it_has_a_provider_that_never_reaches_a_real_person(it):
    provider = Provider.objects.get(project=it)
    assert provider.rehearsal
    assert provider.url.startswith("smtp+plain://127.0.0.1:")
    assert Membership.objects.get().person.email.endswith(".example")


def test_bounces_come_back_to_the_door(it):
    assert Provider.objects.get(project=it).return_path == "signed"
    assert MailDomain.objects.get(domain="desk.example").bounce_domain == "bounces.desk.example"


def test_a_sample_of_an_older_version_learns_it_once_and_an_admins_choice_stays(it):
    MailDomain.objects.all().delete()
    Provider.objects.update(return_path="login")
    assert sample.ensure_project(ENV)
    assert Provider.objects.get().return_path == "signed"
    Provider.objects.update(return_path="login")
    assert sample.ensure_project(ENV)
    assert Provider.objects.get().return_path == "login"


def test_twice_is_the_same_as_once(it):
    assert sample.ensure_project(ENV)
    assert Project.objects.count() == 1


def test_it_can_be_unwanted():
    assert not sample.ensure_project(replace(ENV, sample=False))
    assert not Project.objects.exists()


def test_it_never_joins_projects_of_ones_own():
    make.project("HELP")
    assert not sample.ensure_project(ENV)


def test_a_project_of_ones_own_with_its_key_is_not_taken_for_it():
    make.project(sample.KEY)
    assert not sample.ensure_project(ENV)


def test_the_provider_follows_the_rehearsal_to_its_port(it):
    sample.point_at(4711)
    assert Provider.objects.get().url == "smtp+plain://127.0.0.1:4711"


def test_a_chapter_that_was_told_is_not_told_again(it):
    assert not sample.is_told()
    sample.tell()
    assert sample.is_told()
    before = Notification.objects.count()
    sample.tell()
    assert Notification.objects.count() == before


def test_an_interrupted_story_goes_on_where_it_stopped(it):
    for chapter in sample.CHAPTERS[:-1]:
        audit.record("sample.told", by=sample.SAMPLE, project=it, target=chapter.__name__)
    sample.tell()
    assert Notification.objects.count() == 1


def test_the_limit_is_as_before_even_if_the_chapter_fails(it, monkeypatch):
    lowered = []

    def fails(*arguments: object) -> None:
        lowered.append(Project.objects.get().daily_limit)
        raise RuntimeError("the power went")

    monkeypatch.setattr(sample, "_open", fails)
    with pytest.raises(RuntimeError):
        sample.a_limit_that_is_reached(it)
    assert lowered == [1]
    assert Project.objects.get().daily_limit == sample.DAILY_LIMIT


@pytest.mark.parametrize("chapter", [sample.a_template_that_breaks, sample.a_template_that_is_too_large])
def test_templates_are_as_before(it, chapter):
    chapter(it)
    assert not any(rule.subject or rule.body for rule in rules_of(it))


def test_the_broken_template_leaves_the_action_unharmed(it):
    sample.a_template_that_breaks(it)
    failed = Content.objects.exclude(error="").get()
    assert "shout" in failed.error
    assert Notification.objects.filter(content_id=failed.id).count() == 1


def test_the_large_template_is_well_over_the_limit(it):
    sample.a_template_that_is_too_large(it)
    largest = max(len(content.text) + len(content.html) for content in Content.objects.all())
    assert largest > 1.2 * settings.ENV.size_limit, Reason.TEMPLATE_TOO_LARGE
