"""Tells by whom, how and in which words it is written whether a mail without a report speaks of a failed delivery."""

from __future__ import annotations

from undelivered.bounces import autoreply
from undelivered.bounces.notice import Notice

_SENDERS = (
    "mailer-daemon", "mailerdaemon", "mailer daemon", "mail-daemon", "mdaemon", "mail delivery", "maildelivery",
    "mail deliver", "postmaster", "post_master", "post master", "mail administrator", "mail_administrator", "mailadm",
    "mailsystem", "mail system", "system administrator", "systemadministrator", "delivery subsystem", "mail.delivery",
    "smtp_mail", "smtp gateway", "mailmaster", "ndr@", "bounce", "internet mail", "mail router", "mailrouter", "mmdf",
    "mailgate", "imss@", "isms", "mail service", "mtaquota", "mail delivery service", "smtpd", "microsoft outlook",
    "groupwise", "emailsecurity", "root@", "server administrator", "mail gateway", "mail server", "mailserver",
    "email server", "システム管理者", "mail-agent", "uucp", "noreply", "no-reply", "mailsweeper",
)  # fmt: skip
_SUBJECTS = (
    "undeliver", "returned mail", "returned email", "returned to sender", "return to sender", "failure notice",
    "failure report", "failed mail", "delivery fail", "delivery has failed", "delivery error", "delivery status",
    "delivery notification", "delivery report", "delivery problem", "delivery delayed", "delivery attempt",
    "delivery warning", "delivery incomplete", "mail failure", "mail error", "mail delivery", "message delivery",
    "message delayed", "message undeliverable", "message status", "message not delivered", "message rejected",
    "message could not", "mail could not be delivered", "could not be delivered", "not delivered",
    "couldn't be delivered", "could not send", "not be delivered", "cannot be delivered", "can't be delivered",
    "unable to deliver", "non-delivery", "nondelivery", "non delivery", "non recapitat", "warning: could not",
    "warning: message", "mail system error", "error mail", "undelivered", "bounced", "bounce", "no such user",
    "user unknown", "unknown user", "email error", "mail receipt", "rejected:", "rejected mail", "quota",
    "mailbox full", "mailbox is full", "unzustellbar", "nicht zugestellt", "non remis", "échec", "no entregado",
    "no se puede entregar", "não entregue", "mancata consegna", "недоставлен", "не доставлен",
    "не может быть доставлен", "配信不能", "配信できません", "送信できません", "届きません", "未配信", "退信",
    "无法投递", "投递失败", "系统退信", "반송", "loop alert", "mail failed", "returning to sender", "not member",
    "non remis au destinataire", "problem delivering", "returning message to sender", "message returned",
    "mail returned", "nicht zustellbar",
)  # fmt: skip
_WORDS = (
    "could not be delivered", "couldn't be delivered", "cannot be delivered", "can't be delivered",
    "can not be delivered", "not be delivered", "not delivered", "wasn't delivered", "unable to deliver",
    "undeliverable", "failed to deliver", "delivery failed", "delivery error", "delivery failure", "delivery problem",
    "delivery to the following", "failed recipient", "did not reach", "could not deliver", "couldn't deliver",
    "cannot deliver", "can't deliver", "not able to deliver", "fatal error", "user unknown", "unknown user",
    "unknown recipient", "no such user", "mailbox is full", "mailbox full", "over quota", "quota exceeded",
    "quota violation", "does not exist", "doesn't exist", "not found", "rejected", "returned to you", "had delivery",
    "has been delayed", "non recapitato", "n'a pas pu", "konnte nicht zugestellt", "nicht zugestellt",
    "no pudo ser entregado", "no se pudo entregar", "não pôde ser entregue", "не может быть доставлено",
    "не было доставлено", "配信できません", "送信できません", "届けられません", "お届けできません",
    "invalid final delivery", "failure reasons", "invalid user", "delivery problems", "rcpt to", "returned mail",
    "been returned", "intended recipient", "non-existent", "was aborted", "not listed", "bounced", "delivery attempt",
    "will be retried", "n'existe pas", "adresse inconnue", "退回", "无法", "not a member", "duplicated message",
    "unable to send", "could not be sent", "not been delivered", "undelivered",
)  # fmt: skip


def is_automatic_answer(notice: Notice) -> bool:
    if not autoreply.is_auto_reply(notice) and not autoreply.is_challenge(notice):
        return False
    if any(word in notice.sender for word in ("mailer-daemon", "postmaster@")):
        return False
    return not (any(word in notice.sender for word in _SENDERS) and any(w in notice.subject.lower() for w in _SUBJECTS))


def looks_like_failure(notice: Notice) -> bool:
    """Whether a mail server seems to speak of a failure: two of three signs (who writes, subject, words)."""
    sender = any(word in notice.sender for word in _SENDERS) or not notice.sender
    if notice.mail.header("return-path").strip() == "<>":
        sender = True
    subject = notice.subject.lower()
    if subject.startswith(("re:", "aw:", "sv:")) and not sender:  # people talk about bounces, too
        return False
    titled = any(word in subject for word in _SUBJECTS)
    if not (sender or titled):
        return False
    if "mailer-daemon" in notice.sender or "mail delivery" in notice.sender:
        return True
    words = notice.own_words[:6000]
    told = any(word in words for word in _WORDS)
    return (sender and titled) or told
