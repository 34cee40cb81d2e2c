"""The forms of a provider: everything that its URL can say, and the secrets that are stored apart from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from django import forms
from django.conf import settings

from undelivered.delivery.models import Provider
from undelivered.delivery.transports.esp_url import EXTRA, USUAL_CONNECTIONS, is_esp, parse_esp_url
from undelivered.delivery.transports.esps import Esp, Setting
from undelivered.delivery.transports.oauth_url import Grant
from undelivered.delivery.transports.provider_url import SCHEMES, parse_provider_url
from undelivered.web.pages.fields import DeskForm, Line, Text
from undelivered.web.pages.settings.provider_kinds import Kind

SECURITY = (
    ("smtp", "STARTTLS where the server offers it"),
    ("smtp+starttls", "STARTTLS, or no mail"),
    ("smtps", "TLS from the start"),
    ("smtp+plain", "None: inside a closed network only"),
)
LOGINS = (
    ("", "A password"),
    (Grant.CLIENT.value, "A token for the program itself (Microsoft 365)"),
    (Grant.REFRESH.value, "A token by a person's consent (Google, Outlook.com)"),
)
#: How words of Anymail's settings are written; other words are as they are.
SPELLED = {"api": "API", "url": "URL", "aws": "AWS", "id": "ID"}


class Secret(forms.CharField):
    """Something that is entered and never shown again."""

    def __init__(self, *, label: str, required: bool = False) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"})
        super().__init__(label=label, max_length=8000, required=required, strip=False, widget=widget)


class ProviderForm(DeskForm):
    """What every kind has."""

    name = Line(label="Name", max_length=200, required=False)
    rate = forms.DecimalField(label="Mails a second", min_value=0, max_digits=9, decimal_places=3, required=False)
    connections = forms.IntegerField(label="Connections of a worker", min_value=1, max_value=1000, required=False)
    domain_connections = forms.IntegerField(label="To one domain at once", min_value=1, max_value=1000, required=False)
    timeout = forms.IntegerField(label="Time-out in seconds", min_value=1, max_value=3600, required=False)

    def clean_rate(self) -> str:
        rate = self.cleaned_data["rate"]
        if rate is not None and not 0.001 <= rate <= 100_000:
            raise forms.ValidationError("Use a number from 0.001 to 100000.")
        return "" if rate is None else f"{rate.normalize():f}"

    def paces(self) -> dict[str, Any]:
        """The options that every kind has, as far as they are filled in."""
        names = ("rate", "connections", "domain_connections", "timeout")
        return {name: self.cleaned_data[name] for name in names if self.cleaned_data.get(name)}


class SmtpForm(ProviderForm):
    host = Line(label="Host", max_length=253)
    port = forms.IntegerField(label="Port", min_value=1, max_value=65535, required=False)
    security = forms.ChoiceField(label="Security", choices=SECURITY)
    unverified = forms.BooleanField(label="Do not check the server's certificate", required=False)
    username = Line(label="User name", max_length=320, required=False)
    password = Secret(label="Password")
    login = forms.ChoiceField(label="Log in with", choices=LOGINS, required=False)
    token_url = Line(label="Token URL", max_length=1000, required=False)
    client_id = Line(label="Client ID", max_length=400, required=False)
    scope = Line(label="Scope", max_length=1000, required=False)
    helo = Line(label="Our name in EHLO", max_length=253, required=False)

    def clean_host(self) -> str:
        host = str(self.cleaned_data["host"])
        if any(sign in host for sign in "/@?#% ") or (":" in host and not host.startswith("[")):
            raise forms.ValidationError("Give the host's name alone, such as smtp.example.com.")
        return host

    def clean(self) -> None:
        data = self.cleaned_data
        if data.get("password") and not data.get("username"):
            self.add_error("username", "A password needs a user name.")
        if data.get("login"):
            for name in ("username", "token_url", "client_id"):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, "XOAUTH2 needs it.")
        if "TENANT-ID" in data.get("token_url", ""):
            self.add_error("token_url", "Put your tenant's ID in the place of TENANT-ID.")

    def url(self) -> str:
        data = self.cleaned_data
        user = quote(data["username"], safe="") + "@" if data["username"] else ""
        port = data["port"] or SCHEMES[data["security"]][1]
        options = self.paces() | ({"helo": data["helo"]} if data["helo"] else {})
        if data["unverified"]:
            options["verify"] = "no"
        if data["login"]:
            options |= {"auth": "xoauth2", "grant": data["login"], "client_id": data["client_id"]}
            options |= {name: data[name] for name in ("token_url", "scope") if data[name]}
        query = f"?{urlencode(options, safe='/:')}" if options else ""
        return f"{data['security']}://{user}{data['host']}:{port}{query}"

    def password_given(self) -> str:
        return str(self.cleaned_data["password"])


class EspForm(ProviderForm):
    """Made of the settings that Anymail has for the service."""

    extra = Text(label="More for every request", rows=3, max_length=4000)

    def __init__(self, esp: Esp, *args: Any, stored: bool, by_project: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.esp = esp
        self.fields["extra"].required = False
        for one in esp.settings:
            needed = one.needed or (by_project and one.own)
            self.fields[f"set_{one.name}"] = _field(one, needed and not (one.secret and stored))

    @property
    def first(self) -> list[forms.BoundField]:
        """What the service cannot do without."""
        return [self[f"set_{one.name}"] for one in self.esp.settings if one.needed or one.secret]

    @property
    def others(self) -> list[forms.BoundField]:
        return [self[f"set_{one.name}"] for one in self.esp.settings if not (one.needed or one.secret)]

    def clean_extra(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in str(self.cleaned_data["extra"]).splitlines():
            name, equals, value = line.partition("=")
            if line.strip() and not (equals and name.strip()):
                raise forms.ValidationError("Write a name, = and a value in each line, such as MessageStream=outbound.")
            found |= {name.strip(): value.strip()} if line.strip() else {}
        return found

    def url(self) -> str:
        data = self.cleaned_data
        options = {one.name: data[f"set_{one.name}"] for one in self.esp.options if data[f"set_{one.name}"]}
        extra = {EXTRA + name: value for name, value in data["extra"].items()}
        query = urlencode({**options, **extra, **self.paces()}, safe="/:@")
        return f"esp://{self.esp.name}" + (f"?{query}" if query else "")

    def password_given(self) -> str:
        given = {one.name: self.cleaned_data[f"set_{one.name}"] for one in self.esp.secrets}
        return json.dumps(given) if any(given.values()) else ""


def form_for(
    kind: Kind, stored: Provider | None, data: Mapping[str, Any] | None, *, by_project: bool
) -> SmtpForm | EspForm:
    """The form of a kind, filled with what is stored if that is of the same kind."""
    same = stored is not None and is_esp(stored.url) == (kind.esp is not None)
    initial = _initial(stored, kind) if stored and same else dict(kind.initial)
    if kind.esp is None:
        form = SmtpForm(data, initial=initial)
        for name in ("username", "password", "login", "client_id", "token_url") if kind.initial.get("login") else ():
            form.fields[name].required = True
        return form
    kept = bool(stored and same and parse_esp_url(stored.url).esp == kind.esp and stored.secret)
    return EspForm(kind.esp, data, initial=initial, stored=kept, by_project=by_project)


def _initial(stored: Provider, kind: Kind) -> dict[str, Any]:
    options = dict(parse_qsl(urlsplit(stored.url).query))
    found: dict[str, Any] = {"name": stored.name, **options}
    if kind.esp is not None:
        if parse_esp_url(stored.url).esp != kind.esp:
            return {}
        extra = [f"{name.removeprefix(EXTRA)}={options[name]}" for name in options if name.startswith(EXTRA)]
        return found | {f"set_{name}": value for name, value in options.items()} | {"extra": "\n".join(extra)}
    if kind.initial.get("host"):  # Microsoft's and Google's forms begin anew
        return dict(kind.initial)
    parsed = parse_provider_url(stored.url)
    scheme = next(name for name, (security, _) in SCHEMES.items() if security is parsed.security)
    host = f"[{parsed.host}]" if ":" in parsed.host else parsed.host
    found |= {"host": host, "port": parsed.port, "security": scheme, "username": parsed.username}
    return found | {"unverified": not parsed.verify, "login": parsed.oauth.grant.value if parsed.oauth else ""}


def _field(one: Setting, required: bool) -> forms.CharField:
    label = spelled(one.name)
    if one.secret:
        return Secret(
            label=f"{label}, for its webhooks" if one.events and "webhook" not in one.name else label, required=required
        )
    return Line(label=label, max_length=1000, required=required)


def spelled(name: str) -> str:
    """`api_key` as people write it."""
    words = [SPELLED.get(word, word) for word in name.split("_")]
    return " ".join([words[0] if words[0].isupper() else words[0].capitalize(), *words[1:]])


def usual(by_api: bool) -> dict[str, str]:
    """What holds where a field is empty, as its placeholder."""
    env = settings.ENV
    connections = USUAL_CONNECTIONS if by_api else env.worker_connections
    rate = "No limit" if env.provider_rate is None else f"{env.provider_rate:g}"
    many = "No limit" if env.domain_connections is None else str(env.domain_connections)
    return {"rate": rate, "connections": str(connections), "domain_connections": many, "timeout": "60"}
