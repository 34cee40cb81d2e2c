"""Microsoft Exchange before it sent standard reports everywhere: 5.5 and 2003, and 2007 and later in any language."""

from __future__ import annotations

import re

from undelivered.bounces.finding import Finding
from undelivered.bounces.notice import Notice
from undelivered.bounces.plain import Dialect
from undelivered.bounces.reasons import Cause

# The event codes that Exchange 5.5 and 2003 print in parentheses after MSEXCH:IMS.
_EVENTS: dict[str, Cause] = {
    "000c05a6": Cause.USER_UNKNOWN,  # unknown recipient
    "000b099c": Cause.ON_HOLD,
    "000c0595": Cause.ON_HOLD,
    "00010256": Cause.SYSTEM_ERROR,
    "000d06b6": Cause.SYSTEM_ERROR,
    "00120270": Cause.NETWORK_ERROR,  # too many hops
    "00050311": Cause.CONTENT_ERROR,
    "000502cc": Cause.CONTENT_ERROR,
    "000b0981": Cause.SECURITY_ERROR,
}
_EVENT = re.compile(r"\(([0-9A-Fa-f]{8})\)")

_DID_NOT_REACH = (
    "did not reach the following recipient(s):",
    "konnte die folgenden empfänger nicht erreichen",
    "n'a pas atteint le(s) destinataire(s) suivant(s)",
    "no llegó a los siguientes destinatarios",
    "以下の受信者に送信できませんでした",
)

# "Diagnostic information for administrators", as Exchange 2007 and later say it by the server's language.
_FOR_ADMINISTRATORS = (
    "diagnostic information for administrators",
    "diagnoseinformationen für administratoren",
    "informations de diagnostic pour les administrateurs",
    "información de diagnóstico para los administradores",
    "información de diagnóstico para administradores",
    "informazioni di diagnostica per gli amministratori",
    "informações de diagnóstico para administradores",
    "diagnostische gegevens voor beheerders",
    "diagnostisk information för administratörer",
    "diagnosticeringsoplysninger til administratorer",
    "diagnostikkinformasjon for administratorer",
    "informacje diagnostyczne dla administratorów",
    "диагностические сведения для администраторов",
    "管理者向け診断情報",
    "管理者用の診断情報",
    "供管理员使用的诊断信息",
    "系統管理員的診斷資訊",
    "관리자를 위한 진단 정보",
)


def _by_event(notice: Notice, finding: Finding) -> None:
    for text in finding.said:
        if found := _EVENT.search(text):
            finding.fallback = _EVENTS.get(found[1].lower())
            finding.rule = f"Exchange event {found[1]}"
            return


EXCHANGE_2003 = Dialect(
    "Exchange 2003",
    lambda n: any(words in n.own_words for words in _DID_NOT_REACH),
    begins=_DID_NOT_REACH,
    refine=_by_event,
)

EXCHANGE_2007 = Dialect(
    "Exchange 2007",
    lambda n: any(words in n.own_words for words in _FOR_ADMINISTRATORS),
    begins=_FOR_ADMINISTRATORS,
    ends=(
        "original message headers",
        "en-têtes du message d'origine",
        "ursprüngliche nachrichtenkopfzeilen",
        "ursprüngliche nachrichtenkopf",
        "encabezados de mensajes originales",
        "intestazioni originali",
        "intestazioni messaggio originale",
        "cabeçalhos da mensagem original",
        "ursprungliga meddelanderubriker",
        "oorspronkelijke berichtkoppen",
        "oprindelige brevhoveder",
        "元のメッセージのヘッダー",
        "元のメッセージ ヘッダー",
        "原始邮件头",
        "исходные заголовки",
    ),
)
