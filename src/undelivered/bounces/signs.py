"""Tells by whom, how and in which words it is written whether a mail without a report speaks of a failed delivery."""

from __future__ import annotations

from undelivered.bounces import autoreply
from undelivered.bounces.notice import Notice

_SENDERS = (
    "mailer-daemon", "mailerdaemon", "mailer daemon", "mail-daemon", "mdaemon", "mail delivery", "maildelivery",
    "mail deliver", "postmaster", "post_master", "post master", "mail administrator", "mail_administrator", "mailadm",
    "mailsystem", "mail system", "system administrator", "systemadministrator", "delivery subsystem", "mail.delivery",
    "smtp_mail", "smtp gateway", "mailmaster", "ndr@", "internet mail", "mail router", "mailrouter", "mmdf",
    "mailgate", "imss@", "isms", "mail service", "mtaquota", "mail delivery service", "smtpd", "microsoft outlook",
    "groupwise", "emailsecurity", "server administrator", "mail gateway", "mail server", "mailserver", "email server",
    "システム管理者", "mail-agent", "uucp", "mailsweeper", "listserv", "majordomo", "mailman", "mailscanner",
    "antivirus", "mail-admin", "sympa",
    "maildaemon", "mailer@", "bsmtp", "mail_daemon", "mta@", "bounce@", "bounces@", "postmaster", "delivery@",
    "mailsystem",
)  # fmt: skip
# Nobody else writes under these names.
_SURE_SENDERS = ("mailer-daemon", "mail delivery sub", "mail delivery system")

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
    "mail returned", "nicht zustellbar", "error sending", "rejected posting", "non distribu", "non délivr",
    "non livr",
    "zustellung", "rückläufer", "devuelto", "rebotado", "devolvid", "não entreg", "falha na entrega",
    "non recapitato",
    "mancato recapito", "mancata", "niet bezorgd", "onbestelbaar", "niet afgeleverd", "niedostarcz", "nie dostarcz",
    "zwrot", "nelze doručit", "nedoruč", "teslim edilemedi", "iletilemedi", "kunde inte levereras", "olevererad",
    "kunne ikke leveres", "ikke levert", "kézbesít", "nelivrat", "toimittamaton", "配信失敗", "配送失敗",
    "送信エラー",
    "エラーメール", "未送达", "无法送达", "退件", "投遞失敗", "無法傳遞", "전송 실패", "발송 실패", "배달 실패",
    "전달 실패",
    "ndn:", "was refused", "was rejected", "was blocked", "postmaster notify",
    "unsolicited bulk email, apparently from you", "banned contents from you",
    "failed address", "failed:", "unable to send", "e-mail viruses", "virus",
)  # fmt: skip
_WORDS = (
    "could not be delivered", "couldn't be delivered", "cannot be delivered", "can't be delivered",
    "can not be delivered", "not be delivered", "not delivered", "wasn't delivered", "unable to deliver",
    "undeliverable", "failed to deliver", "delivery failed", "delivery error", "delivery failure", "delivery problem",
    "delivery to the following", "failed recipient", "did not reach", "could not deliver", "couldn't deliver",
    "cannot deliver", "can't deliver", "not able to deliver", "fatal error", "quota violation", "returned to you",
    "had delivery", "has been delayed", "non recapitato", "n'a pas pu", "konnte nicht zugestellt", "nicht zugestellt",
    "no pudo ser entregado", "no se pudo entregar", "não pôde ser entregue", "не может быть доставлено",
    "не было доставлено", "配信できません", "送信できません", "届けられません", "お届けできません",
    "invalid final delivery", "failure reasons", "invalid user", "delivery problems", "returned mail",
    "been returned", "intended recipient", "non-existent", "was aborted", "will be retried", "n'existe pas",
    "adresse inconnue", "message could not be sent", "unable to send your message", "delivery of mail to",
    "trouble delivering", "following recipient", "following address", "退回", "无法", "not a member",
    "duplicated message", "not been delivered", "undelivered", "not authorized to send mail to", "n'a pu être",
    "ne peut pas être", "nicht zugestellt", "nicht übermittelt", "nicht ausgeliefert", "no se ha podido",
    "no pudo ser",
    "no ha podido", "não foi possível", "não pode ser entregue", "non è stato", "non può essere", "impossibile",
    "kon niet worden", "niet worden bezorgd", "nie można dostarczyć", "nie mogła", "nie została", "nelze doručit",
    "kunde inte", "kunne ikke", "teslim edilemedi", "ulaştırılamadı", "iletilemedi", "nem sikerült", "доставить",
    "не доставлено", "配信でき", "配送でき", "届け", "配信に失敗", "送信に失敗", "未能送达", "投递", "未送達",
    "不能投递",
    "보내지 못", "전송하지 못", "전송할 수 없", "배달되지", "전달하지 못", "전달되지", "non-delivery", "undelivered",
    "not accepted", "was not sent", "was not posted", "was stopped", "message was returned", "mail was returned",
    "not allowed to post", "failed address", "delivery was not possible",
)  # fmt: skip
# Said by a mail server, these are about a failure; said by anybody else, they may be about anything.
_SAID_BY_SERVERS = (
    "not found", "does not exist", "doesn't exist", "rejected", "not listed", "unable to send", "could not be sent",
    "bounced", "rcpt to", "over quota", "quota exceeded", "user unknown", "unknown user", "unknown recipient",
    "no such user", "mailbox is full", "mailbox full", "delivery attempt",
)  # fmt: skip


_RECEIPT_WORDS = (
    "successful mail delivery", "successfully delivered", "successfully relayed", "(relay)", "(success)", "(relayed)",
    "delivery confirmation", "was successfully delivered", "has been delivered to", "message delivered:",
)  # fmt: skip


def is_automatic_answer(notice: Notice) -> bool:
    if not autoreply.is_auto_reply(notice) and not autoreply.is_challenge(notice):
        return False
    if any(word in notice.sender for word in ("mailer-daemon", "postmaster@")):
        return False
    return not (any(word in notice.sender for word in _SENDERS) and any(w in notice.subject.lower() for w in _SUBJECTS))


def is_server(notice: Notice) -> bool:
    """Whether a mail server seems to have written this: its name says so, or nobody may answer it."""
    returned_to_nobody = notice.mail.header("return-path").strip() == "<>" or not notice.sender
    return returned_to_nobody or any(word in notice.sender for word in _SENDERS)


def is_named_server(notice: Notice) -> bool:
    """Whether the name of who wrote it is a mail server's."""
    return any(word in notice.sender for word in _SENDERS)


def looks_like_failure(notice: Notice) -> bool:
    """Whether a mail server seems to speak of a failure: by its name, or by two of three signs.

    The signs: who writes, the subject, words about delivery. That somebody "was not found" is no such word: logs and
    tickets are full of it.
    """
    if any(word in notice.sender for word in _SURE_SENDERS):
        return True
    subject = notice.subject.lower()
    sender = is_server(notice)
    if subject.startswith(("re:", "aw:", "sv:")) and not sender:  # people talk about bounces, too
        return False
    titled = any(word in subject for word in _SUBJECTS)
    if sender and titled:
        return True
    words = notice.own_words[:6000]
    if (sender or titled) and any(word in words for word in _WORDS):
        return True
    named_server = any(word in notice.sender for word in _SENDERS)
    return named_server and any(word in words for word in _SAID_BY_SERVERS)


def is_receipt(notice: Notice) -> bool:
    """Whether a mail server says in sentences that a mail was delivered or passed on."""
    subject = notice.subject.lower()
    if any(word in notice.own_words[:6000] for word in _WORDS):
        return False
    return is_server(notice) and any(w in subject or w in notice.own_words[:600] for w in _RECEIPT_WORDS)
