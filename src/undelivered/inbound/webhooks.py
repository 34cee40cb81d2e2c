"""The door for the events of email services (ESPs): POST /hooks/<provider>/<secret>/.

| answer | when                                                                              | the service    |
|--------|-----------------------------------------------------------------------------------|----------------|
| 200    | stored: each event is an arrival; all of them are committed before the answer     | is done        |
| 400    | the body is not what this service sends                                           | shows an error |
| 403    | the secret in the address, or the service's own signature, is wrong; or it is old | shows an error |
| 405    | another method                                                                    | shows an error |
| 413    | the body is too large                                                             | shows an error |
| 503    | the database is away, or our own secret key has changed                           | comes again    |

No session, no cookies, no CSRF token: the secret and the signature are the proof. Which event is about which
notification is seen later (`provider_events`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from copy import copy
from typing import Any

from django.core.exceptions import ImproperlyConfigured, RequestDataTooBig
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from pydantic_core import to_json

from undelivered.delivery import hooks, providers, secrets
from undelivered.delivery.hook_views import view_of
from undelivered.delivery.models import Provider
from undelivered.delivery.transports.esp_url import EspSettings
from undelivered.inbound import arrivals, sns
from undelivered.inbound.arrivals import NewArrival
from undelivered.inbound.models import Door

_log = logging.getLogger(__name__)
MOST_BYTES = 5 * 1024 * 1024
#: A service signs when it sent an event, and repeats what was not taken for a day at most. What is older is a replay.
OLDEST_S = 25 * 3600
AHEAD_S = 15 * 60
#: What is kept of an event, beside the event itself.
TOLD = ("description", "message_id", "metadata", "mta_response", "recipient", "reject_reason", "tags")


class _Refused(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


@csrf_exempt
def hook(request: HttpRequest, provider_id: int, secret: str) -> HttpResponse:
    request.path = f"/hooks/{provider_id}/"  # what Django logs of a refused request must not show the secret
    try:
        return _answer(request, provider_id, secret)
    except _Refused as refusal:
        _log.warning("a webhook of provider %s was refused: %s", provider_id, refusal.why)
        return HttpResponse(refusal.why, status=refusal.status, content_type="text/plain")
    except secrets.Unreadable:
        _log.error("the webhook of provider %s: its secrets are under another secret key; enter them anew", provider_id)
        return _come_again()
    except (OperationalError, InterfaceError):
        _log.warning("events of provider %s have to come again: the database is away", provider_id)
        connection.close()
        return _come_again()


def _answer(request: HttpRequest, provider_id: int, secret: str) -> HttpResponse:
    provider = Provider.objects.filter(pk=provider_id).first()
    if provider is None or not hooks.opens(provider, secret) or (address := hooks.url(provider)) is None:
        raise _Refused(403, "There is no such webhook.")
    if request.method in ("GET", "HEAD", "OPTIONS"):  # some services look whether anybody is there
        return HttpResponse()
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST, GET, HEAD, OPTIONS"})
    settings = providers.settings_of(provider, connections=1)
    assert isinstance(settings, EspSettings)
    _read_body(request)
    view = _checked(request, settings, address)
    if settings.esp.name == "amazon_ses" and not sns.is_event(request.body):
        return _subscription(request)
    _store(provider, settings.esp.name, _events(view, request, settings.esp.label))
    return HttpResponse()


def _subscription(request: HttpRequest) -> HttpResponse:
    try:
        if not sns.confirm(request.body):
            raise _Refused(400, "This is no subscription of Amazon SNS.")
    except OSError as error:
        _log.warning("the subscription could not be confirmed (%s); Amazon SNS asks again", error)
        return _come_again()
    return HttpResponse()


def _come_again() -> HttpResponse:
    return HttpResponse("Try again later.", status=503, content_type="text/plain", headers={"Retry-After": "60"})


def _read_body(request: HttpRequest) -> None:
    try:
        length = int(request.headers.get("Content-Length") or 0)
        if length <= MOST_BYTES and len(request.body) <= MOST_BYTES:
            return
    except (RequestDataTooBig, ValueError):
        pass
    raise _Refused(413, f"An event may have {MOST_BYTES // 1024 // 1024} MB at most.")


# --- checks -----------------------------------------------------------------------------------------------------------


def _checked(request: HttpRequest, settings: EspSettings, address: str) -> Any:
    """Anymail's view, if it finds the request to be the service's."""
    from anymail.exceptions import AnymailWebhookValidationFailure  # takes its memory only where it is used

    label, view = settings.esp.label, _view(settings, address)
    try:
        view.run_validators(request)
        when = _signed_at(request, settings)
    except ImproperlyConfigured:
        raise _lacking(settings) from None
    except AnymailWebhookValidationFailure:  # its words may show the address
        raise _Refused(403, f"The signature is not the one that {label} makes with this provider's secret.") from None
    except Exception as error:  # Anymail trusts its input: what is no JSON, or no object, breaks it in many ways
        raise _Refused(400, f"This is no event of {label} ({type(error).__name__}).") from None
    if when is not None and not -AHEAD_S <= timezone.now().timestamp() - when <= OLDEST_S:
        raise _Refused(403, "The signature is too old.")
    return view


def _view(settings: EspSettings, address: str) -> Any:
    try:
        return view_of(settings, address)
    except ImproperlyConfigured:
        raise _lacking(settings) from None
    except Exception:  # whatever a library makes of a key that is none
        raise _Refused(403, f"What {settings.esp.label} signs its events with cannot be used.") from None


def _lacking(settings: EspSettings) -> _Refused:
    names = " or ".join(one.name for one in settings.esp.secrets if one.events)
    return _Refused(403, f"The provider's settings lack what {settings.esp.label} signs its events with ({names}).")


def _signed_at(request: HttpRequest, settings: EspSettings) -> float | None:
    """When it was signed, where the signature covers that and nobody else has looked at it."""
    if settings.esp.name == "mailgun":
        form = request.POST or json.loads(request.body)["signature"]
        return float(form["timestamp"])
    if "tracking_webhook_verification_key" in settings.secrets:
        return float(request.headers["X-Twilio-Email-Event-Webhook-Timestamp"])
    return None


# --- events -----------------------------------------------------------------------------------------------------------


def _events(view: Any, request: HttpRequest, label: str) -> list[bytes]:
    """Each event of a request, in the form in which it is kept."""
    try:
        return [_kept(event) for event in view.parse_events(request)]
    except Exception as error:
        parts = list(_one_by_one(request))
        if len(parts) < 2:
            raise _Refused(400, f"This is no event of {label} ({type(error).__name__}).") from None
    found: list[bytes] = []
    for part, raw in parts:  # one event of a form that is not known must not cost the others
        try:
            found += [_kept(event) for event in view.parse_events(part)]
        except Exception as error:
            _log.warning("an event of %s cannot be read (%s)", label, type(error).__name__)
            found.append(to_json({"type": "", "raw": raw}, fallback=str))
    return found


def _one_by_one(request: HttpRequest) -> Iterator[tuple[HttpRequest, Any]]:
    """The same request for each event of a list, as SendGrid, SparkPost, Mailjet and Mandrill send it."""
    form = request.POST.get("mandrill_events")
    try:
        whole = json.loads(form or request.body)
    except (ValueError, RecursionError):
        return
    for raw in whole if isinstance(whole, list) else []:
        part: Any = copy(request)
        text = json.dumps([raw])
        part._body = text.encode()
        if form:
            part._post = QueryDict(mutable=True)
            part._post["mandrill_events"] = text
        yield part, raw


def _kept(event: Any) -> bytes:
    raw = event.esp_event
    told = {name: getattr(event, name, None) for name in TOLD}
    at = event.timestamp.isoformat() if event.timestamp else None
    whole = dict(raw.lists()) if isinstance(raw, QueryDict) else raw
    return to_json({"type": event.event_type, "id": event.event_id, "at": at, **told, "raw": whole}, fallback=str)


def _store(provider: Provider, esp: str, events: Iterable[bytes]) -> None:
    """All of them, or none: it is one statement."""
    about = {"provider": provider.pk, "esp": esp}
    arrivals.keep(NewArrival(Door.WEBHOOK, raw, about, provider.project_id) for raw in events)
