"""What a mail says: Markdown to HTML and text, and that no value can become anything but text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undelivered.rules.events import EVENTS
from undelivered.rules.render import TemplateError, check, render, render_body
from undelivered.rules.variables import samples

HOSTILE = (
    "<script>alert(1)</script> **bold** [x](javascript:alert(1)) {{ project.key }} \" onload='x' &amp; `c`\n# h\n> q"
)


def body(source: str, **values: str) -> str:
    return render_body(source, {name.replace("__", "."): value for name, value in values.items()}).html


def text(source: str, **values: str) -> str:
    return render_body(source, {name.replace("__", "."): value for name, value in values.items()}).text


class Elements(HTMLParser):
    """Every element with its attributes, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.data = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.data += data


def test_markdown_becomes_elements_with_their_look_on_them() -> None:
    page = body("# Hello\n\nA **bold** word, a [link](https://x.example/a?b=1&c=2).\n\n- one\n- two")
    assert '<h1 style="' in page
    assert "<strong>bold</strong>" in page
    assert 'href="https://x.example/a?b=1&amp;c=2"' in page
    assert page.count("<li style=") == 2


def test_html_in_a_template_shows_as_it_is_typed() -> None:
    assert "&lt;b&gt;Hello&lt;/b&gt;" in body("<b>Hello</b>")


def test_a_line_end_in_a_template_stays_one() -> None:
    assert "Best regards,<br>\nIT Help" in body("Best regards,\nIT Help")


@pytest.mark.parametrize(
    "source",
    [
        "{{ comment.body }}",
        "> {{ comment.body }}",
        "**{{ comment.body }}**",
        "# {{ comment.body }}",
        "- {{ comment.body }}",
        "`{{ comment.body }}`",
        "```{{ comment.body }}\n{{ comment.body }}\n```",
        "[{{ comment.body }}](https://x.example)",
        "[x](https://x.example/{{ comment.body }})",
        "[x]({{ comment.body }})",
        '[x](https://x.example "{{ comment.body }}")',
        "![{{ comment.body }}](https://x.example/a.png)",
        "<{{ comment.body }}>",
        "{{ comment.body | append: comment.body | prepend: '<i>' }}",
        "{% assign x = comment.body %}{{ x }}",
        "&lt;{{ comment.body }}",
        "\\{{ comment.body }}",
        "[a]: {{ comment.body }}\n\n[a]",
    ],
)
def test_a_value_is_text_wherever_it_stands(source: str) -> None:
    plain, hostile = Elements(body(source, comment__body="harmless")), Elements(body(source, comment__body=HOSTILE))
    kinds = [tag for tag, _ in hostile.found if tag not in ("br", "p")]
    assert kinds == [tag for tag, _ in plain.found if tag not in ("br", "p")]
    for _, attributes in hostile.found:
        assert not any(name.startswith("on") for name in attributes)
        assert not (attributes.get("href") or "").lower().startswith("javascript")


@given(st.text())
def test_no_value_adds_an_element_or_an_attribute(value: str) -> None:
    page = Elements(
        body("# {{ request.summary }}\n\n> {{ comment.body }}", request__summary=value, comment__body=value)
    )
    assert {tag for tag, _ in page.found} <= {"h1", "blockquote", "p", "br"}
    assert all(set(attributes) <= {"style"} for _, attributes in page.found)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Z"]), min_size=1))
def test_a_value_reads_in_html_and_in_text_as_it_was_written(value: str) -> None:
    expected = " ".join(value.split())
    assert " ".join(Elements(body("x {{ comment.body }} y", comment__body=value)).data.split()) == " ".join(
        f"x {expected} y".split()
    )
    assert " ".join(text("x {{ comment.body }} y", comment__body=value).split()) == " ".join(f"x {expected} y".split())


def test_a_comment_keeps_its_paragraphs_its_lines_and_its_indentation() -> None:
    page = body("> {{ comment.body }}", comment__body="One\nTwo\n\n  Three & four")
    assert re.sub(r' style="[^"]*"', "", page) == (
        "<blockquote>\n<p>One<br>\nTwo</p>\n<p>\u00a0\u00a0Three &amp; four</p>\n</blockquote>\n"
    )
    assert (
        text("> {{ comment.body }}", comment__body="One\nTwo\n\n  Three & four") == "> One\n> Two\n>\n>   Three & four"
    )


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        ("https://x.example/?q={{ request.summary }}", "https://x.example/?q=a%20b%26c"),
        ("{{ request.url }}", "\ue000request.url\ue001"),
        ("{{ recipient.name }}", "#"),
        ("javascript:alert(1)", "#"),
        ("data:text/html,hello", "#"),
        ("/relative", "#"),
        ("mailto:help@desk.example", "mailto:help@desk.example"),
    ],
)
def test_where_a_link_may_lead(address: str, leads_to: str) -> None:
    page = Elements(body(f"Go [there]({address}) now", request__summary="a b&c"))
    assert [attributes["href"] for tag, attributes in page.found if tag == "a"] == [leads_to]


def test_a_value_that_is_a_whole_address_leads_to_the_web_only() -> None:
    assert 'href="https://x.example/1"' in body(
        "Go [there]({{ comment.body }}) now", comment__body="https://x.example/1"
    )
    assert 'href="#"' in body("Go [there]({{ comment.body }}) now", comment__body="JavaScript:alert(1)")


def test_a_link_alone_in_its_paragraph_is_a_button() -> None:
    page = body("Hello\n\n[View **request**]({{ request.url }})")
    assert 'class="button"' in page
    assert "View <strong>request</strong></a>" in page
    assert text("[View request]({{ request.url }})") == "View request:\n\ue000request.url\ue001"


def test_the_button_of_a_body_that_is_not_the_last_is_left_out() -> None:
    source = "Hello\n\n[View request]({{ request.url }})\n\n[Docs](https://x.example)"
    bodies = render_body(source, {}, last=False)
    assert "View request" not in bodies.html + bodies.text
    assert "Docs" in bodies.html


def test_the_text_part_reads_like_a_letter() -> None:
    source = "# Hello {{ recipient.name }}\n\n1. one\n2. two\n   - a\n   - b\n\n---\n\n    code\n\nSee [docs](https://x.example)."
    assert text(source) == (
        "Hello \ue000recipient.name\ue001\n\n1. one\n2. two\n   - a\n   - b\n\n"
        + "-" * 40
        + "\n\ncode\n\nSee docs (https://x.example)."
    )


def subject(source: str, **values: str) -> str:
    return render(source, "x", {name.replace("__", "."): value for name, value in values.items()}).subject


@given(st.text())
def test_a_subject_is_one_line_of_bounded_length(value: str) -> None:
    made = subject("[{{ request.key }}] {{ request.summary }} {{ recipient.name }}", request__summary=value)
    assert len(made) <= 300
    assert len(made.splitlines()) == 1
    assert made.count("\ue000") == made.count("\ue001")


def test_a_subject_cannot_add_a_header() -> None:
    assert (
        subject("{{ request.summary }}", request__summary="Hi\r\nBcc: eve@evil.example") == "Hi Bcc: eve@evil.example"
    )
    assert "\n" not in subject("a\nb")


def test_a_subject_that_would_be_empty_says_so() -> None:
    assert subject("{{ request.summary }}") == "(no subject)"


def test_a_long_subject_is_cut_before_a_mark_and_not_within() -> None:
    made = subject("{{ request.summary }}{{ recipient.name }}", request__summary="x" * 290)
    assert made == "x" * 290 + "…"


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.slug)
def test_every_default_template_holds_its_own_checks(event: object) -> None:
    assert isinstance(event, type(EVENTS["request_created"]))
    check(event.default_subject, event.default_body, event=event.slug, samples=samples(event.slug))
    made = render(event.default_subject, event.default_body, samples(event.slug))
    assert made.html.count("<h1") == 1
    assert made.html.count('class="button"') == 1
    assert "{{" not in made.html + made.text + made.subject
    assert "  " not in made.text
    assert "\n\n\n" not in made.text


def test_an_empty_text_is_not_kept() -> None:
    with pytest.raises(TemplateError) as caught:
        check("Hello", " \n", event="request_created", samples={})
    assert caught.value.field == "body"
