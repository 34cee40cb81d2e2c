"""The mails that are sent: each its own recipient and words, so many bytes of text, as a help desk writes them."""

from __future__ import annotations

from typing import Any

_LINES = (
    "The printer on the second floor prints every page twice since this morning, the first time with a grey bar.\n",
    "Have you tried the other tray? We have had that once with the labels, and the bar was gone with plain paper.\n",
    "Thank you for telling us. Somebody will have a look at it before noon, and we will write to you again then.\n",
)


def text(number: int, size: int) -> str:
    """About `size` characters, no two alike."""
    opening = f"Hello, this is about your request number {number}, which was answered.\n\n"
    lines = []
    length = len(opening)
    at = number
    while length < size:
        line = f"{at % 97}: {_LINES[at % len(_LINES)]}"
        lines.append(line)
        length += len(line)
        at += 1
    return (opening + "".join(lines))[:size]


def recipient(number: int) -> str:
    return f"customer{number}@company{number % 500}.example"


def mails(n: int, size: int) -> list[dict[str, Any]]:
    """As the API's batch call takes them."""
    return [
        {
            "kind": "request",
            "name": "Public comment added",
            "recipient": recipient(number),
            "subject": f"[IT-{number}] The printer on the second floor",
            "text": text(number, size),
            "issue_key": f"IT-{number}",
        }
        for number in range(1, n + 1)
    ]


# A comment's mail as service desks write it, in the form of Django's templates; ours is a rule's template of the same
# words and layout (`rendered`).
SUBJECT_TEMPLATE = "[{{ request.key }}] {{ request.summary }}"
TEXT_TEMPLATE = """{{ desk }}
{{ request.key }} · {{ request.summary }}

{{ comment.author }} commented:

> {{ comment.text }}

Hello {{ name }}, open the request: {{ url }}

--
You get this mail because you take part in the request {{ request.key }} of {{ desk }}.
Turn off this request's notifications:
{{ off }}
"""
HTML_TEMPLATE = ""


def variables(number: int) -> dict[str, Any]:
    return {
        "desk": "IT help",
        "request": {"key": f"IT-{number}", "summary": "The printer on the second floor"},
        "comment": {"author": "Ann Lee", "text": text(number, 900)},
        "name": f"Customer {number}",
        "url": f"http://127.0.0.1:8025/r/{number}",
        "off": f"http://127.0.0.1:8025/off/{number}",
    }
