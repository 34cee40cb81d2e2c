"""What is different with Amazon SES: boto3 talks to it, with names of its own for settings and for what went wrong."""

from __future__ import annotations

from typing import Any

from undelivered.delivery.outcomes import Stage
from undelivered.delivery.transports.esp_http import Lost
from undelivered.delivery.transports.esp_url import EspSettings
from undelivered.delivery.transports.esp_words import Answer
from undelivered.delivery.transports.esps import HANDED_ON

#: Exceptions of botocore, by name: how far the request was. One that is not here and carries no answer never left.
STAGES = {
    "ReadTimeoutError": Stage.AFTER_DOT,
    "ConnectionClosedError": Stage.AFTER_DOT,
    "ResponseStreamingError": Stage.AFTER_DOT,
    "IncompleteReadError": Stage.AFTER_DOT,
    "HTTPClientError": Stage.AFTER_DOT,
    "ConnectTimeoutError": Stage.CONNECT,
    "EndpointConnectionError": Stage.CONNECT,
    "ProxyConnectionError": Stage.CONNECT,
    "SSLError": Stage.CONNECT,
}
#: Those that say that our settings are wrong: nothing was asked at all.
_SETTINGS = 401


def backend_options(settings: EspSettings, options: dict[str, Any]) -> dict[str, Any]:
    """Anymail's settings for SES: what boto3 wants to know stands in one of them.

    boto3 may not try again by itself: it does so after requests that were carried out, too.
    """
    names = {one.name for one in HANDED_ON[settings.esp.name]}
    client = {name: value for name, value in options.items() if name in names}
    client["config"] = {
        "connect_timeout": min(settings.timeout_s, 20),
        "read_timeout": settings.timeout_s,
        "retries": {"total_max_attempts": 1},
        "max_pool_connections": settings.max_connections,
    }
    return {**{name: value for name, value in options.items() if name not in names}, "client_params": client}


def answer(error: BaseException) -> Answer:
    """What botocore's exception tells. Raises `Lost` where no answer came."""
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        said = response["Error"]
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) or 400
        return Answer(status, f"{said.get('Code', '')}: {said.get('Message', '')}")
    name = type(error).__name__
    if name in STAGES:
        raise Lost(STAGES[name], str(error)) from error
    return Answer(_SETTINGS, f"{name}: {error}")
