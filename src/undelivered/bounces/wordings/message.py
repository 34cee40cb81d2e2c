"""Exact words about the mail, the way it goes, and the servers on it.

Rows are separated by `;` and read as the module `phrases` describes; what wins over what stands there.
"""

from __future__ import annotations

from undelivered.bounces.reasons import Cause as C

VIRUS_DETECTED = (
    C.VIRUS_DETECTED,
    """
    executable attachments; attachments are blocked; attachment is blocked; dangerous attachments; prohibited
    attachments; banned contents; banned content type; banned name; banned attachment; virus infected; ransomware;
    harmful content; mcspamsignature; illegal attachment; attachment type is not allowed; attachment type not allowed;
    blocked attachment; attachment blocked; banned file; prohibited attachment; forbidden attachment; dangerous
    attachment; executable attachment; executable file; potentially executable; message contains a suspect; its content
    presents a potential security issue; content presents a potential security issue
    """,
)

FAILED_STARTTLS = (
    C.FAILED_STARTTLS,
    """
    tls currently unavailable; tls unavailable; tls is currently; sent over a tls connection; tls required but not
    supported; does not support tls; not support tls; not support starttls; starttls is required to send mail; must
    issue a starttls command first; must issue starttls; starttls required; tls required; requires tls; require tls;
    tls is required; encryption required for; requires encryption; tls handshake; tls negotiation; tls certificate; tls
    not available; tls is not available; ssl handshake; tls error; tls connect failed; certificate verify failed;
    certificate not trusted; certificate has expired; cannot start tls; did not offer starttls; mta sts; encrypted
    connection
    """,
)

EMAIL_TOO_LARGE = (
    C.EMAIL_TOO_LARGE,
    """
    mapiexceptionmaxsubmissionexceeded; overadvertisedsize; exeeded the maximum size; message size exceeds; message
    size limit; message too large; message too big; message is too large; message is too big; message was too large;
    mail too large; mail is too large; mail too big; mail is too big; email too large; email is too large; message file
    too big; message length exceeds; message larger than; message is larger than; message to large; message size is
    too; message size too; message body too large; message content size; message header size exceeds; message header
    too big; maximum message size; max message size; maximum allowed size; exceeds size limit; exceeds fixed limit;
    exceeds the size limit; exceeds the maximum size; exceeds the maximum message size; exceeds maximum message size;
    exceeded maximum message size; exceeded the maximum message size; exceeds fixed maximum message size; exceeded
    maximum inbound message size; size limit exceeded; size restriction; data size exceeds; line limit exceeded; larger
    than the current system limit; larger than the maximum; exceeds administrative limit; resolver rst recipsizelimit;
    resolver rst sendsizelimit; recipsizelimit; sendsizelimit; content length exceeds; this message was * too big;
    attachment too large
    """,
)

NOT_COMPLIANT_RFC = (
    C.NOT_COMPLIANT_RFC,
    """
    duplicate * header; multiple * header; missing * header; barelinefeedsareillegal; missing a valid address in from
    header; having no from header; duplicate header; duplicate headers; not rfc 5322 compliant; not rfc 2822 compliant;
    not rfc 822 compliant; not rfc 5321 compliant; not rfc compliant; not compliant with rfc; non compliant with rfc;
    not 5322 compliant; not in compliance; does not comply with rfc; doesnt comply with rfc; violates rfc; rfc
    violation; rfc compliance; rfc compliant; rfc 5322; rfc5322; rfc 2822; rfc2822; multiple from; more than one from;
    multiple addresses in from; multiple * headers; missing from header; missing from; from header is missing; missing
    to header; missing date header; missing message id; no message id; invalid message id; message id is missing; bare
    lf; bare linefeed; bare linefeeds; bare line feed; bare line feeds; bare newline; bare newlines; bare cr; stray
    newline; smtp pix; this message is not rfc; https support google com mail p rfcmessagenoncompliant; message is not
    rfc; header is missing; headers must be; line too long; lines longer than
    """,
)

SPAM_DETECTED = (
    C.SPAM_DETECTED,
    """
    message filtered; recurrent pattern detection; banned content; unacceptable content; reject bulk advertising;
    appears similar to; email is considered spam; bulk email; mass mailing; no spam please; anti-spam; blocked by
    spamassassin; block for spam; spam complaints; domain listed at; spambouncer; spamprofiler; message rejected
    because of unacceptable content; high probability of spam; as spam; spam with; is spam; be spam; looks like spam;
    like spam; spam message; spam content; contains spam; spam reasons; due to spam; spam filter; spam filtering; spam
    rule; spam url; spam score; spam rejected; spam refused; spam blocked; likely spam; probable spam; suspected spam;
    considered spam; suspicion of spam; spam or; spam like; spam detection; spam check; spam checks; spam test; spam
    engine; spam analysis; spam protection; possible spam; message scored; spam level; reject spam; rejected spam;
    refused spam; spam not; no spam; spam source; spamassassin; spam detected; antispam; unsolicited; unsolicited bulk;
    message content rejected; message content is not acceptable; message rejected due to content; message rejected due
    to * content; content filtered; content filtering; contentfilter; rejected due to content; rejected for content;
    rejected by content; rejected by the content; refused by content; blocked by content; mail content denied; content
    denied; objectionable content; message was identified; message was classified; bayesian; too high score; by our
    content; blacklisted url; url in this message; uribl; surbl; the url contained; forbidden url; bad links; we would
    love to have gotten this email to; cyberoam; mail appears to be; mail rejete
    """,
)

CONTENT_ERROR = (
    C.CONTENT_ERROR,
    """
    illegal characters; illegal character; invalid characters; invalid character; non ascii characters; improper mime;
    bad mime; corrupt message content; invalid mime; mime complexity; improper use of 8-bit data; improperly formatted
    binary content; unnecessary base64 encoding; header size or recipient list exceeds policy limit; routing loop
    detected too many received headers; media error; media not supported; media type is unsupported; conversion
    required; conversion is not supported; converting content; unsupported content; content is not supported; message
    content is unacceptable; headers too large; header too large; header error; header line; too many headers; improper
    header; malformed header; malformed mime; malformed message; malformed content; mime error; mime header; mime
    content type; mime not supported; invalid header; missing header; missing required header; unsupported charset;
    unsupported encoding; 8bitmime; invalid content; email address in the content; failed to parse; cannot parse; could
    not parse; attachment error; html only; routing information; message parsing; message has invalid; smtputf8;
    internationalized; utf8 required
    """,
)

MAILER_ERROR = (
    C.MAILER_ERROR,
    """
    pipe to |; died with status; error running; text was generated during the delivery attempt; unknown mailer error;
    mailer error; procmail; bin maildrop; maildrop error; command died; command time limit; command terminated; exit
    status; exit code; exited with; exited abnormally; terminated by signal; killed by signal; returned error code;
    local mailer; local scan; operating system error; error writing; error while writing; lock failure; could not lock;
    cannot lock; returned a non zero
    """,
)

EXPIRED = (
    C.EXPIRED,
    """
    could not be delivered for the last; could not deliver for the last; not reachable within the allowed queue period;
    it has not been collected after; giving up on; message timed out; server did not respond; could not be delivered
    for more than; message has expired; connection timed out; connection timeout; connect timed out; connection to *
    timed out; could not find a gateway for; have been failing for a long time; did not respond in time; operation
    timed out; timed out while; session timed out; message expired; delivery time expired; message time expired;
    envelope expired; time to live; delivery timeout; delivery timed out; delivery incomplete; delivery attempt *
    failed; retry timeout exceeded; retry time not reached; retry time exceeded; retry limit; retries exceeded; too
    many retries; in the queue too long; queue too long; been on the queue; ive been trying; i have been trying; not
    been delivered after; unable to deliver in; unable to deliver within; was not delivered within; could not be
    delivered within; could not be delivered after; cannot be delivered within; couldnt be delivered after;
    undeliverable for; message was undeliverable after; giving up now; maximum number of delivery attempts; max
    retries; maximum queue; not delivered for; failed for the last; failed to deliver to domain * after
    """,
)

# Postfix: the name server gave no answer yet, which is not that there is no such host.
NETWORK_ERROR_FIRST = (
    C.NETWORK_ERROR,
    """
    host not found try again; domain not found try again
    """,
)

NETWORK_ERROR = (
    C.NETWORK_ERROR,
    """
    read error from; write error to; routing server failure; dns lookup failed; dns timeout; dns query failed; dns
    server failure; dns failure; no data record of requested type; routing loopdetected; resolver fwd loop; hop count
    exceeded - possible mail loop; dns records for the destination computer could not be found; unable to resolve
    route; maximum forwarding loop count exceeded; malformed name server reply; malformed or unexpected name server
    reply; name server timeout; did not accept our requests to connect; no relevant answers; too many hops; hop count;
    hop count exceeded; maximum hop count; maximum hop; maximum forwarding; mail forwarding loop; mail loop; mail
    loops; mail loop detected; mailer loop; message loop; message looping; message is looping; routing loop; routing
    error; route loop; loop back to; loop detected; mx loop; delivery loop; already visited; too many received;
    connection refused; connection reset by peer; connection was closed; connection was dropped; connection died;
    connection lost; connection broken; connection terminated; connection aborted; lost connection; couldnt connect;
    could not connect; cannot connect; cant connect; unable to connect; failed to connect; no route to host; no route;
    network is unreachable; network unreachable; network problem; network is down; host is unreachable; host is down;
    host down; host is not available; name server error; dns lookup failure; dns problem; dns temporarily; dns
    resolution; all hosts have been failing; could not send to mx; servers did not answer; temporary failure in name
    resolution; temporary dns; loop count; winsock
    """,
)

SYNTAX_ERROR = (
    C.SYNTAX_ERROR,
    """
    restricted characters in address; restricted characters; bad chars; malformed address; malformed recipient address;
    may not follow; syntax error; syntax error in parameters; syntax error command unrecognized; command unrecognized;
    command not recognized; command not understood; command not implemented; command parameter not implemented; command
    not supported; command unknown; unrecognized command; unknown command; unsupported command; unimplemented command;
    unexpected command; bad sequence of commands; bad command; bad sequence; bad syntax; bad argument; bad parameter;
    invalid command; invalid parameter; invalid argument; improper use of smtp; improper command; out of sequence; need
    mail before rcpt; need rcpt; protocol error; protocol violation; syntactically invalid
    """,
)

SYSTEM_ERROR = (
    C.SYSTEM_ERROR,
    """
    address rejected please try again; address rejected try again; mail queue has been stopped; queue has been stopped;
    sender verify callout; unable to verify recipient at this time; verify callout; temporary lookup failure; lookup
    failure; database lookup; temporary lookup; encountered an error while being processed; loops back to myself; would
    create a mail loop; loop was found in the mail exchanger; recipient deferred because there is no mdb; remote server
    is misconfigured; cannot send e-mail to yourself; cant create user output file; timeout waiting for input; aliasing
    error; mail system configuration error; internal system error; internal error; internal server error; internal
    software; internal failure; system error; system config; system failure; system problem; local configuration;
    configuration error; config error; misconfigured; misconfiguration; server failure; server misconfigured; server
    busy; server too busy; server is busy; service not available; service currently unavailable; service is not
    available; service is down; temporary system problem; temporary system failure; temporary system error; temporary
    local problem; temporary server error; temporary failure please; temporary internal; temporary resource;
    temporarily unable to process; transaction aborted; queue file write error; error writing message; database error;
    out of memory; insufficient memory; insufficient permission; insufficient resources; could not load; error in
    processing; processing error; unexpected error; unexpected failure; undefined error; unspecified error; permission
    problem; local error in processing; requested action aborted local error; duplicated message; please come back;
    could not complete; cannot complete; overloaded; under maintenance; upstream error; mail server error
    """,
)

SECURITY_ERROR = (
    C.SECURITY_ERROR,
    """
    tenantinboundattribution; restricted by connector; authentication required; authentication is required;
    authentication failed; authentication failure; authentication failures; authentication error; authentication
    credentials; authentication unsuccessful; authentication not; smtp authentication; must be authenticated; requires
    authentication; username and password not accepted; unauthenticated senders not allowed; please turn on smtp
    authentication; client was not authenticated; client not authenticated; security reasons; security policies;
    transport security; account not subscribed to ses; cryptographic
    """,
)

# Beside "mailbox unavailable", which is the standard's text for any 550.
POLICY_VIOLATION_FIRST = (
    C.POLICY_VIOLATION,
    """
    reject due to policy restrictions; reject due to policy violations; reject due to policy; rejected due to policy
    """,
)

POLICY_VIOLATION = (
    C.POLICY_VIOLATION,
    """
    organizational policy; organization policy; blocked by administrator; blocked by your organization; corporate
    policy; company policy; site policy; policy rule; refused by policy; does not allow external forwarding; transport
    rules rejectmessage; rejected by organization policy; blocked by organization policy; bounced due to organizational
    settings; message given low priority; not accepting mail with attachments; without solving a captcha; youre using a
    mass mailer; content examination; policy reasons; policy violation; local policy; local policy violation; policy
    rejection; policy reject; policy rejected; policy restrictions; policy restriction; policy setting; violates
    policy; violates our policy; violation of policy; denied by policy; blocked by policy; blocked by organization; due
    to policy; due to local policy; due to security policy; by local policy; against policy; against our policy;
    against company policy; administratively prohibited; administratively denied; administratively rejected; not
    accepted for policy; message not accepted for policy; message rejected for policy; host network not allowed; this
    message violates; rejected by policy; rejected by system; rejected by administrator; rejected by rule; rejected for
    policy; mail policy; email policy; email rejected due to security policies; terms of service; terms and conditions;
    content policy; delivery restriction; delivery restrictions
    """,
)
