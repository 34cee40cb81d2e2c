"""What particular providers mean by their own codes: looked at before all other evidence.

Each row: the provider, words by which its replies or hosts are known, and its phrases by cause, in order. The codes are
those that the providers document on their postmaster pages. A new provider is one row.
"""

from __future__ import annotations

from dataclasses import dataclass

from undelivered.bounces.matching import Phrase, PhraseBook
from undelivered.bounces.reasons import Cause as C


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider's dialect of SMTP replies."""

    name: str
    known_by: tuple[str, ...]  # lower case, in the host's name, the recipient's domain or the reply
    phrases: PhraseBook


def _row(name: str, known_by: str, *sections: tuple[C, str]) -> Provider:
    return Provider(name, tuple(known_by.split()), PhraseBook(sections))


PROVIDERS: tuple[Provider, ...] = (
    _row(
        "Google",
        "google gsmtp",
        (
            C.RATE_LIMITED,
            "unusual rate of unsolicited mail; receiving mail too quickly; p=receivingrate; p receivingrate",
        ),
        (C.SUSPEND, "p disableduser; p inactiveuser"),
        (C.USER_UNKNOWN, "p nosuchuser; answer 6596"),
        (C.MAILBOX_FULL, "p overquotaperm; p overquotatemp; p overquota; answer 6558"),
        (C.AUTH_FAILURE, "answer 81126 authentication; p unauthenticatedemail; p unauthenticated"),
        (C.BAD_REPUTATION, "very low reputation"),
        (C.SPAM_DETECTED, "p unsolicitedmessageerror; likely unsolicited mail"),
        (C.BLOCKED, "p ipblocked; p notauthorizederror; is not authorized to send email directly to our servers"),
        (C.POLICY_VIOLATION, "p blockedmessage; violates our policy; dp policyerror"),
    ),
    _row(
        "Microsoft",
        "outlook.com hotmail microsoft live.com office365 msn.com (s777",
        (C.RATE_LIMITED, "rp 001; rp 002; rp 003; server busy please try again later from"),
        (
            C.BLOCKED,
            "sc 001; sc 002; sc 003; sc 004; dy 001; dy 002; "
            "ou 001; ou 002; s3140; s3150; banned sending ip; as 16012609",
        ),
        (C.USER_UNKNOWN, "recipient address rejected access denied"),
        (C.SUSPEND, "account that does not accept mail"),
    ),
    _row(
        "AOL",
        "aol.com aol.net",
        (C.BLOCKED, "con b1; con b2; rly b1; rly b2; rly bd; rly bl; rly sn; ipbl; rtr bb; rtr bl"),
        (C.RATE_LIMITED, "dyn t1; dyn t2; rtr rl; con rl"),
        (C.REQUIRE_PTR, "dns nr; rtr dn"),
        (C.SPAM_DETECTED, "hvu b1; hvu b2; int ft; rly ch"),
    ),
    _row(
        "Yahoo",
        "yahoo 4.16.5 4.16.1 vs1- aol.com verizonmedia yahooinc yahoodns [tss [ts0 [gl0 [bl2 [ipts",
        (
            C.USER_UNKNOWN,
            "dd requested mail action not taken; dd this user doesnt have a; aborted mailbox not found; dt spl",
        ),
        (C.SUSPEND, "mailbox is disabled 554 30; this mailbox is disabled"),
        (C.MAILBOX_FULL, "this account is over quota; mailbox is over quota"),
        (
            C.BLOCKED,
            "bl21; bl22; bl23; ts01; "
            "ts02; ts03; not accepted for policy reasons see * blocked; error codes 421 * blocked",
        ),
        (
            C.BAD_REPUTATION,
            "tss01; tss02; tss04; tss05; tss06; tss09; tss11; tss12; temporarily deferred; permanently deferred",
        ),
        (C.RATE_LIMITED, "gl01; excessive volume; unexpected volume"),
        (C.REJECTED, "mtaaccepts; from domain is not accepted"),
    ),
    _row(
        "Orange and La Poste",
        "orange wanadoo laposte ofr_ ofr0 lpn0",
        (C.BLOCKED, "service refuse * ofr 999; ofr006; ofr 102; 102; lpn001; lpn006; lpn007 102; 999"),
        (C.RATE_LIMITED, "ofr 104; ofr004 104; too many connections; lpn105"),
        (C.AUTH_FAILURE, "ofr 307; ofr 515"),
        (C.REQUIRE_PTR, "ofr 103 ptr; ofr 401"),
        (C.USER_UNKNOWN, "ofr 416; lpn007 401; lpn007 402; 416; adresse d au moins un destinataire invalide"),
        (C.MAILBOX_FULL, "ofr 417; 417; lpn007 417"),
        (C.SUSPEND, "ofr 426; 426; lpn007 426"),
        (C.SPAM_DETECTED, "ofr 506; ofr005 506; mail rejete; 506"),
        (C.SYSTEM_ERROR, "ofr005 505; 505"),
        (C.POLICY_VIOLATION, "lpn000 630; lpn000; lpn"),
    ),
    _row(
        "Cox",
        "cox.net cloudfilter cox.com",
        (
            C.BLOCKED,
            "aup cdrbl; aup cxbl; aup dnsrbl; aup csi; aup csirbl; cxbl; "
            "cdrbl; ipbl0001; ipbl0010; ipbl0100; ipbl1000; ipbl0011; ipbl0101; ipbl0110; ipbl0111",
        ),
        (C.RATE_LIMITED, "aup cxcnct; aup cxthrt; aup cxmxrt; aup cxmj; cxthrt; cxmxrt; cxcnct; cxmj; cxsmtp"),
        (C.REQUIRE_PTR, "aup cxdns; cxdns"),
        (C.REJECTED, "aup cxsndr; cxsndr; aup sndr"),
        (C.SPAM_DETECTED, "aup cmurla; aup out; cmurla"),
    ),
    _row(
        "Spectrum",
        "spectrum charter.net rr.com brighthouse roadrunner",
        (
            C.RATE_LIMITED,
            "aup in 1310; aup i 1000; aup in 1330; aup in 1340; aup in 1360; aup in 1380; aup i 1010; aup in 1300",
        ),
        (
            C.BLOCKED,
            "aup i 1600; aup in 1600; aup in 1320; aup in 1350; "
            "aup i 1500; aup i 1540; aup i 1550; aup i 1560; aup i 1580",
        ),
        (C.SPAM_DETECTED, "aup in 1810; aup in 1830; aup i 1810"),
    ),
    _row(
        "Comcast",
        "comcast",
        (C.REQUIRE_PTR, "pt000000; requires that all mail servers must have a ptr"),
        (C.BLOCKED, "bl000000; bl000001; bl000010; bl00; bl000000 for"),
        (C.RATE_LIMITED, "rl000001; rl000002; rl000003; rl000010"),
        (C.SPAM_DETECTED, "ph000001; cs000010"),
        (C.USER_UNKNOWN, "not our customer"),
    ),
    _row(
        "GoDaddy",  # "Fix rejected email with a bounce error" (GoDaddy Help); other codes stand beside telling words
        "secureserver ib1 ib5 ib6 x.co/",
        (C.RATE_LIMITED, "has sent to too many; too many * sessions"),
        (C.SYSTEM_ERROR, "ib101"),
        (C.REQUIRE_PTR, "ib108"),
        (C.REJECTED, "ib506"),
        (C.AUTH_FAILURE, "ib508; is not allowed to send"),
    ),
    _row(
        "Mimecast",
        "mimecast",
        (
            C.VIRUS_DETECTED,
            "mcspamsignature; virus signature; mc virus; email rejected due to security policies mcspam",
        ),
        (C.AUTH_FAILURE, "spf sender invalid; dkim sender invalid; dmarc sender invalid"),
        (C.BLOCKED, "csi mimecast org; local ct ip reputation; rejected by rbl"),
        (
            C.REJECTED,
            "administrative prohibition envelope blocked; header based blocked senders; "
            "envelope blocked; sender blocked",
        ),
        (
            C.POLICY_VIOLATION,
            "host network not allowed; anti spoofing policy; "
            "content examination policy; rejected due to security policies",
        ),
        (C.NO_RELAYING, "open relay not allowed"),
        (C.RATE_LIMITED, "exceeding outbound thread limit; thread limit"),
        (C.SYSTEM_ERROR, "internal resource temporarily unavailable; unable to process email at this time"),
    ),
    _row(
        "MessageLabs",
        "messagelabs symanteccloud symantec",
        (C.USER_UNKNOWN, "542 @ rejected; 550 @ rejected; invalid recipient"),
        (C.SECURITY_ERROR, "please turn on smtp authentication"),
        (C.BLOCKED, "connections from this sending host; 501 connection rejected"),
    ),
    _row(
        "Barracuda",
        "barracuda permanent",
        (
            C.SPAM_DETECTED,
            "permanent failure for one or more recipients @ blocked; "
            "permanent failure for one or more recipients * blocked",
        ),
        (C.BLOCKED, "barracuda reputation; barracudanetworks com reputation; barracudacentral org"),
    ),
    _row(
        "NTT docomo",
        "docomo",
        (C.RATE_LIMITED, "552 too many recipients; too many recipients"),
        (C.EMAIL_TOO_LARGE, "552 message too large"),
        (C.SYNTAX_ERROR, "504 command parameter not implemented"),
    ),
    _row(
        "Tencent QQ",
        "qq.com foxmail",
        (C.RATE_LIMITED, "frequency limited; sender frequency limited; ip frequency limited; too many connections"),
        (C.SPAM_DETECTED, "mail content denied; mail content access denied; spam mail; mail is rejected by recipients"),
        (C.BLOCKED, "connection denied; suspected spam ip; ip blocked; bad ip"),
        (C.REJECTED, "suspected bounce attacks; sender verify failed"),
        (C.AUTH_FAILURE, "spf check failed; dkim check failed; dmarc check failed"),
        (C.USER_UNKNOWN, "mailbox not found; mailbox unavailable"),
        (C.SYNTAX_ERROR, "bad address syntax"),
    ),
    _row(
        "NetEase",
        "163.com 126.com netease hl: mi: dt: rp: wm:",
        (C.SPAM_DETECTED, "dt spm; mi spb"),
        (
            C.RATE_LIMITED,
            "mi cel; mi dmc; mi ccl; mi nec; mi stc; rp drc; rp ccl; "
            "rp cel; mi sfq; rp qrc; rp trc; hl icc; hl ifc; hl mep; rp rcl",
        ),
        (C.BLOCKED, "dt rbl; wm bli; dt nrbl; hl rep; hl itc; hl ihu; ip in blacklist"),
        (C.AUTH_FAILURE, "mi spf; dt sum; mi dmarc"),
    ),
    _row(
        "AT&T",
        "att.net sbcglobal bellsouth prodigy.net attrbl",
        (C.BLOCKED, "attrbl; dnsbl; att net blocks; is blocked"),
    ),
    _row(
        "Facebook",  # "SMTP Response Codes" (Facebook postmaster page)
        "facebook.com",
        (C.REQUIRE_PTR, "dns p3; dns t2"),
        (C.REJECTED, "dns p1; dns p2; dns t1"),
        (C.EMAIL_TOO_LARGE, "msg p1; int p2"),
        (C.CONTENT_ERROR, "msg p2"),
        (C.USER_UNKNOWN, "rcp p1; int p1; int p3; int p4"),
        (C.FILTERED, "rcp p2"),
        (C.SYSTEM_ERROR, "rcp t1; int t1; int t2; int t3; int t4; int t5; int t6; int t7; int t8; int t9"),
    ),
    _row(
        "Deutsche Telekom",
        "t-online",
        (C.BLOCKED, "a problem occurred; ask your postmaster for help"),
    ),
    _row(
        "Cloudflare",
        "cloudflare",
        (C.SYSTEM_ERROR, "upstream error"),
        (C.USER_UNKNOWN, "address does not exist; recipient does not exist; routing rule"),
    ),
    _row(
        "Zoho",
        "zoho",
        (C.SPAM_DETECTED, "flagged as spam"),
        (C.RATE_LIMITED, "unusual sending activity detected; unusual sending activity"),
    ),
    _row(
        "Amazon SES",
        "amazonaws amazonses",
        (C.SUPPRESSED, "address is on the suppression list; on the account suppression list; suppressed recipient"),
        (C.NO_RELAYING, "email address is not verified; identities failed the check"),
        (C.RATE_LIMITED, "throttling failure; maximum sending rate exceeded; daily message quota exceeded"),
        (C.NOT_COMPLIANT_RFC, "duplicate header"),
    ),
)


def find(words: str, reply: str, host: str, recipient: str) -> tuple[Provider, Phrase] | None:
    """The phrase by which a known provider says what it means."""
    place = f"{host} {recipient.rpartition('@')[2]} {reply}".lower()
    for provider in PROVIDERS:
        for known in provider.known_by:
            if known in place:
                found = provider.phrases.find(words)
                if found is not None:
                    return provider, found
                break
    return None
