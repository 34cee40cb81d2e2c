"""Words of other languages than English that mail servers are known to answer in, by cause."""

from __future__ import annotations

from undelivered.bounces.reasons import Cause as C


def _pairs(who: str, what: str) -> str:
    """Every one of the first with every one of the second behind it, in scripts that write no spaces."""
    return "; ".join(f"{a} * {b}" for a in who.split() for b in what.split())


_SOMEBODY = """
受信トレイ 受信箱 收件箱 받은편지함 用户 用戶 收件人 收信人 邮箱 郵箱 信箱 帐号 账号 帳號 账户 帳戶 邮件地址 地址
ユーザ 宛先 受信者 アドレス メールボックス アカウント
사용자 수신자 받는 계정 메일함 주소
"""

LANGUAGES: tuple[tuple[C, str], ...] = (
    (
        C.HOST_UNKNOWN,
        _pairs("域名 ドメイン ホスト 도메인", "不存在 未找到 找不到 无法解析 見つかりません 存在しません 없"),
    ),
    (
        C.MAILBOX_FULL,
        _pairs(
            _SOMEBODY, "已满 已滿 空间不足 空間不足 容量不足 超出容量 満杯 いっぱい 一杯 容量 超过容量 가득 용량 초과"
        )
        + "; 容量を超; 배부름; 空间不足; 空間不足",
    ),
    (
        C.SUSPEND,
        _pairs(_SOMEBODY, "冻结 凍結 禁用 停用 锁定 鎖定 已过期 停止 無効になって 無効化 휴면 정지 중지 잠김 비활성"),
    ),
    (
        C.USER_UNKNOWN,
        _pairs(
            _SOMEBODY,
            "不存在 未找到 找不到 无效 無效 未知 未开通 未注册 没有找到 無効 不明 存在しません 存在しない"
            " 見つかりません 見つかりませんでした 見当たりません 誤って 없 존재하지 찾을 잘못",
        )
        + "; 查无此人; 不存在的用户; 没有此用户; 没有该用户; 无此帐号; 無此用戶; 該当するユーザ",
    ),
    (
        C.MAILBOX_FULL,
        """
        la boite aux lettres est pleine; boite aux lettres pleine; boite pleine; quota depasse; depasse son quota;
        messagerie pleine; postfach voll; postfach ist voll; postfach des empfangers ist voll; mailbox voll;
        speicherplatz; buzon lleno; buzon esta lleno; bandeja llena; cuota excedida; cuota de disco; caixa postal
        cheia; caixa de correio cheia; caixa cheia; cota excedida; quota excedida; casella piena; casella di posta
        piena; postvak vol; mailbox vol; почтовый ящик переполнен; ящик переполнен; переполнен; skrzynka przepelniona;
        skrzynka pocztowa jest pelna; przekroczono limit; schranka je plna; postlada ar full; メールボックスがいっぱい;
        メールボックスの容量; メールボックスが一杯; 容量を超え; 容量オーバー; 容量制限; 受信容量; 邮箱已满; 信箱已满;
        邮箱空间不足; 超過容量; 信箱已滿; 收件人邮箱已满; 메일함이 가득
        """,
    ),
    (
        C.SUSPEND,
        """
        le compte du destinataire est bloque; compte bloque; compte suspendu; compte desactive; boite desactivee; konto
        gesperrt; konto deaktiviert; postfach gesperrt; cuenta suspendida; cuenta desactivada; cuenta deshabilitada;
        conta suspensa; conta bloqueada; conta inativa; casella disabilitata; account disabilitato; ящик заблокирован;
        ящик отключен; 停止中; 利用停止; アカウントが無効; 冻结; 禁用; 已停用; 停权
        """,
    ),
    (
        C.HAS_MOVED,
        """
        adresse a change; nouvelle adresse; neue adresse; neue e-mail-adresse; nueva direccion; novo endereco;
        アドレスが変更; アドレスを変更; メールアドレスが変わり
        """,
    ),
    (
        C.USER_UNKNOWN,
        """
        adresse inconnue; utilisateur inconnu; destinataire inconnu; adresse d au moins un destinataire invalide;
        destinataire invalide; boite inexistante; adresse invalide; n'existe pas; compte inexistant; adresse email
        n'existe pas; empfanger unbekannt; empfangeradresse unbekannt; benutzer unbekannt; unbekannter benutzer;
        unbekannter empfanger; existiert nicht; nicht gefunden; empfangeradresse existiert nicht; adressat unbekannt;
        adresse unbekannt; no existe; usuario desconocido; usuario no existe; destinatario desconocido; direccion no
        existe; direccion no valida; cuenta no existe; cuenta inexistente; buzon no existe; no se ha encontrado; no se
        encontro; usuario inexistente; usuario desconhecido; usuario nao existe; nao existe; nao encontrado; nao foi
        encontrado; nao foi possivel encontrar; destinatario desconhecido; destinatario invalido; endereco invalido;
        endereco inexistente; caixa postal inexistente; conta inexistente; utente sconosciuto; destinatario
        sconosciuto; indirizzo inesistente; casella inesistente; non esiste; indirizzo non trovato; non trovato;
        destinatario inesistente; bestaat niet; onbekende gebruiker; gebruiker onbekend; ontvanger onbekend; finnes
        ikke; findes ikke; eksisterer ikke; okand mottagare; finns inte; nie istnieje; nieznany uzytkownik; adres nie
        istnieje; neexistuje; neznamy uzivatel; nem letezik; kullanici yok; нет такого пользователя; пользователь не
        найден; не найден; не существует; неизвестный пользователь; адрес не существует; ящик не существует;
        недействителен; ユーザーは存在しません; 存在しません; 存在しない; 見つかりません; 見つかりませんでした;
        アドレスが見つかりません; 不明なユーザ; 宛先不明; あて先不明; 宛先が不明; 宛先がありません;
        受信者が見つかりません; 受信者のアドレスが見つかりません; 用户不存在; 不存在; 找不到; 地址错误; 收件人不存在;
        帳號不存在; 查無此; 无此用户; 邮箱不存在; 存在하지; 존재하지; 찾을 수 없
        """,
    ),
    (
        C.HOST_UNKNOWN,
        """
        domaine inconnu; domaine inexistant; domain nicht gefunden; domain existiert nicht; dominio no existe; dominio
        desconocido; dominio inexistente; dominio invalido; dominio nao existe; dominio inesistente; домен не найден;
        ドメインが見つかりません; ドメインが存在; ホストが見つかりません; 域名不存在; 域名解析失败
        """,
    ),
    (
        C.SPAM_DETECTED,
        """
        pourriel; spam erkannt; correo no deseado; identificado como spam; detectado como spam; rejete pour spam;
        mensaje rechazado por spam; похоже на спам; признано спамом; спам; 迷惑メール; スパムと判定; 垃圾邮件;
        疑似垃圾; 垃圾郵件; 스팸
        """,
    ),
    (
        C.BLOCKED,
        """
        adresse ip source bloquee; ip bloquee; bloqueado por; ip bloqueada; 拒绝连接; 被拒绝; 被列入黑名单; 黑名单
        """,
    ),
    (
        C.RATE_LIMITED,
        """
        trop de connexions; trop de messages; zu viele verbindungen; zu viele nachrichten; demasiadas conexiones;
        demasiados mensajes; muitas conexoes; muitas mensagens; 送信制限; 接続数が多すぎ; 频率; 太频繁; 连接数; 限制
        """,
    ),
    (
        C.EMAIL_TOO_LARGE,
        """
        message trop volumineux; trop volumineux; taille maximale; nachricht zu gross; zu gross; mensaje demasiado
        grande; demasiado grande; mensagem muito grande; tamanho maximo; messaggio troppo grande; サイズが大きすぎ;
        サイズ制限; サイズを超え; 制限サイズ; 邮件过大; 超过大小; 邮件太大
        """,
    ),
    (
        C.VIRUS_DETECTED,
        """
        virus detecte; virus gefunden; virus detectado; virus trovato; вирус; ウイルスが; ウィルスが; 病毒
        """,
    ),
    (
        C.EXPIRED,
        """
        delai expire; delai depasse; zeituberschreitung; tiempo agotado; tiempo de espera; tempo esgotado; expirado;
        配送期限; タイムアウト; 配信が遅延; 配信遅延; 超时; 連線逾時
        """,
    ),
    (
        C.REJECTED,
        """
        expediteur refuse; adresse expediteur; absender abgelehnt; absenderadresse; remitente rechazado; remitente no
        autorizado; remetente rejeitado; mittente rifiutato; отправитель отклонен; 送信者が拒否; 投稿する権限;
        メンバーではない; 发件人
        """,
    ),
)
