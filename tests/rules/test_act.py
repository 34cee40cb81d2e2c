"""What people do with requests, against the database: the events of each action, and the mails that follow."""

from __future__ import annotations

import pytest

from tests import make
from undelivered.delivery.models import Content, Notification, NotSent
from undelivered.delivery.personal import NOT_OPTIONAL
from undelivered.desk import opt_outs
from undelivered.desk.actors import By
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import AuditEntry, Comment, Customer, OptOut, Person, Project, Request
from undelivered.rules import act
from undelivered.rules.models import Rule
from undelivered.rules.rules_of import rules_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make.project("IT")


@pytest.fixture
def agent(project: Project) -> By:
    return By(person=make.person("jonas@desk.example", name="Jonas Weber", agent_of=project))


@pytest.fixture
def ann() -> Customer:
    return make.customer("ann@northwind.example", "Ann Keller")


@pytest.fixture
def petra() -> Customer:
    return make.customer("petra@northwind.example", "Petra Sand")


def mails() -> list[tuple[str, str]]:
    return [(row.name, row.recipient) for row in Notification.objects.order_by("id")]


def not_sent() -> set[tuple[str, str, str]]:
    return {(row.event, row.recipient, row.cause) for row in NotSent.objects.all()}


def rule(project: Project, event: str) -> Rule:
    return next(one for one in rules_of(project) if one.event == event)


def switch_off(project: Project, event: str) -> None:
    Rule.objects.filter(pk=rule(project, event).pk).update(enabled=False)


def shared(project: Project, ann: Customer, petra: Customer) -> Request:
    return make.request(project, ann, participants=(petra,))


def test_a_request_gets_the_projects_next_issue_key(project: Project, ann: Customer, agent: By) -> None:
    first = act.open_request(project, summary="One", reporter=ann, by=agent)
    second = act.open_request(project, summary="Two", reporter=ann, by=agent)
    assert [first.issue_key, second.issue_key] == ["IT-1", "IT-2"]


def test_the_reporter_gets_a_confirmation_even_of_their_own_request(project: Project, ann: Customer) -> None:
    act.open_request(project, summary="Laptop", reporter=ann, by=By(customer=ann))
    assert mails() == [("Request created", "ann@northwind.example")]
    assert not NotSent.objects.exists()


def test_participants_of_a_new_request_hear_that_they_were_added(
    project: Project, ann: Customer, petra: Customer, agent: By
) -> None:
    act.open_request(project, summary="Laptop", reporter=ann, participants=[petra, ann, petra], by=agent)
    assert mails() == [("Request created", "ann@northwind.example"), ("Participant added", "petra@northwind.example")]


def test_opening_a_request_lets_everybody_into_the_project(
    project: Project, ann: Customer, petra: Customer, agent: By
) -> None:
    act.open_request(project, summary="Laptop", reporter=ann, participants=[petra], by=agent)
    assert {row.customer for row in project.project_customers.all()} == {ann, petra}


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"summary": " \n"}, "summary"),
        ({"summary": "x" * 501}, "summary"),
        ({"summary": "x", "url": "javascript:alert(1)"}, "url"),
        ({"summary": "x", "url": "ftp://files.example/1"}, "url"),
    ],
)
def test_a_bad_field_is_named_and_no_number_is_used_up(
    project: Project, ann: Customer, agent: By, values: dict[str, str], named: str
) -> None:
    with pytest.raises(BadInput) as caught:
        act.open_request(project, reporter=ann, by=agent, **values)  # type: ignore[arg-type]
    assert list(caught.value.fields) == [named]
    assert Project.objects.get(pk=project.pk).last_request_number == 0
    assert not Request.objects.exists()


def test_a_summary_is_one_line_without_control_characters(project: Project, ann: Customer, agent: By) -> None:
    request = act.open_request(project, summary="Laptop\r\nBcc: eve@evil.example\x00", reporter=ann, by=agent)
    assert request.summary == "Laptop Bcc: eve@evil.example"


def test_a_request_that_lives_elsewhere_is_opened_there(project: Project, ann: Customer, agent: By) -> None:
    act.open_request(project, summary="Laptop", reporter=ann, url="https://rt.example/ticket/7", by=agent)
    assert Notification.objects.get().personal == {"request.url": "https://rt.example/ticket/7"}


def test_a_public_comment_reaches_everyone_involved_but_its_author(
    project: Project, ann: Customer, petra: Customer
) -> None:
    request = shared(project, ann, petra)
    done = act.update_request(request, comment="It starts again.", by=By(customer=ann))
    assert mails() == [("Public comment added", "petra@northwind.example")]
    assert [(row.customer, row.cause) for row in done.not_told] == [(ann, "own_activity")]


def test_a_person_of_the_team_who_is_a_customer_too_is_not_told_of_their_own_comment(
    project: Project, ann: Customer
) -> None:
    person = make.person("Ann@Northwind.example", agent_of=project)
    done = act.update_request(make.request(project, ann), comment="Hello", by=By(person=person))
    assert not done.told
    assert not_sent() == {("public_comment_added", "ann@northwind.example", "own_activity")}


def test_an_internal_comment_reaches_no_customer_and_says_so(project: Project, ann: Customer, agent: By) -> None:
    done = act.update_request(make.request(project, ann), comment="She is a VIP.", public=False, by=agent)
    assert not mails()
    assert done.comment is not None
    assert not done.comment.public
    assert not_sent() == {("public_comment_added", "", "internal_comment")}


def test_an_internal_comment_with_a_status_change_mails_the_change_without_the_comment(
    project: Project, ann: Customer, agent: By
) -> None:
    act.update_request(make.request(project, ann), comment="She is a VIP.", public=False, status="waiting", by=agent)
    assert mails() == [("Customer-visible status changed", "ann@northwind.example")]
    assert "VIP" not in Content.objects.get().text
    assert "VIP" not in str(Content.objects.get().source)


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        ("open", "in_progress", "Customer-visible status changed"),
        ("open", "resolved", "Request resolved"),
        ("resolved", "open", "Request reopened"),
        ("resolved", "waiting", "Request reopened"),
    ],
)
def test_a_move_is_named_by_where_it_comes_from_and_where_it_goes(
    project: Project, ann: Customer, agent: By, before: str, after: str, name: str
) -> None:
    request = make.request(project, ann, status=before)
    act.update_request(request, status=after, by=agent)
    assert mails() == [(name, "ann@northwind.example")]


def test_resolving_sets_a_resolution_and_reopening_clears_it(project: Project, ann: Customer, agent: By) -> None:
    request = make.request(project, ann)
    assert act.update_request(request, status="resolved", by=agent).request.resolution == "Done"
    assert act.update_request(request, status="open", by=agent).request.resolution == ""
    assert (
        act.update_request(request, status="resolved", resolution="Won't fix", by=agent).request.resolution
        == "Won't fix"
    )


def test_what_is_as_it_was_is_no_event(project: Project, ann: Customer, petra: Customer, agent: By) -> None:
    request = shared(project, ann, petra)
    done = act.update_request(request, status="open", participants=[ann, petra], comment="  ", by=agent)
    assert (done.told, done.not_told, done.comment) == ([], [], None)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"status": "gone"}, "status"),
        ({"resolution": "Done"}, "resolution"),
        ({"status": "open", "resolution": "Done"}, "resolution"),
    ],
)
def test_a_move_that_is_none_is_refused_and_nothing_happens(
    project: Project, ann: Customer, agent: By, values: dict[str, str], named: str
) -> None:
    request = make.request(project, ann)
    with pytest.raises(BadInput) as caught:
        act.update_request(request, comment="Hello", by=agent, **values)  # type: ignore[arg-type]
    assert list(caught.value.fields) == [named]
    assert not Comment.objects.exists()
    assert not mails()


def test_a_comment_and_a_resolution_are_one_mail_that_says_both(
    project: Project, ann: Customer, petra: Customer, agent: By
) -> None:
    request = shared(project, ann, petra)
    act.update_request(request, comment="A new battery did it.", status="resolved", by=agent)
    assert mails() == [("Request resolved", "ann@northwind.example"), ("Request resolved", "petra@northwind.example")]
    content = Content.objects.get()
    assert "The request is resolved" in content.text
    assert "> A new battery did it." in content.text
    assert content.text.count("View request:") == 1
    assert not_sent() == {
        ("public_comment_added", "ann@northwind.example", "merged"),
        ("public_comment_added", "petra@northwind.example", "merged"),
    }


def test_whoever_hears_of_other_events_gets_another_content(
    project: Project, ann: Customer, petra: Customer, agent: By
) -> None:
    request = make.request(project, ann)
    act.update_request(request, comment="Petra, can you help?", participants=[petra], by=agent)
    rows = {row.recipient: row for row in Notification.objects.all()}
    assert rows["ann@northwind.example"].name == rows["petra@northwind.example"].name == "Public comment added"
    contents = {key: Content.objects.get(pk=row.content_id) for key, row in rows.items()}
    assert "You were added to a request" not in contents["ann@northwind.example"].text
    assert "You were added to a request" in contents["petra@northwind.example"].text


def test_everyone_with_the_same_events_shares_one_content(project: Project, ann: Customer, agent: By) -> None:
    request = make.request(project, ann, participants=tuple(make.customer() for _ in range(5)))
    act.update_request(request, comment="Hello", by=agent)
    assert Notification.objects.count() == 6
    assert Content.objects.count() == 1


def test_an_opt_out_is_honoured_but_for_the_reporters_resolution(
    project: Project, ann: Customer, petra: Customer, agent: By
) -> None:
    request = shared(project, ann, petra)
    OptOut.objects.create(request=request, customer=ann)
    OptOut.objects.create(request=request, customer=petra)
    act.update_request(request, comment="Done at last.", by=agent)
    assert not mails()
    act.update_request(request, status="resolved", by=agent)
    assert mails() == [("Request resolved", "ann@northwind.example")]
    assert ("request_resolved", "petra@northwind.example", "opted_out") in not_sent()


def test_all_optional_mail_off_is_honoured_but_for_the_reporters_resolution(
    project: Project, ann: Customer, petra: Customer, agent: By
) -> None:
    request = shared(project, ann, petra)
    for customer in (ann, petra):
        opt_outs.turn_project(project, customer, on=False)
    act.update_request(request, comment="Done at last.", by=agent)
    assert not mails()
    act.update_request(request, status="resolved", by=agent)
    assert mails() == [("Request resolved", "ann@northwind.example")]
    assert not_sent() == {
        ("public_comment_added", "ann@northwind.example", "opted_out_of_project"),
        ("public_comment_added", "petra@northwind.example", "opted_out_of_project"),
        ("request_resolved", "petra@northwind.example", "opted_out_of_project"),
    }


def test_who_turned_both_off_is_said_to_have_turned_the_request_off(project: Project, ann: Customer, agent: By) -> None:
    request = make.request(project, ann)
    opt_outs.turn_project(project, ann, on=False)
    opt_outs.turn(request, ann, on=False)
    act.update_request(request, comment="Hello", by=agent)
    assert not_sent() == {("public_comment_added", "ann@northwind.example", "opted_out")}


def test_a_new_participant_who_wants_no_mail_of_the_project_is_not_told(
    project: Project, ann: Customer, petra: Customer, agent: By
) -> None:
    opt_outs.turn_project(project, petra, on=False)
    act.update_request(make.request(project, ann), participants=[petra], by=agent)
    assert not mails()
    assert not_sent() == {("participant_added", "petra@northwind.example", "opted_out_of_project")}


def test_only_a_mail_that_its_recipient_cannot_turn_off_is_marked_so(
    project: Project, ann: Customer, petra: Customer, agent: By
) -> None:
    request = shared(project, ann, petra)
    act.update_request(request, comment="Done at last.", status="resolved", by=agent)
    marked = {row.recipient: NOT_OPTIONAL in row.personal for row in Notification.objects.all()}
    assert marked == {"ann@northwind.example": True, "petra@northwind.example": False}


def test_a_rule_that_is_off_mails_nobody_and_says_so_for_each(
    project: Project, ann: Customer, petra: Customer, agent: By
) -> None:
    switch_off(project, "public_comment_added")
    act.update_request(shared(project, ann, petra), comment="Hello", by=agent)
    assert not mails()
    assert not_sent() == {
        ("public_comment_added", "ann@northwind.example", "rule_off"),
        ("public_comment_added", "petra@northwind.example", "rule_off"),
    }


def test_an_event_whose_rule_is_off_is_not_in_the_mail_of_another(project: Project, ann: Customer, agent: By) -> None:
    switch_off(project, "public_comment_added")
    act.update_request(make.request(project, ann), comment="Secret word", status="resolved", by=agent)
    assert "Secret word" not in Content.objects.get().text
    assert not_sent() == {("public_comment_added", "ann@northwind.example", "rule_off")}


def test_a_template_that_does_not_render_fails_the_mail_and_never_the_action(
    project: Project, ann: Customer, agent: By
) -> None:
    Rule.objects.filter(pk=rule(project, "public_comment_added").pk).update(body="Hello\n{% if %}")
    done = act.update_request(make.request(project, ann), comment="Hello", by=agent)
    assert Comment.objects.count() == 1
    assert len(done.told) == 1
    content = Content.objects.get()
    assert content.error == "body of “Public comment added”, line 2: Missing expression."
    assert content.text == ""


def test_our_own_mistake_in_rendering_never_breaks_the_action(
    project: Project, ann: Customer, agent: By, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall_over(*args: object) -> None:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr("undelivered.rules.content.say", fall_over)
    act.update_request(make.request(project, ann), comment="Hello", by=agent)
    assert Content.objects.get().error == "The template could not be rendered."


def test_the_mails_of_a_request_are_one_thread_and_ask_for_no_automatic_answer(
    project: Project, ann: Customer, agent: By
) -> None:
    request = act.open_request(project, summary="Laptop", reporter=ann, by=agent)
    act.update_request(request, comment="Hello", by=agent)
    first, second = [dict(content.headers) for content in Content.objects.order_by("id")]
    assert first == second
    assert first["References"] == first["In-Reply-To"] == f"<request.IT-1.{request.pk}@desk.example>"
    assert first["Auto-Submitted"] == "auto-generated"
    assert len({content.subject for content in Content.objects.all()}) == 1


def test_an_edited_public_comment_tells_everyone_and_an_unchanged_one_nobody(
    project: Project, ann: Customer, agent: By
) -> None:
    request = make.request(project, ann)
    comment = Comment.objects.create(request=request, person=agent.person, body="At 3.")
    assert not act.edit_comment(comment, body="At 3.", by=agent).told
    act.edit_comment(comment, body="At 4.", by=agent)
    assert mails() == [("Public comment edited", "ann@northwind.example")]
    assert "> At 4." in Content.objects.get().text


def test_an_internal_comment_made_public_tells_as_an_edit_and_the_other_way_round_nobody(
    project: Project, ann: Customer, agent: By
) -> None:
    request = make.request(project, ann)
    comment = Comment.objects.create(request=request, person=agent.person, body="Ask Bo.", public=False)
    act.edit_comment(comment, body="Ask Bo.", public=True, by=agent)
    assert mails() == [("Public comment edited", "ann@northwind.example")]
    act.edit_comment(comment, body="Ask Bo.", public=False, by=agent)
    assert len(mails()) == 1
    assert not_sent() == {("public_comment_edited", "", "internal_comment")}


def test_every_action_is_in_the_audit_log(project: Project, ann: Customer, petra: Customer, agent: By) -> None:
    request = act.open_request(project, summary="Laptop", reporter=ann, by=agent)
    act.update_request(request, comment="Hello", status="resolved", participants=[petra], by=agent)
    entries = list(AuditEntry.objects.order_by("id").values_list("action", "target", "actor"))
    assert {entry[1:] for entry in entries} == {("IT-1", "Jonas Weber")}
    assert [entry[0] for entry in entries] == [
        "request.created",
        "comment.added",
        "request.status_changed",
        "request.participants_added",
    ]


def test_nobody_is_told_of_an_action_that_is_rolled_back(project: Project, ann: Customer, agent: By) -> None:
    request = make.request(project, ann)
    with pytest.raises(BadInput):
        act.update_request(request, comment="x" * (act.LONGEST_TEXT + 1), status="resolved", by=agent)
    assert Request.objects.get().status == "open"
    assert not mails()


def test_a_program_is_shown_to_customers_as_the_project(project: Project, ann: Customer) -> None:
    act.update_request(make.request(project, ann), status="waiting", by=By(program="token backup script"))
    content = Content.objects.get()
    assert "IT Help changed the status" in content.text
    assert "backup script" not in content.text
    assert Person.objects.count() == 0
