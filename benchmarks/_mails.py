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
