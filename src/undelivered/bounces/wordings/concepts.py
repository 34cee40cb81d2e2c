"""What replies speak of (somebody, a sender, a limit ...) and which of these together mean what.

Servers say the same thing in ever new sentences: "this customer's maildrop was removed" is in no table of phrases, but
somebody and something that means gone stand close together in it. CONCEPTS lists words by what they stand for, in all
languages at once; RULES lists which of them, within how many words of each other, mean which cause. The first rule
that fits decides. Looked at when no exact words were found.
"""

from __future__ import annotations

from undelivered.bounces.reasons import Cause as C

# A concept: the words (up to three together) that stand for it, separated by `;`.
CONCEPTS: dict[str, str] = {
    "WHO": """
        benutzerkonto; kundenkonto; mailkonto; emailkonto; benutzeradresse; zieladresse; empfangeradresse; mailaddress;
        mailaddresses; emailaddress; box; user; users; recipient; recipients; mailbox; mailboxes; mbox; mail box;
        account; accounts; address; addresses; addressee; alias; aliases; customer; subscriber; member; username;
        userid; uid; maildrop; inbox; person; rcpt; receiver; destinatary; local part; localpart; mail user; email
        user; e mail; e mail address; adressee; usr; homedir; maildir; mail account; employee; individual; screenname;
        screen name; mailing list; group; destinataire; utilisateur; adresse; compte; boite; boite aux lettres; abonne;
        empfanger; empfangers; benutzer; benutzername; postfach; postfachs; postfaches; konto; kunde; teilnehmer;
        mailadresse; emailadresse; adressat; usuario; destinatario; destinatarios; buzon; cuenta; direccion; casilla;
        utente; casella; indirizzo; caixa postal; caixa de correio; caixa; conta; endereco; gebruiker; ontvanger;
        postbus; postvak; adres; uzytkownik; uzytkownika; odbiorca; odbiorcy; skrzynka; skrzynki; adresat; mottagare;
        mottagaren; anvandare; modtager; bruger; mottaker; bruker; kullanici; alici; adresi; hesap; posta kutusu;
        uzivatel; prijemce; schranka; schranky; felhasznalo; cimzett; postafiok; utilizator; destinatarul;
        vastaanottaja; kayttaja; пользователь; пользователя; получатель; получателя; адресат; адресата; ящик; ящика;
        почтовый ящик; адрес; учетная запись; аккаунт; абонент; користувач; одержувач
        """,
    "NOBODY": """
        no mailbox; no user; no account; no recipient; nobody here; no one here; not user of; no customer; no person;
        nobody by; not a user; no mail account; no email account; no inbox; kein benutzer; kein postfach; nessun utente
        """,
    "ABSENT": """
        нет; gone; vanished; not one of; unknown; unknow; unkown; unknwon; not found; wasnt found; notfound; not user;
        not exist; not exists; nonexistent; non existent; nonexistant; non existant; nonexisting; non existing;
        inexistent; invalid; no such; nosuch; unrecognized; unrecognised; not recognized; not recognised; not known;
        not valid; isnt valid; not be found; be found; couldnt be found; cant be found; dont exist; dont exists; doesnt
        exist; doesnt exists; didnt exist; never existed; not registered; isnt registered; not listed; not present; not
        defined; deleted; removed; terminated; closed; cancelled; canceled; unresolvable; nobody; noone; no longer; not
        here; isnt here; illegal; misspelled; mistyped; wrong; incorrect; not a valid; unable to find; unable to
        locate; cannot locate; not located; cannot find; no record of; not our; not on file; not configured; isnt
        configured; not provisioned; no mailbox; no user; no recipient; no account; no valid; not a; not an; not match;
        not matched; not assigned; unassigned; not active at; does not live; undeliverable; unlisted; obsolete;
        retired; left; has left; not have; inconnu; inconnue; inconnus; inexistant; inexistante; invalide; introuvable;
        nexiste pas; nexiste plus; existe plus; unbekannt; unbekannter; unbekannte; ungultig; ungultige; existiert
        nicht; nicht vorhanden; nicht gefunden; nicht bekannt; nicht existent; nicht ermittelt; gibt es nicht; nicht
        mehr gultig; nicht existiert; desconocido; desconocida; inexistente; invalido; invalida; no existe; no
        encontrado; no encontrada; no es valida; no es valido; dado de baja; desconhecido; desconhecida; nao existe;
        nao encontrado; nao encontrada; nao foi encontrado; nao localizado; nao cadastrado; sconosciuto; sconosciuta;
        non esiste; non trovato; non valido; bestaat niet; onbekend; onbekende; ongeldig; niet gevonden; nie istnieje;
        nieznany; nieznanego; nie znaleziono; nieprawidlowy; finns inte; okand; okant; findes ikke; ukendt; finnes
        ikke; ukjent; bulunamadi; bilinmiyor; bilinmeyen; gecersiz; mevcut degil; neexistuje; neznamy; nenalezen; nem
        letezik; ismeretlen; necunoscut; nu exista; tuntematon; не существует; не найден; не найдена; не наиден;
        неизвестен; неизвестныи; неверный; удален; нет такого; не зарегистрирован; не зарегистрирована; отсутствует; не
        існує; не знаидено; недоступен
        """,
    "FULL": """
        full; overquota; over quota; overfull; over its quota; over their quota; out of quota; quota exceeded; exceeds
        quota; exceeded quota; exceeded its quota; quota; overflow; overflowed; out of space; no space; not enough
        space; space not enough; insufficient space; insufficient storage; no room; no more room; not enough room; run
        out; ran out; out of storage; storage limit; storage quota; disk quota; used up; exhausted; no free space; lack
        of space; space; storage; capacity; overdrawn; too many messages; pleine; plein; sature; saturee; voll;
        uberfullt; speicherplatz; ausgeschopft; llena; lleno; sin espacio; no tiene espacio; sem espaco; kein platz;
        kein speicher; plus de place; cuota; cheia; lotada; cota; piena; pieno; vol; pelna; przepelniona; przekroczony;
        przekroczona; full postlada; fuld; dolu; kotasi; plna; megtelt; plina; taynna; переполнен; переполнена; квота;
        заполнен
        """,
    "OVER": """
        used up; over quota; overquota; ran out of; out of room; storage gone; out of space; no space left; no room
        left
        """,
    "SUSPENDED": """
        hangup; disabled; suspended; locked; inactive; deactivated; frozen; blocked; dormant; expired; inactivated; not
        active; isnt active; not enabled; not activated; isnt activated; temporarily inactive; discontinued; archived;
        on vacation hold; unavailable due; desactive; desactivee; suspendu; bloque; bloquee; gesperrt; deaktiviert;
        inaktiv; stillgelegt; suspendida; suspendido; desactivada; desactivado; deshabilitada; bloqueada; bloqueado;
        inactiva; suspensa; inativa; inativo; desativada; desativado; disabilitato; disabilitata; sospeso; sospesa;
        bloccata; uitgeschakeld; geblokkeerd; zablokowana; zablokowane; nieaktywne; nieaktywna; devre disi; askiya;
        заблокирован; заблокирована; отключен; приостановлен
        """,
    "SENDER": """
        author; poster; sender; senders; mailfrom; mail from; originator; envelope from; envelope sender; return path;
        from address; sending domain; from domain; reverse path; sending address; your address; your email address;
        your domain; sender address; sender domain; expediteur; absender; absenderadresse; remitente; remetente;
        mittente; afzender; nadawca; nadawcy; avsandare; gonderen; отправитель; отправителя; source address
        """,
    "REFUSED": """
        not a permitted; isnt permitted; rejected; reject; refused; refuse; refuses; denied; denies; deny; denying; not
        allowed; isnt allowed; not permitted; not authorized; not authorised; unauthorized; not accepted; unaccepted;
        not welcome; unwelcome; prohibited; forbidden; banned; blocked; disallowed; blacklisted; no access;
        unacceptable; unverified; unvalidated; not verified; not trusted; unable to verify; could not verify; cannot
        verify; verification failed; callout; callback; spoofed; spoofing; forged; fake; faked; rejete; abgelehnt;
        verweigert; rechazado; rechazada; rejeitado; rejeitada; recusado; recusada; rifiutato; rifiutata; geweigerd;
        odrzucony; odrzucona; avvisad; reddedildi; отклонен; отклонено; запрещен; запрещено
        """,
    "MEMBERS": """
        registered users; members; subscribers; member; subscribed; moderator; moderators; moderated; post; posting;
        group members; participants; authenticated users; internal senders; internal; within the organization; inside
        the organization
        """,
    "MACHINE": """
        ip; ips; ip address; ipaddress; client; host; your host; your server; your network; your ip; your system;
        subnet; netblock; relay host; mta; connecting host; connection from; connections from; server ip; smtp client;
        your mail server; helo; ehlo; helohost; heloname; isp; provider; adresse ip; ip adresse; direccion ip; endereco
        ip; indirizzo ip; адрес ip; ip адрес; remote host; peer
        """,
    "LISTED": """
        bloquee; bloque; refuse; refusee; blacklisted; blacklist; blacklists; black list; blocklist; blocklisted; block
        list; listed; rbl; dnsbl; dnsrbl; blackhole; blackholed; black; block; banned; blocked; filtered; rejected;
        error; denied; refused; no access; access denied; not allowed; not welcome; not authorized; unauthorized;
        blacklistee; liste noire; gesperrt; lista negra; lista nera; bloqueado; bloqueada; bloccato; zablokowany;
        engellendi; zwarte lijst; черныи список; черном списке; заблокирован; suspicious; bad; untrusted; dynamic;
        dialup
        """,
    "HELO": "helo; ehlo; helohost; heloname",
    "DIALUP": "dialup; dial up; dynamic ip; dynamic address; dynamic host; dynamic hosts; dynamic ips; residential",
    "REPUTATION": "reputation; untrusted ip; poor score; low score; trust level; reputacion; reputacao; reputazione",
    "MANY": """
        too many; too much; too often; too fast; too quickly; too frequent; too frequently; too rapidly; exceeded;
        exceeds; exceed; limit; limits; limited; rate; quota; maximum; max; reached; throttled; throttle; throttling;
        out of allow; excess; excessive; flooding; flood; trop de; zu viele; demasiados; demasiadas; muitas; muitos;
        excedido; excedeu; troppi; troppe; te veel; zbyt wiele; zbyt duzo; слишком много; превышен; превышено
        """,
    "TRAFFIC": """
        connections; sessions; messages; mails; emails; e mails; recipients; rcpt; rcpts; deliveries; concurrent;
        simultaneous; per hour; per minute; per day; per second; an hour; a day; this hour; in a short; short period;
        short time; hourly; daily; sending; sent; frequency; submissions; commands; errors; volume; traffic; burst;
        connexions; verbindungen; nachrichten; conexiones; mensajes; conexoes; mensagens; connessioni; messaggi;
        соединении; писем; сообщении; sends; senders rate; receiving rate; delivery rate
        """,
    "BIG": """
        size; too big; too large; too long; larger; bigger; oversized; oversize; mailsize; megabytes; kilobytes; bytes;
        mb; kb; length; taille; volumineux; grosse; zu gross; tamano; grande; tamanho; dimensione; dimensioni; grootte;
        te groot; rozmiar; za duzy; storlek; boyut; boyutu; размер; размера; большои
        """,
    "MAIL": """
        message; mail; email; mailsize; attachment; attachments; letter; content; data; e mail; body; nachricht;
        mensaje; mensagem; messaggio; bericht; wiadomosc; wiadomosci; meddelande; mesaj; iletiniz; сообщение; письмо;
        письма; сообщения; correo; courrier; messages
        """,
    "LIMIT": """
        exceeds; exceeded; exceed; exceeding; limit; limits; maximum; max; over; allowed; too; larger; bigger; above;
        beyond; larger than; bigger than; depasse; uberschreitet; uberschritten; excede; supera; massima; maximale;
        maximo; maxima; przekracza; превышает; превышен; ultrapassa; overschrijdt; more than; asiyor
        """,
    "SPAM": """
        spam; junk; ube; uce; antispam; anti spam; spammy; spamlike; phishing; phish; bulk; unsolicited; pourriel;
        indesirable; unerwunschte; no deseado; nao solicitado; indesiderata; спам; scam; spamming; spamassassin;
        spamtrap
        """,
    "VIRUS": "virus; viruses; malware; trojan; infected; worm; ransomware; macro; virusinfected; вирус; wirus; zararli",
    "ATTACHED": """
        attachment; attachments; attach; file; files; filename; executable; extension; content type; archive; zip; exe;
        anhang; dateianhang; piece jointe; adjunto; anexo; allegato; bijlage; zalacznik; вложение
        """,
    "TLS": "tls; starttls; ssl; encryption; encrypted; unencrypted; cipher; certificate",
    "NEEDED": """
        required; require; requires; must; need; needed; needs; failed; failure; error; not supported; unsupported;
        handshake; not available; unavailable; only; mandatory; verify; untrusted; invalid; expired; negotiation;
        problem
        """,
    "RELAY": """
        relay; relaying; relayed; relays; openrelay; open relay; relais; retransmision; ретрансляция; weiterleitung
        """,
    "LOGIN": """
        auth; authentication; authenticate; authenticated; login; logged in; log in; password; credentials; smtp auth;
        sasl; authentifizierung; authentification; autenticacion; autenticacao; autenticazione; авторизация; pop before
        smtp; check your mail; receive your mail; username
        """,
    "DNS_BACK": """
        reverse dns; rdns; ptr; reverse lookup; reverse name; reverse hostname; fcrdns; reverse resolution; reverse
        record; reverse; hostname
        """,
    "AUTHENTIC": "spf; dkim; dmarc; domainkeys; sender id; arc; sender policy",
    "POLICY": """
        mailpolicy; policy; policies; administrative; administratively; rule; rules; regla; regel; richtlinie;
        politique; politica
        """,
    "LOOP": """
        loop; loops; looping; looped; mailloop; hops; too many hops; hop count; received headers; already visited;
        circular; boucle; schleife; bucle; ciclo; зациклилось; delivered to line; bouncing back
        """,
    "NET": """
        connection; connect; connecting; network; dns; mx; route; routing; nameserver; name server; socket; port;
        connexion; verbindung; conexion; conexao; connessione; verbinding; polaczenie; соединение; сервер; host;
        server; hosts; servers; serveur; servidor; server mail; exchanger; exchangers; gateway; peer
        """,
    "DOWN": """
        lookup error; lookup failed; lookup failure; refused; reset; unreachable; lost; dropped; broken; aborted; no
        answer; not reachable; not responding; not respond; no response; unable to connect; cannot connect; could not
        connect; couldnt connect; failed to connect; unable to reach; could not reach; not connect; impossible;
        fehlgeschlagen; nicht erreichbar; nicht moglich; no route; closed unexpectedly; unresolved; down; failed; not
        available; unavailable; not answer; didnt respond; doesnt respond; isnt responding; isnt reachable; temporary
        failure; could not establish; establish; closed; no se pudo; не удалось
        """,
    "LATE": """
        timed out; timeout; time out; expired; too long; gave up; given up; giving up; give up; still undelivered;
        still not delivered; delayed; not yet been delivered; retry; retries; retrying; retried; days; hours; attempts;
        depasse; zeituberschreitung; delai; delaye; queue lifetime; lifetime; was queued for; too old; verzogert;
        retardado; retrasado; atrasada; tiempo; tempo; время ожидания
        """,
    "DOMAIN": """
        domain; domains; host; hostname; host name; domain name; domainname; server name; domaine; hote; dominio;
        domane; domein; domena; domeny; doman; алан; домен; домена; хост; alan adi; destination system; mail domain;
        relay host
        """,
    "DISK": "disk; system; server; filesystem; file system; partition; spool; device",
    "PROGRAM": """
        program; command; pipe; mailer; script; procmail; maildrop; delivery agent; mda; exit; status code; forward
        file; forward; home directory; vacation; filter failed; write to; mail spool; lock; lda; sieve
        """,
    "BROKE": """
        died; failed; error; crashed; cannot create; cant create; cant open; cannot open; permission denied; exited;
        returned; non zero; killed; trouble; unwritable; could not open; unable to open; unable to write; cannot lock;
        unable to lock; signal
        """,
    "MOVED": """
        moved; has moved; relocated; changed address; new address; has changed; address changed; no longer at;
        forwarding address; changed his; changed her; changed their; moved to; now at; new email; neue adresse;
        nouvelle adresse; nueva direccion; novo endereco; nuovo indirizzo; please use; instead
        """,
    "FILTERS": """
        own rules; personal rules; filter; filters; preferences; whitelist; allow list; safelist; personal blacklist;
        reject list
        """,
    "HEADERS": """
        from headers; to headers; date; header; headers; mime; from header; message id; charset; encoding; 8bit; date
        header; subject header; boundary; from field; to field; rfc; rfc2822; rfc5322; rfc822
        """,
    "MALFORMED": """
        two; more than one; several; malformed; missing; invalid; duplicate; multiple; bad; broken; error; illegal;
        violates; violation; not compliant; non compliant; stray; improper; incorrect; unparsable; unparseable; not
        conform; does not conform; no valid; empty; too long
        """,
    "COMMAND": """
        command; commands; helo; ehlo; syntax; sequence; parameter; parameters; argument; arguments; rcpt; verb;
        protocol; say
        """,
    "CONFUSED": """
        unrecognized; unrecognised; unknown; unimplemented; not implemented; bad; error; first; unexpected; invalid;
        not understood; out of; unsupported; expected; improper; violation
        """,
}  # fmt: skip

NEAR, CLOSE, BESIDE = 9, 5, 3

# cause, concepts that must stand together (written words in lower case), within how many words.
RULES: tuple[tuple[C, str, int], ...] = (
    (C.VIRUS_DETECTED, "VIRUS", 1),
    (C.SYNTAX_ERROR, "HELO + first", CLOSE),
    (C.BLOCKED, "HELO + REFUSED", CLOSE),
    (C.BLOCKED, "HELO + MALFORMED", CLOSE),
    (C.BLOCKED, "HELO + ABSENT", CLOSE),
    (C.BLOCKED, "HELO + not", CLOSE),
    (C.BLOCKED, "DIALUP", 1),
    (C.AUTH_FAILURE, "AUTHENTIC", 1),
    (C.NETWORK_ERROR, "LOOP", 1),
    (C.NO_RELAYING, "RELAY", 1),
    (C.REQUIRE_PTR, "DNS_BACK + MALFORMED", CLOSE),
    (C.REQUIRE_PTR, "DNS_BACK + DOWN", CLOSE),
    (C.REQUIRE_PTR, "DNS_BACK + no", CLOSE),
    (C.REQUIRE_PTR, "DNS_BACK + not", CLOSE),
    (C.REQUIRE_PTR, "reverse + no", CLOSE),
    (C.SPAM_DETECTED, "SPAM", 1),
    (C.BAD_REPUTATION, "REPUTATION", 1),
    (C.FAILED_STARTTLS, "TLS + NEEDED", CLOSE),
    (C.EMAIL_TOO_LARGE, "MAIL + BIG + LIMIT", NEAR),
    (C.EMAIL_TOO_LARGE, "MAIL + BIG", BESIDE),
    (C.RATE_LIMITED, "sending + quota", BESIDE),
    (C.SYSTEM_FULL, "mail system + FULL", CLOSE),
    (C.MAILBOX_FULL, "WHO + FULL", 8),
    (C.EMAIL_TOO_LARGE, "BIG + LIMIT", BESIDE),
    (C.SYSTEM_FULL, "DISK + FULL", CLOSE),
    (C.MAILBOX_FULL, "OVER", 1),
    (C.HAS_MOVED, "WHO + MOVED", BESIDE),
    (C.RATE_LIMITED, "TRAFFIC + MANY", CLOSE),
    (C.REJECTED, "SENDER + REFUSED", CLOSE),
    (C.REJECTED, "SENDER + ABSENT", CLOSE),
    (C.REJECTED, "only + MEMBERS", CLOSE),
    (C.REJECTED, "callout", 1),
    (C.BLOCKED, "MACHINE + LISTED", CLOSE),
    (C.SECURITY_ERROR, "LOGIN + NEEDED", CLOSE),
    (C.SECURITY_ERROR, "LOGIN + MANY", CLOSE),
    (C.SECURITY_ERROR, "LOGIN + first", CLOSE),
    (C.HOST_UNKNOWN, "DOMAIN + ABSENT", CLOSE),
    (C.REJECTED, "DOMAIN + REFUSED", BESIDE),
    (C.SUSPEND, "WHO + SUSPENDED", CLOSE),
    (C.FILTERED, "WHO + FILTERS", CLOSE),
    (C.USER_UNKNOWN, "NOBODY", 1),
    (C.USER_UNKNOWN, "WHO + ABSENT", CLOSE),
    (C.USER_UNKNOWN, "WHO + unavailable", BESIDE),
    (C.VIRUS_DETECTED, "ATTACHED + REFUSED", CLOSE),
    (C.MAILER_ERROR, "PROGRAM + BROKE", CLOSE),
    (C.NOT_COMPLIANT_RFC, "HEADERS + MALFORMED", CLOSE),
    (C.EXPIRED, "LATE + MAIL", CLOSE),
    (C.EXPIRED, "NET + LATE", CLOSE),
    (C.NETWORK_ERROR, "NET + DOWN", BESIDE),
    (C.NETWORK_ERROR, "socket", 1),
    (C.SYNTAX_ERROR, "COMMAND + CONFUSED", BESIDE),
    (C.POLICY_VIOLATION, "POLICY", 1),
)  # fmt: skip
