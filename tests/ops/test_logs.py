"""Log lines: one form for people, one for machines, ids in both, and nobody's address in either."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Callable, Iterator

import pytest

from undelivered.delivery.about import NOTIFICATION
from undelivered.ops import logs

ID = "01a205ec-75c1-7000-901d-895d6d22565f"
Write = Callable[[str], tuple[logging.Logger, Callable[[], str]]]


@pytest.fixture
def write() -> Iterator[Write]:
    """`write(form)`: a logger of that form, and what it has written."""
    logger = logging.getLogger("undelivered.delivery.hands")
    before = (logger.handlers, logger.propagate, logger.level)

    def make(form: str) -> tuple[logging.Logger, Callable[[], str]]:
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logs.formatter(form))
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel("DEBUG")
        return logger, stream.getvalue

    yield make
    logger.handlers, logger.propagate = before[:2]
    logger.setLevel(before[2])


def test_people_read_words_then_keys_and_values(write):
    logger, written = write("text")
    logger.info("attempt", extra={"outcome": "accepted", "code": 250, "words": "two words"})
    line = written()
    assert " info    attempt outcome=accepted code=250 words='two words'" in line
    assert line.endswith("(undelivered.delivery.hands)\n")


def test_machines_read_one_object_a_line(write):
    logger, written = write("json")
    logger.warning("%d outcomes wait", 3, extra={"project": 7})
    logger.info("second")
    first, second = map(json.loads, written().splitlines())
    assert first["event"] == "3 outcomes wait"
    assert (first["level"], first["logger"], first["project"]) == ("warning", "undelivered.delivery.hands", 7)
    assert first["time"].endswith("Z")
    assert second["event"] == "second"


@pytest.mark.parametrize("form", ["text", "json"])
def test_lines_of_a_task_about_a_notification_name_it(write, form):
    logger, written = write(form)
    reset = NOTIFICATION.set(ID)
    try:
        logger.info("attempt")
    finally:
        NOTIFICATION.reset(reset)
    logger.info("later")
    first, second = written().splitlines()
    assert ID in first
    assert "notification" not in second


def test_a_traceback_is_part_of_the_object(write):
    logger, written = write("json")
    try:
        raise ValueError("550 <ann@northwind.example> is unknown")
    except ValueError:
        logger.exception("broke")
    [line] = written().splitlines()
    found = json.loads(line)["exception"]
    assert "ValueError: 550 <[address]> is unknown" in found
    assert "Traceback" in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("to ann@northwind.example now", "to [address] now"),
        ("<ann.o'neil+x@mail.example>:", None),
        ('"ann smith"@northwind.example', "[address]"),
        ("jörg@münchen.example", "[address]"),
        ("ann@[192.168.0.1]", "[address]"),
        ("/p/IT/log/requests?recipient=ann%40northwind.example", "/p/IT/log/requests?recipient=[address]"),
        ("postgresql://desk:secret@db/desk", None),
        ("Not Found: /portal/off/eyJhbGciOi.J9", "Not Found: /portal/off/[token]"),
        ("nothing to hide: 5.1.1", "nothing to hide: 5.1.1"),
    ],
)
def test_addresses_passwords_and_tokens_are_taken_out(text, expected):
    found = logs.scrubbed(text)
    if expected is not None:
        assert found == expected
    assert not any(secret in found for secret in ("ann", "neil", "jörg", "münchen", "secret@", "eyJ"))


def test_what_callers_add_is_scrubbed_too_whatever_it_is(write):
    logger, written = write("json")
    logger.error("refused", extra={"reply": ["550 ann@northwind.example"], "request": object()})
    found = json.loads(written())
    assert found["reply"] == "['550 [address]']"
    assert "request" not in found


def test_every_logger_ends_in_the_same_form():
    made = logs.config("json", "WARNING", io.StringIO())
    assert made["root"] == {"handlers": ["stderr"], "level": "WARNING"}
    for name in ("_granian", "django.server"):
        assert made["loggers"][name] == {"handlers": [], "propagate": True}
    logging.config.DictConfigurator(made)  # type: ignore[no-untyped-call] # it can be read
