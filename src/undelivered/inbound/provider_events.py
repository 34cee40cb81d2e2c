"""Reads an event of an email service (ESP): what it says about which notification, and why.

The notification is named by the signed id that the service got with the mail, and gives back. The service's own id of
the mail names nothing: it is not signed, and not looked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from undelivered import bounces
from undelivered.bounces import Cause, Decision, Suppress
from undelivered.database import ids
from undelivered.delivery import signing
from undelivered.delivery.feedback import Feedback, Said
from undelivered.delivery.signing import Purpose
from undelivered.delivery.transports import esps
from undelivered.inbound import provider_words
from undelivered.inbound.findings import Finding, Reading
from undelivered.inbound.models import Arrival, Evidence
from undelivered.inbound.provider_words import LISTED, Meaning

MOST_DETAIL = 1000
#: Words of a server that say nothing, or nothing about a failure.
_SAY_NOTHING = frozenset({Cause.ON_HOLD, Cause.UNDEFINED, Cause.VACATION, Cause.DELIVERED, Cause.FEEDBACK})
NAMES_NOTHING = "It carries no id of a notification that was sent from here."
UNREADABLE = "The event has a form that is not known of this service."


def read_event(arrival: Arrival) -> Reading:
    """What an event says. It was checked when it came in, so that what it names can be believed."""
    event = json.loads(bytes(arrival.raw))
    esp = str(arrival.about.get("esp", ""))
    kind, raw, recipient = str(event.get("type") or ""), event.get("raw"), str(event.get("recipient") or "")
    words = provider_words.words_of(esp, raw)
    meaning = provider_words.meaning_of(esp, words, kind, str(event.get("reject_reason") or ""))
    shown = " ".join(words) or kind or "event"
    about = _named(event)
    if not kind:
        return Reading(shown, (Finding(why=UNREADABLE, about=about, unmatched=about is None),), recipient)
    said = _of_server(esp, event)
    if meaning.said is None or (meaning.only_with_words and not said):
        return Reading(shown, (Finding(why=meaning.why, about=about),), recipient)
    decision = bounces.classify(said, recipient=recipient)
    cause = _cause(meaning, decision, said) if meaning.said in (Said.BOUNCED, Said.DELAYED) else None
    reading = Reading(shown, (), recipient, cause.value if cause else "")
    if about is None:
        return Reading(shown, (Finding(why=NAMES_NOTHING, unmatched=True),), recipient, reading.cause)
    feedback = Feedback(
        about,
        meaning.said,
        _when(arrival, esp, event),
        key=_key(esp, event, meaning.said),
        recipient=recipient,
        cause=cause.value if cause else "",
        detail=_detail(esp, event, said, words, meaning),
        code=int(decision.reply_code) if cause and decision.reply_code.isdigit() else None,
        enhanced=decision.status[:20] if cause else "",
        data=_data(arrival, esp, event, said, shown),
    )
    return Reading(shown, (Finding(feedback, Evidence.PROVIDER),), recipient, reading.cause)


def _cause(meaning: Meaning, decision: Decision, said: str) -> Cause:
    """The recipient's server knows best; but an address that the service calls alive is not taken for dead."""
    if meaning.sure:
        return meaning.cause
    cause = decision.cause if said and decision.cause not in _SAY_NOTHING else meaning.cause
    if meaning.soft and cause.facts.suppress is Suppress.AT_ONCE:
        return meaning.cause
    return cause


def _named(event: dict[str, Any]) -> UUID | None:
    """The notification whose signed id came back: among the metadata, or as a tag."""
    return next((id for text in _texts(event) if (id := signing.read(Purpose.METADATA, text.strip()))), None)


def _texts(event: dict[str, Any]) -> Iterator[str]:
    metadata, tags = event.get("metadata"), event.get("tags")
    for one in metadata.values() if isinstance(metadata, dict) else ():
        # Of forms, each field has a list of values.
        yield from (str(value) for value in one) if isinstance(one, list) else (str(one),)
    yield from (str(tag) for tag in tags or ()) if isinstance(tags, list) else ()


def _of_server(esp: str, event: dict[str, Any]) -> str:
    """What the recipient's server said."""
    raw = event.get("raw")
    found = next((words for path in provider_words.MTA.get(esp, ()) if (words := provider_words.first(raw, path))), "")
    return found or str(event.get("mta_response") or "")


def _detail(esp: str, event: dict[str, Any], said: str, words: list[str], meaning: Meaning) -> str:
    if meaning is LISTED:
        why = said or str(event.get("description") or "") or " ".join(words)
        return f"{_label(esp)} did not try: the address is on its suppression list. {why}".strip()[:MOST_DETAIL]
    return (said or str(event.get("description") or "") or f"{_label(esp)}: {' '.join(words)}")[:MOST_DETAIL]


def _when(arrival: Arrival, esp: str, event: dict[str, Any]) -> datetime:
    """When it happened; where the event does not say, when it came in."""
    raw = event.get("raw")
    for text in (*(provider_words.first(raw, path) for path in provider_words.WHEN.get(esp, ())), event.get("at")):
        try:
            found = datetime.fromisoformat(str(text or ""))
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return ids.created_at(arrival.id)


def _key(esp: str, event: dict[str, Any], said: Said) -> str:
    """The same for the same event, however often it comes."""
    if event.get("id"):
        return f"{esp}-{said.value}-{event['id']}"[:150]
    told = [event.get(name) for name in ("type", "message_id", "recipient", "at", "mta_response")]
    return f"{esp}-{said.value}-{hashlib.blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()}"


def _data(arrival: Arrival, esp: str, event: dict[str, Any], said: str, shown: str) -> dict[str, str]:
    """The technical details of the line in the history."""
    known = {
        "source": arrival.door,
        "arrival": str(arrival.id),
        "evidence": Evidence.PROVIDER.value,
        "esp": _label(esp),
        "event": shown,
        "reply": said,
        "message_id": str(event.get("message_id") or ""),
    }
    return {name: value[:MOST_DETAIL] for name, value in known.items() if value}


def _label(esp: str) -> str:
    try:
        return esps.find(esp).label
    except ValueError:  # an older Anymail knew it
        return esp
