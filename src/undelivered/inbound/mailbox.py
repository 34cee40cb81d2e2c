"""One look into a mailbox: what came back becomes arrivals, and only then is it marked, moved or deleted there.

Mails of people are left exactly as they are, unread ones unread: the mailbox may be the one that customers answer to.
What is to be done with a mail is written down in the transaction that stores it (`Mailbox.to_do`), so that it is done
once, whatever dies in between.
"""

from __future__ import annotations

import imaplib
import logging
import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings as django_settings
from django.db import connection, transaction
from django.db.models import F
from imapclient import DELETED, SEEN, IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError

from undelivered import bounces
from undelivered.inbound import arrivals, returned
from undelivered.inbound.arrivals import NewArrival
from undelivered.inbound.mailbox_url import Done, MailboxSettings, Security, Take
from undelivered.inbound.models import Door, Mailbox

_log = logging.getLogger(__name__)
TIMEOUT = SocketTimeout(connect=15, read=60)
#: Mails and bytes that one transaction stores, and transactions of one look.
BATCH, BATCH_BYTES, BATCHES = 50, 8 * 1024 * 1024, 20
#: Of a larger mail only the beginning is fetched, in which a bounce says all it has to say.
LARGE, BEGINNING = 2 * 1024 * 1024, 256 * 1024
#: Where the server refuses what is to be done, so much of it is remembered.
MOST_TO_DO = 10_000
#: No answer of a server may be larger.
LARGEST_ANSWER = 32 * 1024 * 1024
LOCK = 0x756E6D62  # the first half of the advisory locks of mailboxes


class Trouble(Exception):
    """The mailbox could not be looked into; the text is for a person."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found. `more`: there is more to fetch at once."""

    taken: int = 0
    left: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    uid: int
    size: int
    raw: bytes


Connect = Callable[[MailboxSettings, str], IMAPClient]


def look(mailbox: Mailbox, settings: MailboxSettings, secret: str, connect: Connect | None = None) -> Looked | None:
    """One look. `secret` is the password, or the access token. None: another worker is looking. Raises `Trouble`."""
    with _turn(mailbox.pk) as ours:
        if not ours:
            return None
        mailbox.refresh_from_db()
        with _in_words(settings), _session(settings, secret, connect or open_session) as imap:
            _select(imap, mailbox, settings)
            looked = _take(imap, mailbox, settings)
            _do(imap, mailbox, settings)  # last: a folder that refuses it must not keep bounces from coming in
            return looked


@contextmanager
def _turn(key: int) -> Iterator[bool]:
    """Whether it is ours to look: one worker at a time. The lock ends with the connection, whatever happens."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, key])
        ours = bool(cursor.fetchone()[0])
        try:
            yield ours
        finally:
            if ours:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, key])


# --- the connection ---------------------------------------------------------------------------------------------------


def open_session(settings: MailboxSettings, secret: str) -> IMAPClient:
    """A connection that is logged in."""
    context = ssl.create_default_context()
    if not settings.verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    tls = settings.security is Security.TLS
    imap = IMAPClient(settings.host, settings.port, ssl=tls, ssl_context=context if tls else None, timeout=TIMEOUT)
    try:
        _bound(imap)
        if settings.security is Security.STARTTLS:
            imap.starttls(context)
        if settings.oauth:
            imap.oauth2_login(settings.username, secret)
        else:
            imap.login(settings.username, secret)
    except BaseException:
        imap.shutdown()
        raise
    return imap


def _bound(imap: IMAPClient) -> None:
    """The size of an answer is said by the server: it must not be able to fill the memory."""
    read = imap._imap.read

    def bounded(size: int) -> bytes:
        if size > LARGEST_ANSWER:
            raise imaplib.IMAP4.abort(f"it announces an answer of {size:,} bytes")
        return bytes(read(size))

    imap._imap.read = bounded


@contextmanager
def _session(settings: MailboxSettings, secret: str, connect: Connect) -> Iterator[IMAPClient]:
    imap = connect(settings, secret)
    try:
        yield imap
        with suppress(IMAPClientError, OSError):
            imap.logout()
    finally:
        with suppress(IMAPClientError, OSError):
            imap.shutdown()


@contextmanager
def _in_words(settings: MailboxSettings) -> Iterator[None]:
    """Errors of the connection as sentences for a person."""
    where = f"{settings.host}:{settings.port}"
    try:
        yield
    except LoginError as error:
        raise Trouble(f"{where} refuses the login of {settings.username}: {_said(error)}") from error
    except ssl.SSLError as error:
        raise Trouble(f"The encrypted connection to {where} could not be made: {_said(error)}") from error
    except TimeoutError as error:
        raise Trouble(f"{where} did not answer in time.") from error
    except IMAPClientError as error:
        raise Trouble(f"{where} answered: {_said(error)}") from error
    except (OSError, UnicodeError) as error:
        raise Trouble(f"{where} cannot be reached: {_said(error)}") from error


def _said(error: Exception) -> str:
    """The server's words, which come as bytes or as text."""
    said = error.args[0] if error.args and isinstance(error.args[0], bytes) else str(error)
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else re.sub(r"^b'(.*)'$", r"\1", said)
    return " ".join(text.split())[:300] or type(error).__name__


# --- the mails --------------------------------------------------------------------------------------------------------


def _select(imap: IMAPClient, mailbox: Mailbox, settings: MailboxSettings) -> None:
    """Opens the folder. Where its UIDs are no longer those that we knew, all of it is new (RFC 9051, 2.3.1.1)."""
    answer = imap.select_folder(settings.folder, readonly=settings.done is Done.LEAVE)
    validity = int(answer.get(b"UIDVALIDITY", 0))
    if validity != mailbox.uid_validity:
        mailbox.uid_validity, mailbox.last_uid, mailbox.to_do = validity, 0, []
        _update(mailbox, uid_validity=validity, last_uid=0, to_do=[])


def _take(imap: IMAPClient, mailbox: Mailbox, settings: MailboxSettings) -> Looked:
    """Stores what is new, batch by batch."""
    waiting = _new(imap, mailbox)
    taken = left = 0
    for _ in range(BATCHES):
        if not waiting:
            break
        sizes = _sizes(imap, waiting[:BATCH])
        uids = waiting[: max(1, _fit(waiting[:BATCH], sizes))]
        waiting = waiting[len(uids) :]
        kept, others = _store(mailbox, settings, uids, _fetch(imap, uids, sizes))
        taken, left = taken + kept, left + others
    return Looked(taken, left, bool(waiting))


def _new(imap: IMAPClient, mailbox: Mailbox) -> list[int]:
    """The UIDs after the last one that was looked at. In a folder that is new to us, those of the days that we keep."""
    wanted: list[Any] = ["UID", f"{mailbox.last_uid + 1}:*"]
    if not mailbox.last_uid:
        since = datetime.now(UTC) - timedelta(days=django_settings.ENV.keep_days + 1)
        wanted += ["SINCE", since.date()]
    # "*" is the newest mail, also where it is older than the number before it (RFC 9051, 9).
    return sorted(uid for uid in imap.search(wanted) if uid > mailbox.last_uid)


def _sizes(imap: IMAPClient, uids: Sequence[int]) -> dict[int, int]:
    answer = imap.fetch(uids, ["RFC822.SIZE"])
    return {uid: int(known.get(b"RFC822.SIZE", 0)) for uid, known in answer.items()}


def _fit(uids: Sequence[int], sizes: dict[int, int]) -> int:
    """How many of these mails one transaction holds."""
    total = 0
    for n, uid in enumerate(uids):
        total += min(sizes.get(uid, 0), LARGE)
        if total > BATCH_BYTES:
            return n
    return len(uids)


def _fetch(imap: IMAPClient, uids: Sequence[int], sizes: dict[int, int]) -> Iterator[Fetched]:
    """The mails, unread ones left unread. One that was deleted meanwhile is missing."""
    for part, wanted in (
        ("BODY.PEEK[]", [uid for uid in uids if 0 < sizes.get(uid, 0) <= LARGE]),
        (f"BODY.PEEK[]<0.{BEGINNING}>", [uid for uid in uids if sizes.get(uid, 0) > LARGE]),
    ):
        answer = imap.fetch(wanted, [part]) if wanted else {}
        for uid, known in answer.items():
            raw = known.get(b"BODY[]", known.get(b"BODY[]<0>"))
            if uid in wanted and raw:
                yield Fetched(uid, sizes[uid], bytes(raw))


def _store(
    mailbox: Mailbox, settings: MailboxSettings, uids: Sequence[int], mails: Iterator[Fetched]
) -> tuple[int, int]:
    """Keeps what is wanted, and that all of these were looked at; how many were taken and how many left."""
    found, to_do = [], []
    for mail in mails:
        arrival = _arrival(mailbox, settings, mail)
        taken, ours = _judged(arrival, settings.take)
        if taken:
            found.append(arrival)
        if ours and settings.done is not Done.LEAVE:
            to_do.append(mail.uid)
    left = len(uids) - len(found)
    mailbox.last_uid, mailbox.to_do = uids[-1], [*mailbox.to_do, *to_do][-MOST_TO_DO:]
    with transaction.atomic():
        arrivals.keep(found)
        _update(
            mailbox,
            last_uid=mailbox.last_uid,
            to_do=mailbox.to_do,
            taken=F("taken") + len(found),
            left=F("left") + left,
        )
    return len(found), left


def _arrival(mailbox: Mailbox, settings: MailboxSettings, mail: Fetched) -> NewArrival:
    about: dict[str, Any] = {"mailbox": mailbox.pk, "folder": settings.folder, "uid": mail.uid}
    if mailbox.project_id is not None:
        about["project"] = mailbox.project_id
    if len(mail.raw) < mail.size:
        about["size"] = mail.size  # of the whole mail, of which this is the beginning
    return arrivals.mail(Door.MAILBOX, mail.raw, **about)


def _judged(arrival: NewArrival, take: Take) -> tuple[bool, bool]:
    """Whether a mail becomes an arrival, and whether it is ours to mark, move or delete.

    A bounce of a mail that somebody sent from this mailbox themselves is kept, for it may be one of ours that lost its
    marks; but it stays as it is for the person who waits for it.
    """
    try:
        report = bounces.read(arrival.raw)
        signed = returned.signed(report, arrival.raw) is not None
    except Exception:  # other people's mail: it is kept, for the reader to find out, and left alone
        _log.exception("a mail of mailbox %s could not be judged", arrival.about["mailbox"])
        return True, take is Take.ALL
    if take is Take.ALL:
        return True, True
    return signed or report.kind in returned.COMES_BACK, signed


def _do(imap: IMAPClient, mailbox: Mailbox, settings: MailboxSettings) -> None:
    """Marks, moves or deletes what is stored."""
    if not mailbox.to_do:
        return
    uids = list(mailbox.to_do)
    if settings.done is Done.MARK:
        imap.add_flags(uids, [SEEN], silent=True)
    elif settings.done is Done.MOVE:
        _move(imap, uids, settings.moved_to)
    elif settings.done is Done.DELETE:
        _delete(imap, uids)
    mailbox.to_do = []
    _update(mailbox, to_do=[])


def _move(imap: IMAPClient, uids: list[int], folder: str) -> None:
    if not imap.folder_exists(folder):
        imap.create_folder(folder)
    if imap.has_capability("MOVE"):  # RFC 6851
        imap.move(uids, folder)
    else:
        imap.copy(uids, folder)
        _delete(imap, uids)


def _delete(imap: IMAPClient, uids: list[int]) -> None:
    """Flags them; and removes them where that does not remove what others have flagged (RFC 4315)."""
    imap.add_flags(uids, [DELETED], silent=True)
    if imap.has_capability("UIDPLUS"):
        imap.uid_expunge(uids)


def _update(mailbox: Mailbox, **values: Any) -> None:
    Mailbox.objects.filter(pk=mailbox.pk).update(**values)
