"""Exact words about the recipient: the mailbox, its owner, its domain.

Rows are separated by `;` and read as the module `phrases` describes; what wins over what stands there.
"""

from __future__ import annotations

from undelivered.bounces.reasons import Cause as C

SUPPRESSED = (
    C.SUPPRESSED,
    """
    suppression list; address suppressed; account level suppression list; recipient suppressed; is on our suppression
    list; not delivering to previously bounced address; not delivering to a user who marked your messages as spam; not
    sent to suppressed recipient; suppressed due to previous bounces; hard bounce list; address has been suppressed;
    has a history of hard bouncing; address is globally suppressed; undeliverable address cached
    """,
)

SYSTEM_FULL = (
    C.SYSTEM_FULL,
    """
    out of storage on server; storage on server; mail system full; disk full; disk is full; file system full;
    filesystem full; filesystem is full; no space left on device; no space left; insufficient system storage;
    insufficient system resources; insufficient disk space; not enough disk space; requested mail action aborted
    exceeded storage allocation on server; out of disk space; mail server is full; storage full on server; server is
    full; not enough space in file system
    """,
)

MAILBOX_FULL_FIRST = (
    C.MAILBOX_FULL,
    """
    mailbox full; mailbox is full; mailbox size limit; mailbox limit exceeded; mailbox quota; mailbox over quota;
    recipients mailbox is full; mailbox has exceeded; user has too many messages; has too many messages on the server;
    too many messages on the server; too many messages in the mailbox; too many messages in mailbox; too many messages
    waiting; too many messages for this user
    """,
)

MAILBOX_FULL = (
    C.MAILBOX_FULL,
    """
    speichervolumen; not enough disk space for user; storage is exhausted; exhausted allowed storage;
    quotaexceededexception; mapiexceptionshutoffquotaexceeded; storedrv deliver mailbox full; capacity limit exceeded;
    disc quota exceeded; exceeding receiving limits; space has been used up; exceeding their quota; exceeding its
    mailbox quota; mailbox quota usage exceeded; exceeding the allowed; mailbox exceeded the local limit; disk space
    limit; usage exceeded; mailbox is currently full; mailbox was full; mailbox for user is full; mailbox too full;
    mailbox has reached; mailbox exceeded; mailbox exceeds; mailbox out of storage; mailbox filled; mailbox overquota;
    mailboxfull; inbox is full; inbox full; inbox is out of storage; maildir over quota; maildir delivery failed *
    quota; mail box full; mail box is full; mail quota exceeded; mail folder is full; mail directory is full; mail file
    size exceeds; mail file quota; account is full; account full; account is exceeding; account is overquota; account
    has exceeded; account over quota; user is over quota; user is overquota; user over quota; user has exceeded; user
    mailbox exceeds; user has used up; user quota exceeded; user exceeded; user has no space; user does not have enough
    space; user disk quota; user storage; recipient is over quota; recipient over quota; recipient overquota; recipient
    mailbox full; recipient mailbox is full; recipient reached disk quota; recipient has exceeded; recipient exceeded;
    recipient storage full; recipient rejected mailbox would exceed; mailbox would exceed maximum allowed storage;
    would exceed * quota; would exceed mailbox; would be over quota; would exceed quota; over quota; over the quota;
    over their quota; over its quota; over his quota; over her quota; over the allowed quota; over disk quota; over the
    storage quota; over the maximum allowed; overquota; out of storage; out of storage space; exceeded storage;
    exceeded the storage; exceeded storage allocation; exceeded allocated storage; exceeded * quota; exceeded its
    quota; exceeded their quota; exceeded quota; exceeds quota; exceeds the quota; exceeding the quota; exceeds allowed
    message count; exceeded the space; exceeded email space; exceeded disk; storage quota; storage capacity; storage
    space; quota exceeded; quota exceed; quota has been exceeded; quota full; quota is full; quota is exceeded; quota
    violation; quota reached; quotaexceeded; disk quota; diskquota; delivery failed over quota; not enough storage; not
    enough room; insufficient quota; insufficient mailbox; insufficient account; full mailbox; storage is full; too
    much mail data; dd this user doesnt have a yahoo com account; sorry your message to @ cannot be delivered this
    account is over quota; delivery to * over quota; mail drop * full; maximum number of messages in; mailfolder is
    full; recipient cannot receive mail at this time because
    """,
)

HAS_MOVED = (
    C.HAS_MOVED,
    """
    not local please try; no longer employed; recipient no longer on server; no forwarding address; has moved please;
    user has moved; has moved and left no forwarding; mailbox has moved; destination mailbox has moved; recipient has
    moved; address has changed; has changed address; changed their address; email address has changed; e-mail address
    has changed; address was changed; has a new email address; my new address; new email address is; address is changed
    to; has been replaced by; has been migrated; please use the new; moved permanently; left the company; no longer
    works; no longer work; no longer with the company; no longer with us; no longer an employee; has left the
    """,
)

SUSPEND = (
    C.SUSPEND,
    """
    due to inactivity; for inactivity; archived recipient; inactive account; inactive mailbox; inactive user; user is
    terminated; mailbox unavailable or access denied; temporarily inactive; disabled or discontinued; this address no
    longer accepts mail; account is locked email bounced; administratively disabled; extended inactivity; email account
    is suspended; mailbox is closed for; temporary locked; account limited; account disabled; account is disabled;
    account has been disabled; account that you tried to reach is disabled; account that you tried to reach is
    inactive; account you tried to reach is disabled; account inactive; account is inactive; account locked; account is
    locked; account has been locked; account suspended; account is suspended; account has been suspended; account is
    temporarily suspended; account is temporarily disabled; account is currently suspended; account is currently
    disabled; account was suspended; account deactivated; account has been deactivated; account is deactivated; account
    is not active; account not active; account expired; account has expired; account closed due to; account is blocked;
    account blocked; account has been blocked; account temporarily blocked; account is frozen; account frozen; account
    is temporarily unavailable; account restricted; this account is not; account de-activated; account deactive;
    recipient account is blocked; recipient suspend the service; recipient suspended; recipient is suspended; recipient
    disabled; recipient has been suspended; recipient inactive; recipient is inactive; recipient is not active;
    disabled recipient address; mailbox disabled; mailbox is disabled; mailbox is disabled not accepting messages;
    mailbox has been disabled; mailbox currently suspended; mailbox is suspended; mailbox suspended; mailbox has been
    suspended; mailbox frozen; mailbox is frozen; mailbox is frozen due to non-payment; mailbox is inactive; mailbox
    inactive; mailbox for this user is inactive; mailbox inactive for; mailbox not active; mailbox is not active;
    mailbox is currently inactive; mailbox locked; mailbox is locked; mailbox has been locked; mailbox is blocked;
    mailbox blocked; mailbox has been blocked; mailbox temporarily disabled; mailbox is temporarily disabled; mailbox
    is currently disabled; mailbox deactivated; mailbox has been deactivated; mailbox expired; mailbox has expired;
    user suspended; user is suspended; user has been suspended; user account suspended; user disabled; user is
    disabled; user account is disabled; user account disabled; user account locked; user inactive; user is inactive;
    user deactivated; user has been deactivated; user is deactivated; user is blocked; user has been blocked; user
    account has been; user email account is suspended; user not active; user is not active; user temporarily disabled;
    user expired; user is locked; user is currently suspended; is temporarily disabled; is now suspended; is currently
    not accessible; not been active; temporarily locked; address disabled; address has been disabled; address
    deactivated; address has been deactivated; address is deactivated; email inbox * is no longer in use; inbox * no
    longer in use; inbox * no longer monitored; domain is suspended; domain suspended; domain has been disabled; domain
    has been suspended; domain disabled; email account is disabled; email account suspended; boite du destinataire
    archivee; destinataire est bloque; conta desativada
    """,
)

NOT_ACCEPT = (
    C.NOT_ACCEPT,
    """
    mx record is null; mx is null; has a null mx; mx points to null; couldnt find a mail exchanger; could not find a
    mail exchanger; indicated no smtp service; mail receiving disabled; no route for current request; host does not
    accept mail; host does not accept email; does not accept mail null mx; null mx; nullmx; domain does not accept
    mail; domain does not accept email; domain of recipient does not accept mail; does not accept mail rfc7504; does
    not accept any mail; does not receive email; doesnt receive email; doesnt receive mail; does not accept mail;
    server does not accept mail; does not accept email; doesnt accept email; doesnt accept mail; doesnt accept any
    mail; an mx or srv record indicated no smtp service; no mx found; no mx found for domain; no mx record; no mx
    record found; no mx records; no mx or a; no mx or a records; no mx hosts; no valid mx; no mail exchanger; no mail
    exchange; no mail hosts; cant find any mail servers; could not find a mail server; smtp protocol returned a
    permanent error; name server no data; has no mx; recipient server does not accept mail; not configured to accept
    mail; not configured to receive mail; mail not accepted at this; this host accepts no mail; machine does not accept
    mail; no host found for domain; cname lookup does not accept smtp mail; recipient domain has no
    """,
)

HOST_UNKNOWN = (
    C.HOST_UNKNOWN,
    """
    bad system name; bad host name; because the domain * couldnt be found; because the domain * could not be found;
    domain * was not found; host unreachable; mail domain mentioned in email address is unknown; unknown domain name;
    account or domain may not exist; host unknown; unknown host; host not found; host name not found; hostname not
    found; host or domain name not found; host or domain name not found name service error; domain name not found;
    domain not found; domain does not exist; domain doesnt exist; domain is not found; domain unknown; unknown domain;
    domain invalid; domain is invalid; domain must exist; domain non existent; domain is dead; domain mentioned not
    found; domain of recipient; domain couldnt be found; domain could not be found; domain is not exist; couldnt find
    any host named; could not find any host named; no such host; no such domain; no such domain at this location; no
    such domain here; no such destination; recipient domain must exist; recipient domain not found; recipient domain
    does not exist; recipient address rejected domain not found; recipient address rejected unknown recipient domain;
    invalid domain name; invalid domain; invalid host name; bad destination system address; bad destination system; bad
    destination host; name or service not known; nodename nor servname provided; name service error for name; non
    existent domain; nonexistent domain; unrouteable mail domain; unroutable mail domain; unrouteable address;
    unroutable address; all relevant mx records point to non existent hosts; has no mail exchanger; host lookup did not
    complete; lookup of * couldnt find a host; cannot resolve domain; unresolved domain; illegal host domain name
    found; illegal domain; email domain not found; address couldnt be found domain; dns error address resolution of *
    failed domain name not found; recipient domain is invalid; 503 unknown host; 550 unknown host; could not resolve
    host; resolver adr domainnotfound; 550 host unknown; name server host not found; authoritative host not found; host
    not known; domain is not valid; server for the domain could not be found
    """,
)

FILTERED = (
    C.FILTERED,
    """
    recipients rules; user rules; filtered by recipient; filtered by the recipient; rejected by recipients; recipients
    filter; recipient filter; filter rules; recipients preferences; recipients settings; refused due to recipient
    preferences; message rejected due to user rules; user refuses to receive this mail; has restricted sms e-mail; only
    accepting mail from specific email addresses; resolver rst notauthorized; you have been blocked by the recipient;
    because the following address recipient id refuse to receive mail; rejected by user rules; recipient has blocked
    """,
)

USER_UNKNOWN = (
    C.USER_UNKNOWN,
    """
    wasnt found at; was not found at; recipient cannot be verified; recipient could not be verified; directory lookup
    failed; recipients to verify they are valid; no such entry; dosnt exist; dosent exist; doesnot exist; doesnt
    exists; user by that name; badrecipientto list; validrcptto list; address unrouteable user; you tried to reach is
    not available; do not have a mailbox; does not have a mailbox; dont have a mailbox; no mailbox for; not have an
    account; no account for; no longer a valid user; not a valid email address; could not be found or was misspelled;
    recipient verification; recipient address rejected unverified address; resolver fwd notfound; addresses were
    unknown; address was unknown; recipients were unknown; receiver not found; invalid receiver address; receiver
    unknown; unknown receiver; not a valid user here; does not exist in our; user unknown; user is unknown; user
    unkown; user unknow; users unknown; unknown user; unknown users; unknown user account; unknown recipient; unknown
    recipients; unknown local part; unknown local user; unknown local; unknown address; unknown or illegal; unknown or
    illegal alias; unknown or illegal user; unknown mailbox; unknown account; unknown username; unknown alias; unknown
    virtual mailbox; unknown destination mailbox; unknown email address; unknown host or user; unknown recipient
    address; recipient unknown; recipient is unknown; recipient address unknown; recipients unknown; recipient not
    found; recipient was not found; recipient notfound; recipient does not exist; recipient doesnt exist; recipient not
    exist; recipient not known; recipient not exists; recipient is not exist; recipient do not exist; recipient no
    found; recipient is not local; recipient is invalid; recipient invalid; recipient is not valid; recipient not
    valid; recipient is not a valid; recipient name is not recognized; recipient address not found; recipient address
    rejected user unknown; recipient address rejected access denied; recipient address rejected unknown; recipient
    address rejected no such; recipient address rejected undeliverable; recipient address rejected mailbox; recipient
    address rejected not; recipient address rejected unverified; recipient address rejected address; recipient address
    rejected invalid; recipient address does not exist; recipient address verification failed; recipient verification
    failed; recipient could not be found; recipient mailbox not; recipient mailbox does not exist; recipient verify
    failed; recipient not verified; recipnotfound; recipientnotfound; recipient rejected no such; resolver adr;
    resolver adr recipnotfound; resolver adr exrecipnotfound; resolver adr recipientnotfound; resolver adr invalidinex;
    invalid recipient; invalid recipients; invalid recipient address; invalid mailbox; invalid mailbox path; invalid
    username; invalid user name; invalid email address; invalid final delivery userid; invalid rcpt; invalid or
    unknown; invalid or unknown virtual user; invalid virtual user; invalid alias; bad destination mailbox; bad
    destination email address; bad recipient; bad recipient address; bad email address; bad mailbox; illegal user;
    illegal alias; illegal recipient; no such user; no such users; no such user here; no such recipient; no such
    recipient here; no such mailbox; no such mailbox here; no such address; no such address here; no such account; no
    such person; no such name; no such local user; no such email; no such email address; no such alias; no such virtual
    user; no such id; no such userid; no such mail drop; no such maildrop; no such member; no such unknown; no such
    customer; no such subscriber; nosuchuser; no user by that name; no user with that name; no user found; no users
    here by that name; no mailbox here by that name; no mailbox by that name; no mailbox found; no account by that
    name; no account with; no valid recipient; no valid recipients; no valid recipients remaining; no recipient found;
    no one here; no one by that name; no longer on server; no longer exists; no longer exist; no longer has an account;
    no longer an active; no longer accepting mail; no longer subscribes; no longer subscribed; no local mailbox; no
    matching recipient; user not found; user was not found; user notfound; user not known; user not exist; user not
    exists; user not existed; user no exist; user no found; user not listed; user not local; user not available; user
    not registered; user not here; user does not exist; user doesnt exist; user dosent exist; user does not exists;
    user doesnt exists; user do not exist; user dont exist; user didnt exist; user does not have an; user doesnt have
    a; user could not be found; user cannot be found; user cant be found; user name not found; user name was not; user
    name unknown; user id is not; user id not found; user is not found; user is not known; user is not registered; user
    is not recognized; user nonexistent; user non existent; user is no longer; user is invalid; user terminated; user
    has been deleted; user deleted; user mailbox not found; user removed; user closed; username unknown; username not
    found; username does not exist; usernotfound; userunknown; member not found; mailbox not found; mailbox was not
    found; mailbox could not be found; mailbox not here; mailbox not exist; mailbox not exists; mailbox does not exist;
    mailbox doesnt exist; mailbox does not exists; mailbox doesnot exist; mailbox do not exist; mailbox unknown;
    mailbox unavailable; mailbox is unavailable; mailbox unavailable or does not exist; mailbox not available; mailbox
    is not available; mailbox isnt available; mailbox not known; mailbox not local; mailbox name not; mailbox invalid;
    mailbox not valid; mailbox has been removed; mailbox has been deleted; mailbox deleted; mailbox removed; mailbox
    closed; mailbox nonexistent; mailbox non existent; mailbox unrecognised; mailboxunavailable; address does not
    exist; address doesnt exist; address does not exists; address not exist; address not exists; address not found;
    address couldnt be found; address could not be found; address cannot be found; address was not found; address not
    found in; address unknown; address is unknown; address unrecognised; address not present; address not present in
    directory; address not known; address is not known; address not listed; address not valid; address is not valid;
    address invalid; address is invalid; address is no longer; address is not a valid; address not a valid; address
    nonexistent; address has been deleted; address has been removed; address not recognized; address rejected * user;
    addressee unknown; addressee not; email account that you tried to reach does not exist; email account you tried to
    reach does not exist; account that you tried to reach does not exist; account does not exist; account doesnt exist;
    account not found; account not exist; account is not available; account not available; account is closed; account
    closed; account has been closed; account deleted; account has been deleted; account is deleted; account unknown;
    account has been removed; account cancelled; account canceled; account terminated; account has been terminated;
    account not valid; account is invalid; account invalid; account name; email name is not found; email not found;
    email unknown; email does not exist; email account does not; email account not; does not have an email account;
    doesnt have an account; doesnt have an account here; has no mailbox; has no account; not a valid mailbox; not a
    valid recipient; not a valid user; not a valid address; not a valid email; not a valid; not a known user; not an
    active address; not an existing; not a mailbox; not a registered; not known at this site; not known here; not in my
    recipient; not in our database; not in the directory; not in address book; not in recipient; not found in
    directory; not found in the directory; not listed in public name; not listed in public name address book; not
    listed in domino directory; not our user; name not found; name is not recognized; nonexistent mailbox; nonexistent
    user; nonexistent recipient; nonexistent address; non existing recipient; does not exist here; doesnt exist here;
    does not like recipient; this user doesnt have a; this account does not exist; unrouteable local; unresolvable
    address; unresolvable recipient; requested action not taken mailbox unavailable; requested action not taken mailbox
    not found; sorry no mailbox here by that name; alias not found; is a deactivated mailbox
    """,
)
