"""Tells automatic answers (RFC 3834) and challenges from bounces: neither says that a mail did not arrive."""

from __future__ import annotations

from undelivered.bounces.finding import Finding
from undelivered.bounces.notice import ADDRESS, Notice
from undelivered.bounces.reasons import Cause
from undelivered.bounces.replies import classify

_HEADERS = ("x-autoreply", "x-autorespond", "x-auto-reply-from", "x-mail-autoreply", "x-autoresponder", "x-vacation")
_PRECEDENCE = ("auto_reply", "auto-reply", "autoreply")
_SUBJECTS = (
    "auto:", "auto :", "auto-reply", "autoreply", "auto reply", "automatic reply", "autoresponse", "auto response",
    "auto-response", "auto-respond", "autorespon", "automatic response", "automated reply", "automated response",
    "out of office", "out of the office", "out-of-office", "ooo:", "ooo ", "away from", "on vacation", "vacation",
    "i am away", "i'm away", "away until", "away:", "on leave", "on holiday", "i am out of", "out of town",
    "automatische antwort", "abwesenheit", "abwesend", "réponse automatique", "reponse automatique",
    "absence du bureau", "respuesta automática", "respuesta automatica", "fuera de la oficina", "resposta automática",
    "ausência", "risposta automatica", "fuori sede", "automatisch antwoord", "afwezig", "autosvar",
    "automatiskt svar", "frånvaro", "automaattinen vastaus", "odpowiedź automatyczna", "automatická odpověď",
    "автоответ", "автоматический ответ", "自動返信", "自動応答", "不在", "自动回复", "自动答复", "자동 회신",
    "otomatik yanıt",
)  # fmt: skip
_CHALLENGE_WORDS = (
    "confirm your message",
    "verify your email address",
    "confirm that you are",
    "please confirm",
    "to release your message",
    "challenge",
    "spamarrest",
    "spam arrest",
    "awaiting verification",
    "pending verification",
    "requires verification",
    "sender verification required",
    "sender authentication required",
    "boxbe",
    "bluebottle",
    "approved senders list",
    "approved sender list",
    "to have your message delivered",
    "tmda",
    "mailblocks",
    "waiting list",
    "waiting for confirmation",
    "anti-spam verification",
)
_CHALLENGE_HEADERS = (
    "x-spam-arrest-id",
    "x-tmda-fingerprint",
    "x-boxbe-notice",
    "x-sa-challenge",
    "x-challenge-response",
)
_GONE = frozenset({Cause.SUSPEND, Cause.HAS_MOVED})
_LEFT_WORDS = (
    "no longer in use",
    "no longer monitored",
    "no longer being monitored",
    "mailbox is not monitored",
    "account is no longer",
    "address is no longer",
    "e-mail address is no longer",
    "has been deactivated",
    "has been closed",
    "is now closed",
)


def is_auto_reply(notice: Notice) -> bool:
    mail = notice.mail
    submitted = mail.header("auto-submitted").strip().lower()
    if submitted.startswith(("auto-replied", "auto-generated; vacation", "auto-notified")):
        return True
    if any(mail.header(name) for name in _HEADERS):
        return True
    if mail.header("precedence").strip().lower() in _PRECEDENCE:
        return True
    subject = notice.subject.strip().lower()
    if subject.startswith(_SUBJECTS):
        return True
    return "oof" in mail.header("x-auto-response-suppress").lower() and submitted == "auto-generated"


def is_challenge(notice: Notice) -> bool:
    if any(notice.mail.header(name) for name in _CHALLENGE_HEADERS):
        return True
    words = notice.own_words[:3000]
    subject = notice.subject.lower()
    return sum(w in words or w in subject for w in _CHALLENGE_WORDS) >= 2


def read(notice: Notice) -> list[Finding]:
    """Who answered. An answer that says the mailbox is no longer used is evidence about the mailbox all the same."""
    words = notice.own_words[:600]
    sender = ADDRESS.findall(notice.mail.header("from")) or ADDRESS.findall(notice.mail.header("reply-to"))
    if any(w in words for w in _LEFT_WORDS):
        named = ADDRESS.findall(words)
        cause = classify(words).cause
        return [
            Finding(
                (sender or named or [""])[0],  # RFC 3834 3.1.2: From is on whose behalf it answers
                [notice.own_text],
                cause=cause if cause in _GONE else Cause.SUSPEND,
                rule="rfc3834: the mailbox is no longer used",
                permanent=True,
                original_recipient=(named or [""])[0],
            )
        ]
    return [Finding(a, [notice.own_text], cause=Cause.VACATION, rule="rfc3834") for a in sender[:1] or [""]]
