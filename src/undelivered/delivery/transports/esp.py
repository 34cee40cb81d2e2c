"""The transport to email services (ESPs): what Anymail knows of each, many requests at once, one outcome a mail."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from functools import cached_property
from typing import Any
from uuid import UUID

from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from django.core.exceptions import ImproperlyConfigured

from undelivered.delivery import signing
from undelivered.delivery.outcomes import Outcome, Refused, Stage, TryLater, Unknown, Unreachable
from undelivered.delivery.signing import Purpose
from undelivered.delivery.transports import Lane, esp_aws, esp_mail, esp_words
from undelivered.delivery.transports.esp_hands import Carrier, carrier
from undelivered.delivery.transports.esp_http import Lost, Trip
from undelivered.delivery.transports.esp_mail import OwnMail
from undelivered.delivery.transports.esp_url import EspSettings
from undelivered.delivery.transports.esp_words import Answer, Means

log = logging.getLogger(__name__)

RELAYED = (
    "{label} builds every mail anew through its API, and this one was written by another program: it may only be "
    "passed on byte for byte. Give the project a provider that takes it by SMTP, such as {label}'s own SMTP server."
)
#: A service that takes no more just now is asked so often within one attempt, after the pauses that it asks for.
ASKS = 3
USUAL_PAUSE_S = 1.0
#: A service that refused a header of ours gets none for so long.
PLAIN_S = 3600.0
#: What takes the place of a secret that an answer quotes.
HIDDEN = "..."


class EspTransport:
    def __init__(self, settings: EspSettings) -> None:
        self.settings = settings
        self.busy_until = 0.0  # it asked to be left alone until then
        self.plain_until = 0.0  # it gets no headers of ours until then
        self._places = asyncio.Semaphore(settings.max_connections)

    @cached_property
    def carrier(self) -> Carrier:
        return carrier(self.settings)

    async def send(
        self,
        envelope_from: str,
        recipient: str,
        message: bytes,
        *,
        smtputf8: bool = False,
        own: UUID | None = None,
        lane: Lane | None = None,
    ) -> Outcome:
        """`own`: the notification. Without: a mail that another program wrote, which no API takes as it is."""
        if own is None:
            return Refused(RELAYED.format(label=self.settings.esp.label), stage=Stage.MAIL, enhanced="5.6.0")
        async with self._places:
            return await _Attempt(self, recipient, message, signing.token(Purpose.METADATA, own)).run()

    async def close(self) -> None:
        if "carrier" in vars(self):
            self.carrier.close()


class _Attempt:
    """One try at handing over one mail. Every exception becomes an outcome in `run` or `_ask`, and nowhere else."""

    def __init__(self, transport: EspTransport, recipient: str, message: bytes, token: str) -> None:
        self.transport, self.settings = transport, transport.settings
        self.recipient, self.message, self.token = recipient, message, token
        self.label = transport.settings.esp.label
        self.started = time.monotonic()
        self.trip = Trip()
        self.answer: Answer | None = None
        self.talk: list[str] = []

    async def run(self) -> Outcome:
        outcome: Outcome | None = None
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                for _ in range(ASKS):
                    if (pause := self.transport.busy_until - time.monotonic()) > 0:
                        await asyncio.sleep(pause)
                    outcome = await self._ask()
                    if not self._asks_again():
                        break
        except TimeoutError:
            outcome = outcome or self._lost(
                Lost(self.trip.stage, f"No answer within {self.settings.timeout_s:g} seconds")
            )
        except Exception:
            log.exception("an attempt failed in a way that nobody thought of")
            outcome = Unknown("The attempt broke off", **self._facts())
        assert outcome is not None
        return self._without_secrets(outcome)

    async def _ask(self) -> Outcome:
        """One request and what came of it. Nothing is raised that mail, settings or service are to blame for."""
        self.answer, self.trip = None, Trip()
        try:
            carrier = self.transport.carrier
        except (ImproperlyConfigured, ImportError, ValueError) as error:
            return Unreachable(f"The settings cannot be used: {error}", our_fault=True, **self._facts())
        try:
            mail = self._written()
            await carrier.carry(mail, self.trip)
            return self._done(mail)
        except Lost as lost:
            return self._lost(lost)
        except AnymailRecipientsRefused as error:
            status = error.email_message.anymail_status.status
            answer = self._read(error.response)
            self._note(answer)
            return self._refused("invalid" if "invalid" in status else "rejected", answer)
        except AnymailAPIError as error:
            return self._judged(error)
        except (AnymailError, ValueError, TypeError) as error:
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            return Refused(f"The mail cannot be written for {self.label}: {why}", **self._facts(Stage.MAIL))

    def _asks_again(self) -> bool:
        """Whether another request now may do better."""
        if self.answer is None:
            return False
        now = time.monotonic()
        if self.answer.about_headers and self.transport.plain_until < now:
            self.transport.plain_until = now + PLAIN_S
            log.warning("%s refuses a header of ours, and gets none from now on", self.label)
            return True
        if self.answer.means is Means.BUSY:
            wait = USUAL_PAUSE_S if self.answer.wait_s is None else self.answer.wait_s
            self.transport.busy_until = max(self.transport.busy_until, now + wait)
            return True
        return False

    def _written(self) -> OwnMail:
        headers = self.transport.plain_until < time.monotonic()
        settings = self.settings
        return esp_mail.read(self.message, self.recipient, self.token, settings.esp, settings.extra, headers=headers)

    # --- what came of it ----------------------------------------------------------------------------------------------

    def _done(self, mail: OwnMail) -> Outcome:
        answer = self._read(mail.anymail_status.esp_response)
        found = next(iter(mail.anymail_status.recipients.values()), None)
        status = found.status if found and found.status else "unknown"
        if answer.status < 300 and status in ("sent", "queued", "unknown"):
            return esp_words.accepted(answer, self.label, str(found.message_id or "") if found else "", self._facts())
        self._note(answer)
        if status in ("rejected", "invalid"):
            return self._refused(status, answer)
        if answer.status < 300:
            return TryLater(f"{self.label} failed to take it. {answer.words}", **self._facts())
        self.answer = answer
        return esp_words.judged(answer, self._facts())

    def _judged(self, error: AnymailAPIError) -> Outcome:
        if error.response is None or isinstance(error.response, dict):
            try:
                self.answer = esp_aws.answer(error.__cause__ or error)
            except Lost as lost:
                return self._lost(lost)
        else:
            self.answer = self._read(error.response)
        self._note(self.answer)
        return esp_words.judged(self.answer, self._facts())

    def _refused(self, status: str, answer: Answer) -> Outcome:
        return esp_words.recipient_refused(answer, self.label, status, self._facts())

    def _read(self, response: Any) -> Answer:
        """What `requests` has as a response; boto3 tells no more than that it went well."""
        answer = Answer(200, "")
        if hasattr(response, "status_code"):
            wait_s = esp_words.pause_s(response.headers.get("Retry-After"))
            answer = Answer(response.status_code, response.text, str(response.reason or ""), wait_s)
        return answer

    def _note(self, answer: Answer) -> None:
        self.talk.append(f"<- {answer.shown}")

    def _lost(self, lost: Lost) -> Outcome:
        self.talk.append(f"({lost.text})")
        facts = self._facts(lost.stage)
        if lost.stage is Stage.CONNECT:
            return Unreachable(f"Could not connect to {facts['host']}: {lost.text}.", **facts)
        if lost.stage is Stage.DATA:
            return TryLater(f"{lost.text}, before the whole mail was sent.", **facts)
        return Unknown(f"{lost.text} after the whole mail was sent.", final=False, **facts)

    def _facts(self, stage: Stage | None = None) -> dict[str, Any]:
        carrier = vars(self.transport).get("carrier")
        return {
            "host": carrier.host if carrier else self.label,
            "tls": "HTTPS" if carrier and carrier.secure else None,
            "duration_ms": round((time.monotonic() - self.started) * 1000),
            "stage": stage or self.trip.stage,
            "dialogue": tuple(self.talk),
        }

    def _without_secrets(self, outcome: Outcome) -> Outcome:
        """An answer may quote the key that it refuses."""
        reply, talk = outcome.reply, outcome.dialogue
        for secret in self.settings.secrets.values():
            if len(secret) > 3 and secret in f"{reply}{talk}":
                reply, talk = reply.replace(secret, HIDDEN), tuple(line.replace(secret, HIDDEN) for line in talk)
        return replace(outcome, reply=reply, dialogue=talk)
