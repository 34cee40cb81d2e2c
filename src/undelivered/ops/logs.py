"""How log lines look: key=value for people, one JSON object a line for machines. Everybody writes with `logging`.

`extra={...}` of a call becomes keys; a task that is about one notification says so in every line (`delivery.about`).
Lines carry ids: what looks like an address, or like a link's token, is taken out of every text, tracebacks included.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from undelivered.delivery.about import NOTIFICATION

#: A mail address, also one that is part of a URL; or the user and password of a URL: nobody's business in a log.
_ADDRESS = re.compile(
    r"(?:\"[^\"\n]*\"|[^\s<>\"'(),;:=@\[\]/?&][^\s<>\"(),;:=@\[\]/?&]*)(?:@|%40)[\w.\-\[\]]+|(?<=://)[^\s/@]+@"
)
_TOKEN = re.compile(r"(/portal/\w+/)[^\s/?\"']+")
#: Of what callers and Django add, these say nothing in a line: objects, and what the message says already.
NOISE = ("request", "server_time", "sql", "params", "alias", "color_message")
#: As Django and granian write them, whatever else happens.
LOGGERS = ("_granian", "granian.access", "django.server")


def scrubbed(text: str) -> str:
    """Without addresses and tokens."""
    if "@" in text or "%40" in text:
        text = _ADDRESS.sub("[address]", text)
    return _TOKEN.sub(r"\1[token]", text) if "/portal/" in text else text


def scrub(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """The last word before a line is written, whoever wrote it."""
    for key, value in event.items():
        if type(value) is str:
            event[key] = scrubbed(value)
        elif not isinstance(value, (int, float, bool, type(None))):
            event[key] = scrubbed(str(value))
    return event


def about(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """The notification that the task is about."""
    if notification := NOTIFICATION.get():
        event.setdefault("notification", notification)
    return event


def quiet(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    for key in NOISE:
        event.pop(key, None)
    if event.get("code", 0) is None:
        del event["code"]
    return event


def formatter(form: str, *, colors: bool = False) -> structlog.stdlib.ProcessorFormatter:
    """`form` is `text` or `json`."""
    last: list[Processor] = (
        [structlog.processors.format_exc_info, scrub, _ordered, structlog.processors.JSONRenderer()]
        if form == "json"
        else [structlog.processors.format_exc_info, scrub, _line(colors=colors)]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            about,
            quiet,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        use_get_message=True,
    )


def _ordered(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """What every line has comes first."""
    first = {key: event.pop(key) for key in ("time", "level", "logger", "event", "notification") if key in event}
    return {**first, **event}


_COLOURS = {
    "debug": "\x1b[2m",
    "info": "\x1b[32m",
    "warning": "\x1b[33m",
    "error": "\x1b[31m",
    "critical": "\x1b[31;1m",
}
_PLAIN = re.compile(r"[\w.:/+\-@\[\]%]+")


def _line(*, colors: bool) -> Callable[[WrappedLogger, str, EventDict], str]:
    """`time level event key=value ... (logger)`; a traceback follows on lines of its own."""
    dim, bold, off = ("\x1b[2m", "\x1b[1m", "\x1b[0m") if colors else ("", "", "")

    def render(logger: WrappedLogger, name: str, event: EventDict) -> str:
        level, trace = event.pop("level"), event.pop("exception", "")
        colour = _COLOURS.get(level, "") if colors else ""
        when, words, source = event.pop("time"), event.pop("event"), event.pop("logger")
        pairs = "".join(f" {dim}{key}={off}{_value(value)}" for key, value in event.items())
        text = f"{dim}{when}{off} {colour}{level:<7}{off} {bold}{words}{off}{pairs} {dim}({source}){off}"
        return f"{text}\n{trace}" if trace else text

    return render


def _value(value: Any) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else repr(text)


def config(form: str, level: str, stream: TextIO | None = None) -> dict[str, Any]:
    """For `logging.config.dictConfig`: all loggers write to stderr, in one form."""
    stream = stream or sys.stderr
    colors = form == "text" and stream.isatty()
    # Granian would set up handlers of its own: here its loggers pass everything on.
    passed_on = {name: {"handlers": [], "propagate": True} for name in LOGGERS}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter, "form": form, "colors": colors}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "axes": {"level": "ERROR"},
            "imapclient": {"level": "WARNING"},
            "mail.log": {"level": "WARNING"},
            **passed_on,
        },
    }


__all__ = ("config", "formatter", "scrubbed")
