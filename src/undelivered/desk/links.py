"""Links that customers follow from their mails: signed, expiring, minted at sending, never stored, shown or logged."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from django.conf import settings
from django.core import signing

_SALT = "undelivered.portal"


class Purpose(StrEnum):
    INVITATION = "invitation"  # accept the invitation to a project
    REQUEST = "request"  # see a request, comment on it
    NOTIFICATIONS_OFF = "off"  # turn a request's notifications off, or all optional mail of its project


LIFETIME = {
    Purpose.INVITATION: timedelta(days=14),
    Purpose.REQUEST: timedelta(days=28),
    # Longer than anybody is mailed for: whoever finds an old mail can still turn its like off, and that does no harm.
    Purpose.NOTIFICATIONS_OFF: timedelta(days=400),
}
_PATHS = {
    Purpose.INVITATION: "/portal/invitation/",
    Purpose.REQUEST: "/portal/request/",
    Purpose.NOTIFICATIONS_OFF: "/portal/off/",
}


def invitation(project_id: int, customer_id: int) -> str:
    return _url(Purpose.INVITATION, project_id, customer_id)


def request(request_id: int, customer_id: int) -> str:
    return _url(Purpose.REQUEST, request_id, customer_id)


def notifications_off(request_id: int, customer_id: int) -> str:
    return _url(Purpose.NOTIFICATIONS_OFF, request_id, customer_id)


def read(token: str, purpose: Purpose) -> tuple[int, int] | None:
    """(the project's or request's id, the customer's id); None for a token that is forged, expired or of other use."""
    try:
        value = signing.loads(token, salt=f"{_SALT}.{purpose}", max_age=LIFETIME[purpose])
        thing, customer = value
        return int(thing), int(customer)
    except (signing.BadSignature, ValueError, TypeError):
        return None


def _url(purpose: Purpose, thing: int, customer: int) -> str:
    token = signing.dumps([thing, customer], salt=f"{_SALT}.{purpose}")
    return f"{settings.PUBLIC_URL}{_PATHS[purpose]}{token}"
