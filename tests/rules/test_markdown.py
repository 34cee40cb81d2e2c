"""Markdown to the mail's two bodies."""

from undelivered.rules import markdown
from undelivered.rules.fence import Output


def test_a_text_of_megabytes_is_shown_as_typed_because_markdown_would_take_minutes():
    line = "**Thank you** & goodbye.\n\n"
    made = markdown.bodies(Output(line * (markdown.PLAIN_ABOVE // len(line) + 1), []))
    assert "**Thank you** &amp; goodbye." in made.html
    assert "<strong>" not in made.html
    assert "**Thank you** & goodbye." in made.text
