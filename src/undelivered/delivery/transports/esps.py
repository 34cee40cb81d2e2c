"""The email service providers (ESPs) that django-anymail can talk to, and the settings that each one has.

Both are read from Anymail's own source, without importing it: an ESP that a later Anymail knows is known here, too.
What its source does not say stands in the small tables below. Importing is left to those who send (boto3 alone takes
20 MB).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

#: Modules among Anymail's backends that are no ESP, or an ESP's former name.
NO_ESP = frozenset({"__init__", "base", "base_requests", "console", "test", "sendinblue"})
#: Settings of Anymail that are decided here, or that are of no use to a service that sends one mail to one person.
DECIDED = frozenset({
    "auto_confirm_sns_subscriptions", "batch_send_mode", "client_params", "generate_message_id", "merge_field_format",
    "message_tag_name", "password", "session_params", "track_initial_open_as_opened", "username", "webhook_url",
    "workaround_display_name_bugs",
})  # fmt: skip
_SECRET = re.compile(r"(key|token|secret|password)$")
_ASKS = "get_anymail_setting"
Node = TypeVar("Node", bound=ast.AST)


@dataclass(frozen=True, slots=True)
class Setting:
    """`needed`: nothing can be sent without it. `events`: only its webhooks use it.

    `own`: a project must give its own; without it, the machine's would be used, which are the site's.
    """

    name: str
    needed: bool = False
    secret: bool = False
    events: bool = False
    own: bool = False


#: Where Anymail hands settings on to another library, whose names its source does not tell.
HANDED_ON: dict[str, tuple[Setting, ...]] = {
    "amazon_ses": (
        Setting("region_name", needed=True),
        Setting("endpoint_url"),
        Setting("aws_access_key_id", own=True),
        Setting("aws_secret_access_key", secret=True, own=True),
        Setting("aws_session_token", secret=True),
    ),
}
#: Settings that say whom the secrets are told.
DESTINATIONS = ("api_url", "endpoint_url")


@dataclass(frozen=True, slots=True)
class Esp:
    """`name`: as in `esp://name`. `label`: as the ESP writes it. `events`: whether Anymail reads its webhooks.

    `hears`: the settings that reading them takes.
    """

    name: str
    label: str
    settings: tuple[Setting, ...]
    events: bool
    hears: frozenset[str] = frozenset()

    @property
    def secrets(self) -> tuple[Setting, ...]:
        return tuple(setting for setting in self.settings if setting.secret)

    @property
    def options(self) -> tuple[Setting, ...]:
        return tuple(setting for setting in self.settings if not setting.secret)

    @property
    def main_secret(self) -> str | None:
        """The one secret that it cannot do without; None where it is more than one, or none."""
        needed = [setting.name for setting in self.secrets if setting.needed]
        return needed[0] if len(needed) == 1 else None

    def backend(self) -> type[Any]:
        found: type[Any] = import_module(f"anymail.backends.{self.name}").EmailBackend
        return found

    def webhook(self) -> type[Any]:
        """Anymail's view of its webhooks."""
        module = import_module(f"anymail.webhooks.{self.name}")
        found: type[Any] = next(one for name, one in vars(module).items() if name.endswith("TrackingWebhookView"))
        return found


@cache
def names() -> tuple[str, ...]:
    return tuple(sorted(file.stem for file in _folder("backends").glob("*.py") if file.stem not in NO_ESP))


def known() -> list[Esp]:
    return sorted((find(name) for name in names()), key=lambda one: one.label.lower())


@cache
def find(name: str) -> Esp:
    """Raises ValueError with the names that there are."""
    if name not in names():
        raise ValueError(f"No email service provider is called “{name}”; known are {', '.join(names())}")
    backend = _Source("backends", name)
    webhook = _Source("webhooks", name) if (_folder("webhooks") / f"{name}.py").exists() else None
    found = {setting.name: setting for setting in (*backend.settings(), *HANDED_ON.get(name, ()))}
    heard = [setting.name for setting in webhook.settings()] if webhook else []
    for heard_name in heard:
        found.setdefault(heard_name, Setting(heard_name, secret=True, events=True))
    return Esp(name, backend.label(), tuple(found.values()), webhook is not None, frozenset(heard))


class _Source:
    """A module of Anymail, as far as it deals with sending and with what comes of it, not with mail received."""

    def __init__(self, folder: str, name: str) -> None:
        tree = _parsed((_folder(folder) / f"{name}.py").read_text(encoding="utf-8"))
        self._parts = [part for part in tree.body if not (isinstance(part, ast.ClassDef) and "Inbound" in part.name)]

    def label(self) -> str:
        return self._constant("esp_name")

    def settings(self) -> Iterator[Setting]:
        for call in self._all(ast.Call):
            if isinstance(call.func, ast.Name) and call.func.id == _ASKS:
                name = self._name(call.args[0])
                if name and name not in DECIDED:
                    needed = not any(keyword.arg == "default" for keyword in call.keywords)
                    yield Setting(name, needed, bool(_SECRET.search(name)))

    def _name(self, argument: ast.expr) -> str:
        """What a setting is called: said outright, or by an attribute or a parameter that a class gives a value to."""
        if isinstance(argument, ast.Constant):
            return str(argument.value)
        return self._constant(argument.attr if isinstance(argument, ast.Attribute) else getattr(argument, "id", ""))

    def _constant(self, name: str) -> str:
        for given in self._all(ast.keyword):
            if given.arg == name and isinstance(given.value, ast.Constant):
                return str(given.value.value)
        for line in self._all(ast.Assign):
            targets = [target.id for target in line.targets if isinstance(target, ast.Name)]
            if name in targets and isinstance(line.value, ast.Constant):
                return str(line.value.value)
        return ""

    def _all(self, kind: type[Node]) -> Iterator[Node]:
        return (node for part in self._parts for node in ast.walk(part) if isinstance(node, kind))


def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SystemError:  # a finalizer ran in between, which CPython 3.11 takes for a mistake in its own counting
        return ast.parse(source)


def _folder(name: str) -> Path:
    spec = find_spec("anymail")
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / name
