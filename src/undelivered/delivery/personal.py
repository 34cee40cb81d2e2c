"""What is personal in a mail: marks in the common content, filled in for each recipient at sending.

A mark is a name between two private-use characters, which are removed from everybody's input: nobody can write one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Protocol

from undelivered.desk import links

OPEN, CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{OPEN}([a-z_.]+){CLOSE}")


#: In a row's `personal`: the customer cannot turn this mail off, so nothing in its headers may offer to.
NOT_OPTIONAL = "not_optional"


class Personal(StrEnum):
    RECIPIENT_NAME = "recipient.name"  # the customer's name, else what stands before the @
    RECIPIENT_ADDRESS = "recipient.address"
    REQUEST_URL = "request.url"  # the request in the portal, or where it lives
    INVITATION_URL = "invitation.url"  # accepts the invitation
    NOTIFICATIONS_OFF_URL = "notifications_off.url"  # turns this request's notifications off


class Row(Protocol):
    """What is read of a notification."""

    @property
    def project_id(self) -> int: ...
    @property
    def request_id(self) -> int | None: ...
    @property
    def customer_id(self) -> int | None: ...
    @property
    def recipient(self) -> str: ...
    @property
    def recipient_name(self) -> str: ...
    @property
    def personal(self) -> Mapping[str, Any]: ...


def mark(name: Personal) -> str:
    return f"{OPEN}{name.value}{CLOSE}"


def values(row: Row) -> dict[str, str]:
    """The values of a recipient's marks. The row's `personal` goes first; links are minted here and kept nowhere."""
    found = {
        Personal.RECIPIENT_NAME.value: row.recipient_name or row.recipient.split("@", 1)[0],
        Personal.RECIPIENT_ADDRESS.value: row.recipient,
    }
    if row.customer_id is not None:
        if row.request_id is not None:
            found[Personal.REQUEST_URL.value] = links.request(row.request_id, row.customer_id)
            found[Personal.NOTIFICATIONS_OFF_URL.value] = links.notifications_off(row.request_id, row.customer_id)
        else:
            found[Personal.INVITATION_URL.value] = links.invitation(row.project_id, row.customer_id)
    return {**found, **{name: str(value) for name, value in row.personal.items()}}


def unsubscribe(row: Row, found: Mapping[str, str]) -> str:
    """The address that turns mails like this one off, for `List-Unsubscribe`; empty where there is none.

    Only mails to a customer about a request can be turned off: never an invitation or an account's mail. `found`: the
    row's `values`, where they are needed anyway: the same address is not signed twice.
    """
    if row.customer_id is None or row.request_id is None or NOT_OPTIONAL in row.personal:
        return ""
    return found.get(Personal.NOTIFICATIONS_OFF_URL.value) or links.notifications_off(row.request_id, row.customer_id)


def hidden(row: Row) -> dict[str, str]:
    """The same for people who look at what was sent: without working links."""
    return {key: "#" if key.endswith(".url") else value for key, value in values(row).items()}


def fill(text: str, found: Mapping[str, str], escape: Callable[[str], str] = str) -> str:
    """`text` with its marks replaced; a mark without a value disappears."""
    if OPEN not in text:
        return text
    return _MARK.sub(lambda m: escape(found.get(m[1], "")), text)
