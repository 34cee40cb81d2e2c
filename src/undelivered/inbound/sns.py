"""Amazon SNS, which brings the events of Amazon SES: a topic's subscription has to be confirmed once.

SNS asks for that with an address to be opened. The request has come to the secret address of a provider, so that it is
meant for us; the address is opened only if it is SNS's own, in the region of the topic.
"""

from __future__ import annotations

import http.client
import json
import logging
import re
from typing import Any
from urllib.parse import urlsplit

_log = logging.getLogger(__name__)
CONFIRM_S = 10
_HOST = re.compile(r"sns\.([a-z0-9-]{1,40})\.amazonaws\.com(\.cn)?")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]{1,40}):\d{12}:[A-Za-z0-9_.-]{1,256}")


def is_event(body: bytes) -> bool:
    return _read(body).get("Type") == "Notification"


def confirm(body: bytes) -> bool:
    """Whether it was about a subscription. That one was cancelled is noted; there is nothing to do.

    Raises OSError where SNS does not answer: it asks again.
    """
    message = _read(body)
    if message.get("Type") == "UnsubscribeConfirmation":
        _log.warning("a subscription of %s was cancelled", _topic(message))
        return True
    url = _own(message)
    if message.get("Type") != "SubscriptionConfirmation" or url is None:
        return False
    status = fetch(*url)
    _log.info("the subscription of %s was confirmed: HTTP %d", _topic(message), status)
    return status < 400


def _own(message: dict[str, Any]) -> tuple[str, str] | None:
    """(host, path) of the address that confirms; None where it is not SNS's, or another region's."""
    url, topic = urlsplit(str(message.get("SubscribeURL", ""))), _TOPIC.fullmatch(_topic(message))
    host = _HOST.fullmatch(url.netloc)
    if url.scheme != "https" or host is None or topic is None or host[1] != topic[1]:
        return None
    return url.netloc, f"{url.path or '/'}?{url.query}"


def fetch(host: str, path: str) -> int:
    connection = http.client.HTTPSConnection(host, timeout=CONFIRM_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def _topic(message: dict[str, Any]) -> str:
    return str(message.get("TopicArn", ""))


def _read(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
