"""Words that decide when neither exact words nor a telling code did; an earlier section wins over a later one.

Rows are separated by `;` and read as the module phrases describes.
"""

from __future__ import annotations

from undelivered.bounces.reasons import Cause as C

GENERAL: tuple[tuple[C, str], ...] = (
    (
        C.RATE_LIMITED,
        """
        hourly; quota * per; limit * reached; limit reached; rate limit; throttling; slow down; excessive volume;
        allowed per session; messages per connection; maximum recipients; sending rate; throttled; too frequent; too
        many mail; too much mail; too fast; sent too many; exceeded your; has exceeded the max; has exceeded the
        maximum; per hour; per minute; per second
        """,
    ),
    (
        C.AUTH_FAILURE,
        """
        spf; dkim; spf fail; by spf; sender id; sender policy; email authentication; forged sender
        """,
    ),
    (
        C.VIRUS_DETECTED,
        """
        virus; viruses; malware; trojan; infected; worm; malicious
        """,
    ),
    (
        C.EMAIL_TOO_LARGE,
        """
        header size exceeds; recipients size limit; maximum size; exceeds maximum; exceeds our maximum; exceeds its
        maximum; size limit; size exceeds; size exceeded; too large for; max size; bigger than; message exceeded
        """,
    ),
    (
        C.MAILBOX_FULL,
        """
        inbox * limit; mailbox * limit; inbox * full; inbox * quota; mailbox * full; mailbox * quota; cannot accept any
        more mail; quota * exceeded; over * quota; exceeds * quota; quota * full; quota is; storage * exceeded; storage
        * full; exhausted; mailbox storage; mailbox space; mailbox limit; exceeding quota; not enough space;
        insufficient space; insufficient storage; mailbox is over; mailbox over; maildir over; account is over; account
        quota; user is over; user quota; recipient quota; overdrawn; storage limit; storage limits; quota limit; no
        space; no more space; no room; is full and * cannot; is full; space available; box full; has too much mail;
        allocated disk
        """,
    ),
    (
        C.SPAM_DETECTED,
        """
        spam; ube; uce; spammy; spammer; spammers; spamming; junk; junk mail; bulk mail; phishing; scam; content
        filter; mail content; message looks like; looks like; our filters; high score; scored; score of; razor; dcc;
        rejected by filter; blocked by filter; suspicious; suspected; considered; improper use of; unwanted; identical
        to; rule imposed
        """,
    ),
    (
        C.BAD_REPUTATION,
        """
        message from * temporarily deferred; messages from * temporarily deferred; messages from * permanently
        deferred; reputation; complaints; temporarily deferred due to
        """,
    ),
    (
        C.BLOCKED,
        """
        block list; blocklists; dynamic ip; dynamic address; greylist; 5 7 606; client host; blocklist; blocked by;
        blocked for; blocked from; blocked in; blocked at; blocked see; blocked due to; blocked on; blocked because;
        been blocked; currently blocked; temporarily blocked; access denied to; access has been denied; access
        forbidden; bad ip; connection dropped; connection dropped by; connection rejected; not accepting connections;
        refused to talk; refusing connection; no connection; we do not accept mail from; we dont accept mail from; do
        not accept mail from your; not accept mail from your; not accept email from; not accepting mail from; not
        accept messages from; mail from your; mail from * by; email from your; emails from your; your ip; your ip
        address; your isp; your host; your mta; your network; your server; your mail server; your mailserver; your
        email server; your system; sender ip; sender ip address; source ip; sending ip; sending host; originating ip;
        remote ip; client ip; connecting ip; from this ip; from that ip; dialup; dial up; dul; geolocation; country;
        host name is not; too many errors; this ip address; through your isp; closed due to; error visit; banned; trap
        hit; listed in; listed by; listed at; is listed; unallowed
        """,
    ),
    (
        C.REQUIRE_PTR,
        """
        ptr; reverse name; reverse address; generic hostname; ip address has no; mail server ip connecting
        """,
    ),
    (
        C.HAS_MOVED,
        """
        has moved to; forwarding address is unknown; is no longer at
        """,
    ),
    (
        C.SUSPEND,
        """
        has been suspended; has been disabled; is suspended; is disabled; is currently disabled; is currently
        suspended; suspended due to; been inactive; closed for inactivity; due to inactivity; inactive; disabled;
        suspended; inactive email address; deactivated
        """,
    ),
    (
        C.REJECTED,
        """
        administrative prohibition; sender unknown; sender must exist; sender must resolve; envelope sender; envelope
        from; return path; mail from address; mail from domain; from domain; from address; blocked by recipient; not
        allowed to send; not permitted to send; not authorized to send; unauthorized sender; spoof; spoofed; spoofing;
        no such domain
        """,
    ),
    (
        C.NO_RELAYING,
        """
        not one of our; not our customer; not relay; no relay; relay mail; mail relay; not local; no such local; domain
        not in; smarthost
        """,
    ),
    (
        C.USER_UNKNOWN,
        """
        user * exist; account * exist; recipient * exist; mailbox * exist; address * exist; unknown * user; verify
        recipient; recipient no longer; recipient not available; recipient is not available; recipient not accepted;
        recipient not ok; recipient not recognized; recipient not listed; recipient not in; recipient is not in;
        invalid user; invalid address; invalid account; invalid local; invalid forward path; bad address; no such
        object; no longer available; no longer valid; no longer in use; no longer active; no longer a valid; no longer
        accepts; no longer receiving; no longer being used; no longer here; no longer used; user is not local; user no
        longer; user rejected; user invalid; mailbox not allowed; mailbox is invalid; mailbox no longer; mailbox
        lookup; mailbox access denied; address no longer; address not available; address error; address rejected;
        address failed; address closed; address lookup; account is unavailable; account unavailable; account no longer;
        not a known; not a local; not a recognised; not a user; not known; not in our; not in directory; not found in;
        not listed in; not listed in the; not recognized; not recognised; not here; not on this; not on server; name
        unknown; nonexisting; nonexistent; nonexistant; non existent; non existing; non existant; does not exist;
        doesnt exist; not exist; not exists; dont exist; doesnt exist or; does not exists; did not exist; couldnt be
        found; could not be found; cannot be found; cannot find; cant find; could not find; unable to find; unable to
        locate; this user is not; this address no longer; there is no user; there is no such; there is no account;
        there is no one; undeliverable address; undeliverable to; destination server rejected recipients; rejected
        recipient; rejected address; reject mail for; rcpt failed; rcpt rejected; sorry i couldnt find; unexpected
        recipient; closed mailbox; cannot open mailbox
        """,
    ),
    (
        C.HOST_UNKNOWN,
        """
        host lookup failed; domain lookup failed; domain * exist; nxdomain; illegal host; unable to resolve host;
        cannot resolve host; could not resolve; mail domain; does not resolve; cannot resolve; unable to resolve
        """,
    ),
    (
        C.NOT_ACCEPT,
        """
        does not receive mail; no mail server; invalid mx; does not accept
        """,
    ),
    (
        C.FAILED_STARTTLS,
        """
        tls; ssl; tls session; starttls; server certificate; tlsa; dane
        """,
    ),
    (
        C.NOT_COMPLIANT_RFC,
        """
        from header; rfc 822; rfc822; rfc 1123; required header; line length; 998
        """,
    ),
    (
        C.EXPIRED,
        """
        in the queue for; still undelivered; still trying; not been delivered; not yet been delivered; will be retried;
        will keep trying; delay reason; has been delayed; delivery has been delayed; delivery delayed; undelivered
        after; been in the queue; not been able to deliver; expired; delivery expired; delivery temporarily suspended;
        retry time; too old; on the queue; in queue; has been in; delayed; giving up; gave up; number of delivery
        attempts; attempts to deliver; maximum time; time limit; deliverable for
        """,
    ),
    (
        C.NETWORK_ERROR,
        """
        too many failures; tried all; all mxs; temporary domain failure; loopback; looped; looping; loop; loops;
        received lines; connection reset; connection closed; connection failed; connection failure; network error; name
        service error; name server; nameserver; dns error; dns lookup; dns query; dns server; all hosts for; all hosts
        in; unable to contact; unreachable; timed out; timeout; server is unavailable; not responding; did not respond;
        no answer; broken pipe
        """,
    ),
    (
        C.MAILER_ERROR,
        """
        command failed; command output; temporary failure; pipe; piped; pipe to; child process; return code; local
        delivery; local error; mail filter; delivery agent; x unix; list server; lmtp
        """,
    ),
    (
        C.POLICY_VIOLATION,
        """
        message not allowed; for policy; by policy; administrator; prohibited by; transport rules; transport rule;
        resolver rst; disclaimer; against; policy; policies; you have hit; prohibited; message rejected due;
        regulation; blacklisted recipient
        """,
    ),
    (
        C.SECURITY_ERROR,
        """
        delivery not authorized; security policy; authenticate; not authenticated; smtp auth; sasl; credentials;
        password; unauthenticated; unauthorized; login; log in; not permitted to; submission; verification failure;
        verification failed; insecure; not authorized; not authorised; authorization; authorisation; encryption;
        message refused
        """,
    ),
    (
        C.SYSTEM_FULL,
        """
        system full
        """,
    ),
    (
        C.CONTENT_ERROR,
        """
        mime; message content; message header; message headers; mime type; illegal character; charset not supported;
        character set; 8 bit; 8bit; base64; subject contains; subject line; attachments are not; no html; html mail;
        html email; message format; the attachment; content error
        """,
    ),
    (
        C.SYNTAX_ERROR,
        """
        syntax; command rejected; parameter not; not implemented
        """,
    ),
    (
        C.SYSTEM_ERROR,
        """
        could not be stored; error storing; system is not; system resources; server error; server down; server
        configuration; server unavailable; server temporarily; service unavailable; service temporarily; service is
        temporarily; service is unavailable; service refused; service error; temporary error; temporary problem;
        temporary service; temporarily unavailable; temporarily unable; temporarily down; transaction failed; write
        error; read error; io error; i o error; database; resources temporarily; resources unavailable; resource;
        unable to process; error processing; unexpected response; unknown error; operation not; permission denied;
        requested action aborted; try again; try later; please try later; please retry; busy; overload; maintenance;
        deferred; loop back; can not accept; cannot accept; fatal error; too busy; after multiple retries
        """,
    ),
)

# Single words that hint at a cause when nothing else was said.
LAST: tuple[tuple[C, str], ...] = (
    (C.CONTENT_ERROR, "header; headers; attachment"),
    (C.RATE_LIMITED, "limit; limited; exceeded; too many; too much"),
    (C.SPAM_DETECTED, "content rejected; content reject; content; filtered"),
    (C.REJECTED, "sender; mail from; mailfrom"),
    (C.BLOCKED, "blocked; block; banned; black; blacklisted; gesperrt; blockiert"),
    (
        C.USER_UNKNOWN,
        """
        this account; this address; recipient rejected; recipient is rejected; recipient refused; rcpt is rejected;
        rcpt refused; user rejected; user is rejected
        """,
    ),
    (C.SYSTEM_ERROR, "temporary; temporarily; later; retry; unavailable; internal; error while"),
)
