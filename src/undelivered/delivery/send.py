"""Takes a claimed batch from checks to outcomes: check, reserve, write the mail, hand it over, decide.

The worker gives it a `Desk` (what the batch needs to know, loaded in few queries) and gets a `Result` for every mail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import args_row, class_row

from undelivered.database.arrays import array
from undelivered.delivery import limits, mime, relayed, retry, return_path, suppression
from undelivered.delivery.checks import Candidate, Objection, check
from undelivered.delivery.claim import Claimed
from undelivered.delivery.outcomes import Accepted, Outcome, Stage, TryLater
from undelivered.delivery.reasons import Reason
from undelivered.delivery.record import Result
from undelivered.delivery.retry import Verdict, decide, held, objected
from undelivered.delivery.transports import Lane, Parcel, Transport
from undelivered.delivery.transports.esp_url import is_esp
from undelivered.desk.models import AtLimit


@dataclass(frozen=True, slots=True)
class Words:
    """A content as sending needs it."""

    id: UUID
    from_name: str
    from_address: str
    reply_to: str
    subject: str
    text: str
    html: str
    headers: list[list[str]]
    error: str
    raw: bytes | None = None
    smtputf8: bool = False  # it was submitted as a mail with UTF-8 in its headers (RFC 6531)
    size: int = 0  # bytes of `text`, `html` and `raw`, also where they were left out


@dataclass(frozen=True, slots=True)
class Terms:
    """A project as sending needs it."""

    id: int
    daily_limit: int | None
    size_limit: int | None
    at_limit: str


@dataclass(frozen=True, slots=True)
class Desk:
    """What a batch needs to know. `blocked`: (project or 0 for the site, address key) -> why.

    `bounce_domains`: of the domains that mail comes from, those that have one of their own.
    """

    words: Mapping[UUID, Words]
    terms: Mapping[int, Terms]
    blocked: Mapping[tuple[int, str], str]
    bounce_domains: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Ready:
    """A mail that nothing objects to, written and reserved. Its envelope sender depends on who takes it."""

    row: Claimed
    from_address: str
    bounce_domain: str  # where its bounces can come back to; empty: nowhere of ours
    recipient: str
    message: bytes
    message_id: str
    smtputf8: bool
    counted_on: date | None = None  # the day whose limit it uses
    relayed: bool = False  # another program wrote it


@dataclass(slots=True)
class Prepared:
    """A batch after the checks: what goes out, and the verdicts on what does not."""

    ready: list[Ready] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Policy:
    """The site's settings that sending obeys."""

    size_limit: int
    daily_limit: int | None
    give_up_after: timedelta
    zone: str
    bounce_domain: str = ""


class Taker(Protocol):
    """What is read of the provider that takes a mail."""

    @property
    def url(self) -> str: ...
    @property
    def return_path(self) -> str: ...
    @property
    def rank(self) -> int: ...


# What is over the size is left out; PostgreSQL knows a body's size without reading it.
CONTENTS = """
SELECT c.id, from_name, from_address, reply_to, subject, CASE WHEN size <= %s THEN text ELSE '' END,
    CASE WHEN size <= %s THEN html ELSE '' END, headers, error, CASE WHEN size <= %s THEN raw END,
    raw IS NOT NULL AND source @> '{"smtputf8": true}', size
FROM delivery_content c CROSS JOIN LATERAL (
    SELECT octet_length(text) + octet_length(html) + coalesce(octet_length(raw), 0)) AS of (size)
WHERE c.id = ANY(%s) AND c.id >= %s AND c.id <= %s
"""
ANY_SIZE = 2**31 - 1
TERMS = "SELECT id, daily_limit, size_limit, at_limit FROM desk_project WHERE id = ANY(%s)"
BLOCKED = """
SELECT coalesce(project_id, 0), address_key, cause, since, until FROM delivery_suppression
WHERE address_key = ANY(%s) AND (project_id IS NULL OR project_id = ANY(%s)) AND (until IS NULL OR until > now())
"""
DOMAINS = "SELECT domain, bounce_domain FROM delivery_maildomain WHERE domain = ANY(%s) AND bounce_domain <> ''"


async def load(connection: AsyncConnection[Any], batch: Sequence[Claimed], up_to: int = ANY_SIZE) -> Desk:
    """Four queries, whatever the size of the batch. Bodies of more than `up_to` bytes are left out."""
    projects = sorted({row.project_id for row in batch})
    words = await load_words(connection, {row.content_id for row in batch}, up_to)
    async with connection.cursor(row_factory=class_row(Terms)) as cursor:
        await cursor.execute(TERMS, [projects])
        terms = {one.id: one for one in await cursor.fetchall()}
    blocked = await connection.execute(BLOCKED, [array("text", (row.recipient_key for row in batch)), projects])
    why = {(p, k): suppression.said(c, s, u) for p, k, c, s, u in await blocked.fetchall()}
    domains = await connection.execute(DOMAINS, [list({mime.domain(one.from_address) for one in words.values()})])
    return Desk(words, terms, why, dict(await domains.fetchall()))


async def load_words(
    connection: AsyncConnection[Any], contents: Iterable[UUID], up_to: int = ANY_SIZE
) -> dict[UUID, Words]:
    wanted = sorted(contents)
    async with connection.cursor(row_factory=args_row(Words), binary=True) as cursor:
        await cursor.execute(CONTENTS, [up_to, up_to, up_to, array("uuid", wanted), wanted[0], wanted[-1]])
        return {one.id: one for one in await cursor.fetchall()}


async def prepare(connection: AsyncConnection[Any], batch: Sequence[Claimed], desk: Desk, policy: Policy) -> Prepared:
    """Checks and writes every mail of a batch, then reserves what the daily limits allow."""
    prepared, candidates = Prepared(), []
    for row in batch:
        try:
            candidates.append(_write(row, desk, policy))
        except Stopped as stopped:
            prepared.results.append(_result(row, stopped.verdict))
        except Exception as error:  # a mail that cannot be written must not stop the others
            objection = objected(Reason.INTERNAL_ERROR, f"The mail could not be written: {error}"[:500], "mime")
            prepared.results.append(_result(row, objection))
    await _reserve(connection, candidates, desk, policy, prepared)
    return prepared


class Stopped(Exception):
    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


def _write(row: Claimed, desk: Desk, policy: Policy) -> Ready:
    words, terms = desk.words.get(row.content_id), desk.terms.get(row.project_id)
    if words is None or terms is None:
        raise Stopped(objected(Reason.INTERNAL_ERROR, "What this mail was to say is no longer kept.", "content"))
    message_id = relayed.message_id(words.raw) if words.raw else mime.message_id(row.id, words.from_address)
    message = b"" if words.error else _message(words, row, message_id)
    objection = check(
        Candidate(
            recipient=row.recipient,
            render_error=words.error,
            suppressed=desk.blocked.get((row.project_id, row.recipient_key))
            or desk.blocked.get((0, row.recipient_key), ""),
            size=len(message),
            size_limit=min(terms.size_limit or policy.size_limit, policy.size_limit),
        )
    )
    if objection:
        raise Stopped(_objected(objection))
    return Ready(
        row=row,
        from_address=mime.ascii_domain(words.from_address),
        bounce_domain=desk.bounce_domains.get(mime.domain(words.from_address), policy.bounce_domain),
        recipient=mime.ascii_domain(row.recipient),
        message=message,
        message_id=message_id,
        smtputf8=words.smtputf8 or mime.needs_smtputf8(words.from_address, words.reply_to, row.recipient),
        counted_on=row.counted_on,
        relayed=words.raw is not None,
    )


def _message(words: Words, row: Claimed, message_id: str) -> bytes:
    if words.raw is not None:
        return relayed.message(words.raw, words.headers, row.id)
    return mime.write(words, row, id=row.id, at=row.created_at, named=message_id)


def _objected(objection: Objection) -> Verdict:
    return objected(objection.reason, objection.detail, objection.cause)


async def _reserve(
    connection: AsyncConnection[Any], candidates: list[Ready], desk: Desk, policy: Policy, prepared: Prepared
) -> None:
    """Lets through what was counted before (a retry), and as much of the rest as the limits grant."""
    wanted = Counter(one.row.project_id for one in candidates if one.row.counted_on is None)
    if not wanted:
        prepared.ready += candidates
        return
    known = {project: terms.daily_limit for project, terms in desk.terms.items()}
    granted = await limits.reserve(connection, wanted, known, policy.daily_limit)
    left = dict(granted.mails)
    for one in candidates:
        project = one.row.project_id
        if one.row.counted_on is not None:
            prepared.ready.append(one)
        elif left[project] > 0:
            left[project] -= 1
            one.counted_on = granted.day
            prepared.ready.append(one)
        else:
            by_site = project in granted.short_by_site
            prepared.results.append(_result(one.row, _at_limit(desk.terms[project], policy, granted.day, by_site)))


def _at_limit(terms: Terms, policy: Policy, day: date, by_site: bool) -> Verdict:
    whose, limit = ("site", policy.daily_limit) if by_site else ("project", terms.daily_limit)
    detail = f"The {whose}'s daily limit of {limit} mails is used up. It resets at 00:00 {policy.zone}."
    if terms.at_limit == AtLimit.HOLD:
        return held(limits.begins(day + timedelta(days=1)), detail)
    return objected(Reason.LIMIT_REACHED, detail)


WAITS_FOR_THE_FIRST = (
    "Another program wrote this mail, and the fallback is an email service, which builds every mail anew: "
    "it waits until the first provider works again."
)


async def hand_over(mail: Ready, transport: Transport, provider: Taker, lane: Lane | None = None) -> Outcome:
    if mail.relayed and provider.rank and is_esp(provider.url):
        return TryLater(WAITS_FOR_THE_FIRST, stage=Stage.MAIL)
    own = None if mail.relayed else mail.row.id
    sender, recipient, message, utf8 = parcel(mail, provider)
    return await transport.send(sender, recipient, message, smtputf8=utf8, own=own, lane=lane)


def parcel(mail: Ready, provider: Taker) -> Parcel:
    """The mail with the envelope sender that this provider lets pass."""
    sender = return_path.sender_for(
        provider.return_path,
        mail.row.id,
        from_address=mail.from_address,
        login=return_path.login_address(provider.url),
        bounce_domain=mail.bounce_domain,
    )
    return Parcel(sender, mail.recipient, mail.message, mail.smtputf8 or mime.needs_smtputf8(sender))


def judge(mail: Ready, outcome: Outcome, policy: Policy, provider_id: int, provider_due: datetime | None) -> Result:
    """The result of an attempt."""
    now = datetime.now(UTC)
    verdict = decide(
        outcome,
        attempt=mail.row.attempts,
        since=now if isinstance(outcome, Accepted) else _since(mail),
        now=now,
        give_up_after=policy.give_up_after,
        provider_due=provider_due,
        recipient=mail.row.recipient,
    )
    return _tried(mail, verdict, now, provider_id)


def broke(mail: Ready, error: Exception, policy: Policy, provider_id: int) -> Result:
    """The result where sending broke by a mistake of ours."""
    now = datetime.now(UTC)
    verdict = retry.broke(
        error, attempt=mail.row.attempts, since=_since(mail), now=now, give_up_after=policy.give_up_after
    )
    return _tried(mail, verdict, now, provider_id)


def _since(mail: Ready) -> datetime:
    """Since when it could leave: a mail that was held, or that waited for a provider, has its time still before it."""
    if mail.counted_on is None:
        return mail.row.created_at
    return max(mail.row.created_at, limits.begins(mail.counted_on))


def _tried(mail: Ready, verdict: Verdict, at: datetime, provider_id: int) -> Result:
    return Result(mail.row, verdict, at, mail.counted_on, provider_id, mail.message_id, len(mail.message))


def _result(row: Claimed, verdict: Verdict) -> Result:
    return Result(row, verdict, datetime.now(UTC))
