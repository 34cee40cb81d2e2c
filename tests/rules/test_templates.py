"""The fence around Liquid: what templates may do, what stops them, and that values stay values."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undelivered.rules import fence, templates
from undelivered.rules.templates import TemplateError, check_names, run


def shown(source: str, **values: str) -> str:
    output = run(source, {name.replace("__", "."): value for name, value in values.items()})
    return output.written(output.text)


def refused(source: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        run(source, {"request.summary": "a" * 1000})
    return caught.value


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{{ request.summary }}", "Laptop"),
        ("{{ request.summary | truncate: 5 }}", "La..."),
        ("{{ request.summary | upcase | append: '!' }}", "LAPTOP!"),
        ("{{ request.summary | replace: 'top', 'dog' }}", "Lapdog"),
        ("{{ request.resolution | default: 'none' }}", "none"),
        ("{% if request.summary == 'Laptop' %}yes{% else %}no{% endif %}", "yes"),
        ("{% unless request.resolution %}open{% endunless %}", "open"),
        ("{% if request.resolution == blank %}open{% endif %}", "open"),
        ("{% if request.resolution == empty %}open{% endif %}", "open"),
        ("{% if request.resolution contains 'x' %}x{% endif %}", ""),
        ("{% case request.summary %}{% when 'Laptop' %}L{% else %}-{% endcase %}", "L"),
        ("{% for n in (1..3) %}{{ n }}{% if n == 2 %}{% break %}{% endif %}{% endfor %}", "12"),
        ("{% assign word = request.summary | downcase %}{{ word }}", "laptop"),
        ("a{% comment %}hidden{% endcomment %}b", "ab"),
        ("{{ nothing.at.all }}", ""),
        ("{% raw %}{{ request.summary }}{% endraw %}", "{{ request.summary }}"),
    ],
)
def test_what_a_template_can_do(source: str, says: str) -> None:
    assert shown(source, request__summary="Laptop") == says


@pytest.mark.parametrize(
    ("source", "line", "says"),
    [
        ("one\ntwo {{ request.key", 2, "Expected '}}'"),
        ("{% if request.key %}", None, "“if” is not closed by “{% endif %}”."),
        ("\n\n{% endfor %}", 3, "Unexpected tag 'endfor'."),
        ("{{ request.key | shout }}", 1, "Unknown filter 'shout'. There are: append,"),
        ("{% include 'secrets' %}", 1, "Unexpected tag 'include'."),
        ("{% render 'secrets' %}", 1, "Unexpected tag 'render'."),
        ("{% capture x %}{% endcapture %}", 1, "Unexpected tag 'capture'."),
        ("{{ recipient.name | upcase }}", 1, "A filter cannot change what differs between recipients"),
        ("{{ request.url | truncate: 4 }}", 1, "A filter cannot change what differs between recipients"),
        ("{{ request.key | truncate: 'x' }}", 1, "expected an integer"),
    ],
)
def test_an_error_is_in_plain_words_and_names_the_line(source: str, line: int | None, says: str) -> None:
    error = refused(source)
    assert says in error.message or says in error.message[:1].lower() + error.message[1:]
    assert error.line == line
    assert error.fields == {"body": str(error)}


@pytest.mark.parametrize(
    "source",
    [
        "{% for n in (1..100001) %}x{% endfor %}",
        "{% for n in (1..400) %}{% for m in (1..400) %}x{% endfor %}{% endfor %}",
        "{% for n in (1..99999999999) %}x{% endfor %}",
        "{% assign x = 'xxxxxxxxxxxxxxxx' %}{% for n in (1..99) %}{% assign x = x | append: x %}{% endfor %}",
        "{% assign x = request.summary | replace: 'a', request.summary %}{{ x | replace: 'a', x }}",
        "{% if 1 == 1 %}" * 40 + "{% endif %}" * 40,
    ],
)
def test_a_template_that_grows_without_bounds_is_stopped(source: str) -> None:
    assert refused(source).message


def test_output_beyond_the_limit_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence.Fenced, "output_stream_limit", 1000)
    assert "grows beyond" in refused("{% for n in (1..1000) %}xx{% endfor %}").message


def test_a_template_that_takes_too_long_is_stopped_even_if_it_puts_out_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence, "LONGEST_TIME", -1.0)
    assert "takes longer than" in refused("{% for n in (1..9) %}{% if 1 == 2 %}{% endif %}{% endfor %}").message


def test_a_source_beyond_the_limit_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "LONGEST_SOURCE", 10)
    assert "is longer than" in refused("x" * 11).message


def test_more_than_the_size_limit_of_a_mail_can_be_put_out() -> None:
    assert len(run("{% for n in (1..70000) %}" + "x" * 100 + "{% endfor %}", {}).text) == 7_000_000


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (
            "Hello\n{{ request.sumary }}",
            "Line 2: There is no variable “request.sumary”. Did you mean “request.summary”?",
        ),
        ("{{ summary }}", "Line 1: There is no variable “summary”. Did you mean “request.summary”?"),
        ("{{ comment.text }}", "Line 1: There is no variable “comment.text”. There are: comment.body, comment.author."),
        ("{% if customer.vip %}{% endif %}", "Line 1: There is no variable “customer.vip”."),
        ("{{ invitation.url }}", "Line 1: “invitation.url” has no value in this notification."),
    ],
)
def test_a_name_that_does_not_exist_is_found_before_it_is_kept(source: str, says: str) -> None:
    with pytest.raises(TemplateError) as caught:
        check_names(source, event="public_comment_added")
    assert str(caught.value) == says


def test_names_that_the_template_itself_makes_are_no_error() -> None:
    check_names("{% assign a = 1 %}{{ a }}{% for b in (1..2) %}{{ b }}{{ forloop.index }}{% endfor %}", event=None)


@given(st.text())
def test_every_value_comes_out_as_itself_but_for_characters_that_nobody_types(value: str) -> None:
    output = run("<{{ request.summary }}>", {"request.summary": value})
    assert not any(c in output.text for c in value if c not in "<>\ue002\ue003" and not c.isdecimal())
    back = output.written(output.text)
    assert back[1:-1] == templates.typed.text(value)


@given(st.text(alphabet="{}%|.[]()'\"\ue000\ue001\ue002\ue003ab \n-"))
def test_any_source_renders_or_is_refused_with_a_template_error(source: str) -> None:
    with contextlib.suppress(TemplateError):
        run(source, {"request.summary": "x"})
    with contextlib.suppress(TemplateError):
        check_names(source)


@given(st.text(alphabet="\ue000\ue001\ue002\ue0030recipient.nameabc"))
def test_nobody_can_write_a_mark_or_a_token(value: str) -> None:
    output = run("{{ request.summary }}|{{ request.summary | append: comment.body }}", {"request.summary": value})
    assert not any(c in output.written(output.text) for c in "\ue000\ue001\ue002\ue003")
