"""Words that are better evidence than any code, by cause; an earlier section wins over a later one.

Rows are separated by `;` and read as the module phrases describes.
"""

from __future__ import annotations

from undelivered.bounces.reasons import Cause as C

EXACT: tuple[tuple[C, str], ...] = (
    (
        C.BAD_REPUTATION,
        """
        due to ip reputation; due to the very low reputation; poor email reputation; mtas poor reputation;
        ip domain reputation problems; due to domain reputation; due to poor reputation; due to low reputation
        """,
    ),
    (
        C.BLOCKED,
        """
        helo command rejected; ehlo command rejected; service not available closing transmission channel; go away;
        currently sending spam; rejecting open proxy; server access forbidden by your ip;
        your server requires confirmation; multi-blacklist; access denied ip name lookup failed
        """,
    ),
    (
        C.SUPPRESSED,
        """
        suppression list; address suppressed; account level suppression list; recipient suppressed;
        is on our suppression list; not delivering to previously bounced address;
        not delivering to a user who marked your messages as spam; not sent to suppressed recipient;
        suppressed due to previous bounces; hard bounce list; address has been suppressed;
        has a history of hard bouncing; address is globally suppressed; undeliverable address cached
        """,
    ),
    (
        C.RATE_LIMITED,
        """
        try again slower; please try again slower; too many smtp sessions; numerous attempts to deliver this message;
        currently limiting; delivery temporarily throttled; limited the number; number of connections;
        connection count; simultaneous smtp; max message per connection; max messages per connection;
        temporarily rate limited; has sent to too many recipients this hour; too many recipients this hour;
        receiving mail at a rate that; receiving mail too quickly; receiving email at a rate;
        receiving mail at too quickly a rate; sending mail at a rate; exceeded the maximum number of messages;
        daily smtp relay limit exceeded; daily user sending limit exceeded; daily user sending quota exceeded;
        daily sending quota exceeded; maximum sending rate exceeded; sending rate exceeded; throttling failure;
        daily message quota exceeded; has exceeded its * messages per; too many emails per second; sender rate limit;
        rate limit exceeded; rate limited; rate limiting; ratelimit; ratelimited; rate control; exceeds rate limit;
        message rate exceeded; smtp throttling; too many connections; too many concurrent;
        too many concurrent smtp connections; too many simultaneous connections; too many sessions;
        too many open connections; maximum number of concurrent; number of concurrent connections has exceeded;
        connection limit; connection limit exceeded; connection rate limit; exceeded the connection limit;
        concurrency limit; concurrent connections; maximum connections reached; connections from your host;
        connections from your ip; connection frequency limited; domain frequency limited; frequency limit;
        too many messages; too many mails; too many emails; too many sent; too many recipients;
        too many recipients for this sender; too much traffic; sending too fast; exceeded its sending limit;
        exceeds the maximum number of recipients; exceeded max number of recipients; exceeded the allowed number;
        exceeded sending limit; exceeded email quota; hourly limit; hourly quota; hourly rate; hourly email limit;
        exceeded the max emails per hour; discarded because it exceeded; sending limit; daily limit;
        daily sending limit; allowed per connection; mail volume; unusual rate of unsolicited mail; unusual rate of;
        message limit reached; please slow down; you are sending too; temporarily throttled; exceeded the rate;
        limit on the number; the maximum number of recipients; excessive number of recipients; recipients exceeded;
        receive limit exceeded; recipient limit exceeded; recipient count exceeded; thread limit exceeded
        """,
    ),
    (
        C.AUTH_FAILURE,
        """
        sender is unauthenticated; authenticate with either spf or dkim; dkim did not pass; spf did not pass;
        dkim * did not pass; spf * did not pass; isnt aligned with; is not aligned with; not aligned with;
        does not pass dmarc; bad spf; failed sender authentication; domain authentication fail; unauthenticated email;
        unauthenticated mail; unauthenticated sender; multiple authentication checks failed; dmarc; spf check failed;
        spf check; spf failed; spf failure; spf failures; spf record; spf records; spf hardfail; spf softfail;
        spf soft fail; spf hard fail; spf fails; spf validation; spf verification; spf permerror; spf temperror;
        spf pobox com; openspf; openspf net; openspf org; spf settings; spf policy; spf rejection;
        spf unauthorized mail; spf error; spf lookup; spf sender policy; fail spf; failed spf; fails spf; passing spf;
        sender policy framework; domain of * does not designate; does not designate; is not designated;
        not a permitted sender; is not allowed to send mail from; is not allowed to send from;
        is not authorized to send from; not authorized to use; is not authorized to send mail on behalf of;
        not authorized to send email from; rejecting email from unauthorized; not permitted to send on behalf of;
        not permitted to send by; not authorized by spf; dkim check failed; domainkeys; domain key;
        fails to pass authentication checks; authentication checks; does not meet the required authentication level;
        doesnt meet the required authentication level; fails authentication requirements;
        failed authentication checks; authentication information; does not pass authentication; senderid;
        message failed authentication; arc validation; pass sender authentication; sender authentication failed
        """,
    ),
    (
        C.REQUIRE_PTR,
        """
        reverse dns; ptr record; ptr records; no ptr; invalid ptr; ptr lookup; ptr resource record; requires ptr;
        rdns; rdns dns validation failed; fcrdns; reverse dns lookup; reverse lookup; reverse mapping;
        reverse hostname; reverse host name; reverse path cannot resolve; cannot find your reverse hostname;
        cannot find your hostname; cannot resolve your hostname; cannot resolve your address; cannot resolve your ip;
        can not resolve your; unresolvable relay host name; unable to verify your hostname; ip name lookup failed;
        ip name possibly forged; client ip address has no name; no matches to nameserver query;
        not resolve to a hostname; does not resolve to your; does not have a valid hostname;
        doesnt have a valid hostname; dns ptr; dynamic/generic hostnames; missing or invalid hostname;
        hostname verification failed; invalid hostname of; lacks reverse; unverifyable sending; unverifiable sending;
        all mail servers must have a ptr record; connecting ip * no name; sender ip must resolve
        """,
    ),
    (
        C.VIRUS_DETECTED,
        """
        virus infected; ransomware; harmful content; mcspamsignature; illegal attachment;
        attachment type is not allowed; attachment type not allowed; blocked attachment; attachment blocked;
        banned attachment; banned file; prohibited attachment; forbidden attachment; dangerous attachment;
        executable attachment; executable file; potentially executable; message contains a suspect;
        its content presents a potential security issue; content presents a potential security issue
        """,
    ),
    (
        C.FAILED_STARTTLS,
        """
        sent over a tls connection; tls required but not supported; does not support tls; not support tls;
        not support starttls; starttls is required to send mail; must issue a starttls command first;
        must issue starttls; starttls required; tls required; requires tls; require tls; tls is required;
        encryption required for; requires encryption; tls handshake; tls negotiation; tls certificate;
        tls not available; tls is not available; ssl handshake; tls error; tls connect failed;
        certificate verify failed; certificate not trusted; certificate has expired; cannot start tls;
        did not offer starttls; mta sts; encrypted connection
        """,
    ),
    (
        C.EMAIL_TOO_LARGE,
        """
        message size exceeds; message size limit; message too large; message too big; message is too large;
        message is too big; message was too large; mail too large; mail is too large; mail too big; mail is too big;
        email too large; email is too large; message file too big; message length exceeds; message larger than;
        message is larger than; message to large; message size is too; message size too; message body too large;
        message content size; message header size exceeds; message header too big; maximum message size;
        max message size; maximum allowed size; exceeds size limit; exceeds fixed limit; exceeds the size limit;
        exceeds the maximum size; exceeds the maximum message size; exceeds maximum message size;
        exceeded maximum message size; exceeded the maximum message size; exceeds fixed maximum message size;
        exceeded maximum inbound message size; size limit exceeded; size restriction; data size exceeds;
        line limit exceeded; larger than the current system limit; larger than the maximum;
        exceeds administrative limit; resolver rst recipsizelimit; resolver rst sendsizelimit; recipsizelimit;
        sendsizelimit; content length exceeds; this message was * too big; attachment too large
        """,
    ),
    (
        C.SYSTEM_FULL,
        """
        mail system full; disk full; disk is full; file system full; filesystem full; filesystem is full;
        no space left on device; no space left; insufficient system storage; insufficient system resources;
        insufficient disk space; not enough disk space;
        requested mail action aborted exceeded storage allocation on server; out of disk space; mail server is full;
        storage full on server; server is full; not enough space in file system
        """,
    ),
    (
        C.MAILBOX_FULL,
        """
        capacity limit exceeded; disc quota exceeded; exceeding receiving limits; space has been used up;
        exceeding their quota; exceeding its mailbox quota; mailbox quota usage exceeded; exceeding the allowed;
        mailbox exceeded the local limit; disk space limit; usage exceeded; mailbox full; mailbox is full;
        mailbox is currently full; mailbox was full; mailbox for user is full; mailbox too full; mailbox has exceeded;
        mailbox has reached; mailbox exceeded; mailbox exceeds; mailbox quota; mailbox size limit;
        mailbox out of storage; mailbox filled; mailbox overquota; mailboxfull; mailbox over quota; inbox is full;
        inbox full; inbox is out of storage; maildir over quota; maildir delivery failed * quota; mail box full;
        mail box is full; mail quota exceeded; mail folder is full; mail directory is full; mail file size exceeds;
        mail file quota; account is full; account full; account is exceeding; account is overquota;
        account has exceeded; account over quota; user is over quota; user is overquota; user over quota;
        user has exceeded; user mailbox exceeds; user has too many messages; user has used up; user quota exceeded;
        user exceeded; user has no space; user does not have enough space; user disk quota; user storage;
        recipient is over quota; recipient over quota; recipient overquota; recipient mailbox full;
        recipient mailbox is full; recipient reached disk quota; recipient has exceeded; recipient exceeded;
        recipient storage full; recipient rejected mailbox would exceed; mailbox would exceed maximum allowed storage;
        would exceed * quota; would exceed mailbox; would be over quota; would exceed quota; over quota;
        over the quota; over their quota; over its quota; over his quota; over her quota; over the allowed quota;
        over disk quota; over the storage quota; over the maximum allowed; overquota; out of storage;
        out of storage space; exceeded storage; exceeded the storage; exceeded storage allocation;
        exceeded allocated storage; exceeded * quota; exceeded its quota; exceeded their quota; exceeded quota;
        exceeds quota; exceeds the quota; exceeding the quota; exceeds allowed message count; exceeded the space;
        exceeded email space; exceeded disk; storage quota; storage capacity; storage space; quota exceeded;
        quota exceed; quota has been exceeded; quota full; quota is full; quota is exceeded; quota violation;
        quota reached; quotaexceeded; disk quota; diskquota; delivery failed over quota; not enough storage;
        not enough room; insufficient quota; insufficient mailbox; insufficient account; full mailbox;
        storage is full; too much mail data; too many messages in; too many messages on; too many messages for;
        too many messages waiting; dd this user doesnt have a yahoo com account;
        sorry your message to @ cannot be delivered this account is over quota; delivery to * over quota;
        mail drop * full; maximum number of messages in; mailfolder is full;
        recipient cannot receive mail at this time because
        """,
    ),
    (
        C.HAS_MOVED,
        """
        recipient no longer on server; no forwarding address; has moved please; user has moved;
        has moved and left no forwarding; mailbox has moved; destination mailbox has moved; recipient has moved;
        address has changed; has changed address; changed their address; email address has changed;
        e-mail address has changed; address was changed; has a new email address; my new address;
        new email address is; address is changed to; has been replaced by; has been migrated; please use the new;
        moved permanently; left the company; no longer works; no longer work; no longer with the company;
        no longer with us; no longer employed; no longer an employee; has left the
        """,
    ),
    (
        C.SUSPEND,
        """
        archived recipient; inactive account; inactive mailbox; inactive user; user is terminated;
        mailbox unavailable or access denied; temporarily inactive; disabled or discontinued;
        this address no longer accepts mail; account is locked email bounced; administratively disabled;
        extended inactivity; email account is suspended; mailbox is closed for; temporary locked; account limited;
        account disabled; account is disabled; account has been disabled; account that you tried to reach is disabled;
        account that you tried to reach is inactive; account you tried to reach is disabled; account inactive;
        account is inactive; account locked; account is locked; account has been locked; account suspended;
        account is suspended; account has been suspended; account is temporarily suspended;
        account is temporarily disabled; account is currently suspended; account is currently disabled;
        account was suspended; account deactivated; account has been deactivated; account is deactivated;
        account is not active; account not active; account expired; account has expired; account closed due to;
        account is blocked; account blocked; account has been blocked; account temporarily blocked; account is frozen;
        account frozen; account is temporarily unavailable; account restricted; this account is not;
        account de-activated; account deactive; recipient account is blocked; recipient suspend the service;
        recipient suspended; recipient is suspended; recipient disabled; recipient has been suspended;
        recipient inactive; recipient is inactive; recipient is not active; disabled recipient address;
        mailbox disabled; mailbox is disabled; mailbox is disabled not accepting messages; mailbox has been disabled;
        mailbox currently suspended; mailbox is suspended; mailbox suspended; mailbox has been suspended;
        mailbox frozen; mailbox is frozen; mailbox is frozen due to non-payment; mailbox is inactive;
        mailbox inactive; mailbox for this user is inactive; mailbox inactive for; mailbox not active;
        mailbox is not active; mailbox is currently inactive; mailbox locked; mailbox is locked;
        mailbox has been locked; mailbox is blocked; mailbox blocked; mailbox has been blocked;
        mailbox temporarily disabled; mailbox is temporarily disabled; mailbox is currently disabled;
        mailbox deactivated; mailbox has been deactivated; mailbox expired; mailbox has expired; user suspended;
        user is suspended; user has been suspended; user account suspended; user disabled; user is disabled;
        user account is disabled; user account disabled; user account locked; user inactive; user is inactive;
        user deactivated; user has been deactivated; user is deactivated; user is blocked; user has been blocked;
        user account has been; user email account is suspended; user not active; user is not active;
        user temporarily disabled; user expired; user is locked; user is currently suspended; is temporarily disabled;
        is now suspended; is currently not accessible; not been active; temporarily locked; address disabled;
        address has been disabled; address deactivated; address has been deactivated; address is deactivated;
        email inbox * is no longer in use; inbox * no longer in use; inbox * no longer monitored; domain is suspended;
        domain suspended; domain has been disabled; domain has been suspended; domain disabled;
        email account is disabled; email account suspended; boite du destinataire archivee; destinataire est bloque;
        conta desativada
        """,
    ),
    (
        C.NOT_COMPLIANT_RFC,
        """
        missing a valid address in from header; having no from header; duplicate header; duplicate headers;
        not rfc 5322 compliant; not rfc 2822 compliant; not rfc 822 compliant; not rfc 5321 compliant;
        not rfc compliant; not compliant with rfc; non compliant with rfc; not 5322 compliant; not in compliance;
        does not comply with rfc; doesnt comply with rfc; violates rfc; rfc violation; rfc compliance; rfc compliant;
        rfc 5322; rfc5322; rfc 2822; rfc2822; multiple from; more than one from; multiple addresses in from;
        multiple * headers; missing from header; missing from; from header is missing; missing to header;
        missing date header; missing message id; no message id; invalid message id; message id is missing; bare lf;
        bare linefeed; bare linefeeds; bare line feed; bare line feeds; bare newline; bare newlines; bare cr;
        stray newline; smtp pix; this message is not rfc; https support google com mail p rfcmessagenoncompliant;
        message is not rfc; header is missing; headers must be; line too long; lines longer than
        """,
    ),
    (
        C.NOT_ACCEPT,
        """
        mail receiving disabled; no route for current request; host does not accept mail; host does not accept email;
        does not accept mail null mx; null mx; nullmx; domain does not accept mail; domain does not accept email;
        domain of recipient does not accept mail; does not accept mail rfc7504; does not accept any mail;
        does not receive email; doesnt receive email; doesnt receive mail; does not accept mail;
        server does not accept mail; does not accept email; doesnt accept email; doesnt accept mail;
        doesnt accept any mail; no smtp service; an mx or srv record indicated no smtp service; no mx found;
        no mx found for domain; no mx record; no mx record found; no mx records; no mx or a; no mx or a records;
        no mx hosts; no valid mx; no mail exchanger; no mail exchange; no mail hosts; cant find any mail servers;
        could not find a mail server; smtp protocol returned a permanent error; name server no data; has no mx;
        recipient server does not accept mail; not configured to accept mail; not configured to receive mail;
        mail not accepted at this; system not accepting network messages; this host accepts no mail;
        machine does not accept mail; no host found for domain; cname lookup does not accept smtp mail;
        recipient domain has no
        """,
    ),
    (
        C.HOST_UNKNOWN,
        """
        host unreachable; mail domain mentioned in email address is unknown; unknown domain name;
        account or domain may not exist; host unknown; unknown host; host not found; host name not found;
        hostname not found; host or domain name not found; host or domain name not found name service error;
        domain name not found; domain not found; domain does not exist; domain doesnt exist; domain is not found;
        domain unknown; unknown domain; domain invalid; domain is invalid; domain must exist; domain non existent;
        domain is dead; domain mentioned not found; domain of recipient; domain couldnt be found;
        domain could not be found; domain is not exist; couldnt find any host named; could not find any host named;
        no such host; no such domain; no such domain at this location; no such domain here; no such destination;
        recipient domain must exist; recipient domain not found; recipient domain does not exist;
        recipient address rejected domain not found; recipient address rejected unknown recipient domain;
        invalid domain name; invalid domain; invalid host name; bad destination system address;
        bad destination system; bad destination host; name or service not known; nodename nor servname provided;
        name service error for name; non existent domain; nonexistent domain; unrouteable mail domain;
        unroutable mail domain; unrouteable address; unroutable address;
        all relevant mx records point to non existent hosts; has no mail exchanger; host lookup did not complete;
        host lookup failed; lookup of * couldnt find a host; cannot resolve domain; unresolved domain;
        illegal host domain name found; illegal domain; email domain not found; address couldnt be found domain;
        dns error address resolution of * failed domain name not found; recipient domain is invalid; 503 unknown host;
        550 unknown host; could not resolve host; resolver adr domainnotfound; 550 host unknown;
        name server host not found; authoritative host not found; host not known; domain is not valid;
        server for the domain could not be found
        """,
    ),
    (
        C.REJECTED,
        """
        emetteur invalide; is not a registered gateway user; rule imposed mailbox access for; denied bouncedeny;
        rfc 1035 violation recursive cname records for; sender is spammer; empty email address; unsigned dsn for;
        used to send your message is not subscribed;
        your access to submit messages to this e-mail system has been rejected;
        your email address has been blacklisted; sender was rejected; fully qualified email address required;
        this server does not accept mail from; different address or alias using; administrative prohibition;
        mailfrom domain is listed in spamhaus; by non-member to a members-only list;
        denied by secumail valid-address-filter; closed mailing list; validation of sender failed;
        resolver rst sendernotauthenticatedforgroup; sender was not authenticated when sending to this group;
        address that has been blacklisted; all recipient addresses rejected; sender address rejected; sender rejected;
        sender address is rejected; sender address denied; sender address verification failed; sender verify failed;
        sender verification failed; sender verify; sender not verified; sender refused; sender domain blocked;
        sender domain is blocked; sender domain rejected; sender domain not allowed; sender domain is empty;
        sender domain does not exist; sender domain must exist; sender domain not found; sender domain must resolve;
        sender domain invalid; sender host unknown; sender is unknown; sender invalid; sender is invalid;
        sender not allowed; sender is not allowed; sender not permitted; sender not authorized;
        sender is not authorized; sender not authenticated for group; sender not in; sender not pre-approved;
        sender email address rejected; sender email address is; sender email has been; sender address invalid;
        sender address not; sender address is not; sender non local; sender access denied; sender banned;
        sender blacklisted; sender is blacklisted; senders address; senders domain; senders host; unroutable sender;
        unrouteable sender; unresolvable sender; invalid sender; invalid sender domain; invalid return path;
        invalid from; invalid mail from; invalid domain see; invalid envelope sender; invalid reverse path;
        bad sender; bad sender address; bad senders system address; bad mail from; bad mailfrom; bad return; bad from;
        badmailfrom; unknown sender; unknown sender address; unverified sender; unverified address;
        unable to verify sender; could not verify sender; cannot verify sender; cant verify sender;
        could not verify sender address; cannot resolve your sender; can not find your sender;
        domain of sender address * does not exist; domain of sender address; domain of sender; sender domain of;
        sender callout; envelope sender rejected; return path rejected; return path is invalid; mailfrom rejected;
        mail from rejected; mail from command rejected; mail from denied; from address is not; from address not;
        from domain is invalid; rejected envelope from; access denied sender; message from a * not accepted;
        backscatter protection detected; batv; bounce forbidden; bogus mail from; null sender; null senders;
        null sender is not allowed; empty sender; empty envelope senders not allowed; empty from;
        does not accept bounces; not accept bounces; doesnt accept bounces; no bounces; mail from not owned by user;
        not owned by user; the from address; has installed an invalid mx record; invalid mx record;
        no mx record for sender; returned mail not accepted here; delivery not allowed to non local;
        please use a valid; rejected because of unacceptable from; you are not a member; not a member of this;
        only members; members only; not subscribed; not allowed to post; not permitted to post;
        not permitted to send to; not allowed to send to; not authorized to send to; may not have permission to post;
        posting to this; restricted to; non member; nonmember; not a subscriber; not on the list of allowed senders;
        not in allowed senders; only accepts mail from; accepts mail from * only; resolver rst auth;
        resolver rst restrictedtorecipientspermission; resolver rst restrictedtorecipients; resolver rst authrequired;
        only accept messages from; only accepts messages from; only accept mail from; allowed to send to this;
        recipient only accepts; blocked by the recipient; refuses your mail; is not accepting mail from you;
        is not accepting mail from; is not accepting messages from; is rejecting mail from
        """,
    ),
    (
        C.NO_RELAYING,
        """
        we dont handle mail for; not local host; specified domain is not allowed; not allowed to relay;
        permitted to relay; as a relay; relaying denied; relaying is denied; relaying not allowed;
        relaying is not allowed; relaying prohibited; relaying not permitted; relaying to; relaying mail to;
        relaying disallowed; relaying through this server; unable to relay; cannot relay; can not relay; no relaying;
        relay not permitted; relay not allowed; relay is not allowed; relay access denied; relay access; relay denied;
        relay operation rejected; relay disallowed; relay prohibited; relay rejected; relay restriction;
        relay from unauthorized; not a relay; not an open relay; dont relay; does not relay; unauthorized relay;
        third party relay; send mail through this server; not configured to relay; not one of our; is not a gateway;
        insecure mail relay;
        mail server requires authentication when attempting to send to a non local e mail address;
        email address is not verified; that domain isnt in my list of allowed rcpthosts; isnt in my list of allowed;
        rcpthosts; domain is not local; domain not local; domain not served here; not hosted here; not handled here;
        not accepted here; not serviced here; is not served here; isnt hosted; non local domain; must login first;
        send a non local; foreign mail
        """,
    ),
    (
        C.FILTERED,
        """
        refused due to recipient preferences; message rejected due to user rules; user refuses to receive this mail;
        has restricted sms e-mail; only accepting mail from specific email addresses; resolver rst notauthorized;
        you have been blocked by the recipient; because the following address recipient id refuse to receive mail;
        rejected by user rules; recipient has blocked
        """,
    ),
    (
        C.USER_UNKNOWN,
        """
        not a valid user here; does not exist in our; user unknown; user is unknown; user unkown; user unknow;
        users unknown; unknown user; unknown users; unknown user account; unknown recipient; unknown recipients;
        unknown local part; unknown local user; unknown local; unknown address; unknown or illegal;
        unknown or illegal alias; unknown or illegal user; unknown mailbox; unknown account; unknown username;
        unknown alias; unknown virtual mailbox; unknown destination mailbox; unknown email address;
        unknown host or user; unknown recipient address; recipient unknown; recipient is unknown;
        recipient address unknown; recipients unknown; recipient not found; recipient was not found;
        recipient notfound; recipient does not exist; recipient doesnt exist; recipient not exist;
        recipient not known; recipient not exists; recipient is not exist; recipient do not exist; recipient no found;
        recipient is not local; recipient is invalid; recipient invalid; recipient is not valid; recipient not valid;
        recipient is not a valid; recipient name is not recognized; recipient address not found;
        recipient address rejected user unknown; recipient address rejected access denied;
        recipient address rejected unknown; recipient address rejected no such;
        recipient address rejected undeliverable; recipient address rejected mailbox; recipient address rejected not;
        recipient address rejected unverified; recipient address rejected address; recipient address rejected invalid;
        recipient address does not exist; recipient address verification failed; recipient verification failed;
        recipient could not be found; recipient mailbox not; recipient mailbox does not exist;
        recipient verify failed; recipient not verified; recipnotfound; recipientnotfound; recipient rejected no such;
        resolver adr; resolver adr recipnotfound; resolver adr exrecipnotfound; resolver adr recipientnotfound;
        resolver adr invalidinex; invalid recipient; invalid recipients; invalid recipient address; invalid mailbox;
        invalid mailbox path; invalid username; invalid user name; invalid email address;
        invalid final delivery userid; invalid rcpt; invalid or unknown; invalid or unknown virtual user;
        invalid virtual user; invalid alias; bad destination mailbox; bad destination email address; bad recipient;
        bad recipient address; bad email address; bad mailbox; illegal user; illegal alias; illegal recipient;
        no such user; no such users; no such user here; no such recipient; no such recipient here; no such mailbox;
        no such mailbox here; no such address; no such address here; no such account; no such person; no such name;
        no such local user; no such email; no such email address; no such alias; no such virtual user; no such id;
        no such userid; no such mail drop; no such maildrop; no such member; no such unknown; no such customer;
        no such subscriber; nosuchuser; no user by that name; no user with that name; no user found;
        no users here by that name; no mailbox here by that name; no mailbox by that name; no mailbox found;
        no mailbox for; no account by that name; no account with; no valid recipient; no valid recipients;
        no valid recipients remaining; no recipient found; no one here; no one by that name; no longer on server;
        no longer exists; no longer exist; no longer has an account; no longer an active; no longer accepting mail;
        no longer subscribes; no longer subscribed; no local mailbox; no matching recipient; user not found;
        user was not found; user notfound; user not known; user not exist; user not exists; user not existed;
        user no exist; user no found; user not listed; user not local; user not available; user not registered;
        user not here; user does not exist; user doesnt exist; user dosent exist; user does not exists;
        user doesnt exists; user do not exist; user dont exist; user didnt exist; user does not have an;
        user doesnt have a; user could not be found; user cannot be found; user cant be found; user name not found;
        user name was not; user name unknown; user id is not; user id not found; user is not found; user is not known;
        user is not registered; user is not recognized; user nonexistent; user non existent; user is no longer;
        user is invalid; user terminated; user has been deleted; user deleted; user mailbox not found; user removed;
        user closed; username unknown; username not found; username does not exist; usernotfound; userunknown;
        member not found; mailbox not found; mailbox was not found; mailbox could not be found; mailbox not here;
        mailbox not exist; mailbox not exists; mailbox does not exist; mailbox doesnt exist; mailbox does not exists;
        mailbox doesnot exist; mailbox do not exist; mailbox unknown; mailbox unavailable; mailbox is unavailable;
        mailbox unavailable or does not exist; mailbox not available; mailbox is not available;
        mailbox isnt available; mailbox not known; mailbox not local; mailbox name not; mailbox invalid;
        mailbox not valid; mailbox has been removed; mailbox has been deleted; mailbox deleted; mailbox removed;
        mailbox closed; mailbox nonexistent; mailbox non existent; mailbox unrecognised; mailboxunavailable;
        address does not exist; address doesnt exist; address does not exists; address not exist; address not exists;
        address not found; address couldnt be found; address could not be found; address cannot be found;
        address was not found; address not found in; address unknown; address is unknown; address unrecognised;
        address not present; address not present in directory; address not known; address is not known;
        address not listed; address not valid; address is not valid; address invalid; address is invalid;
        address is no longer; address is not a valid; address not a valid; address nonexistent;
        address has been deleted; address has been removed; address not recognized; address rejected * user;
        addressee unknown; addressee not; email account that you tried to reach does not exist;
        email account you tried to reach does not exist; account that you tried to reach does not exist;
        account does not exist; account doesnt exist; account not found; account not exist; account is not available;
        account not available; account is closed; account closed; account has been closed; account deleted;
        account has been deleted; account is deleted; account unknown; account has been removed; account cancelled;
        account canceled; account terminated; account has been terminated; account not valid; account is invalid;
        account invalid; account name; email name is not found; email not found; email unknown; email does not exist;
        email account does not; email account not; does not have an email account; does not have a mailbox;
        doesnt have an account; doesnt have an account here; has no mailbox; has no account; not a valid mailbox;
        not a valid recipient; not a valid user; not a valid address; not a valid email; not a valid;
        not a known user; not an active address; not an existing; not a mailbox; not a registered;
        not known at this site; not known here; not in my recipient; not in our database; not in the directory;
        not in address book; not in recipient; not found in directory; not found in the directory;
        not listed in public name; not listed in public name address book; not listed in domino directory;
        not our user; name not found; name is not recognized; nonexistent mailbox; nonexistent user;
        nonexistent recipient; nonexistent address; non existing recipient; does not exist here; doesnt exist here;
        does not like recipient; this user doesnt have a; this account does not exist; unrouteable local;
        unresolvable address; unresolvable recipient; requested action not taken mailbox unavailable;
        requested action not taken mailbox not found; sorry no mailbox here by that name; alias not found;
        is a deactivated mailbox
        """,
    ),
    (
        C.BAD_REPUTATION,
        """
        low reputation; poor reputation; bad reputation; lower reputation; very low reputation; negative reputation;
        senderscore; sender score; senderbase; talosintelligence; trusted source; user complaints
        """,
    ),
    (
        C.BLOCKED,
        """
        region is blocked; blocked region; connection refused by; refused connection; banned sending ip;
        client host blocked; client host rejected blocked; client host rejected abus; client host rejected cannot;
        client host rejected; spamhaus; spamcop; spamcannibal; sorbs; barracudacentral; barracuda central; uceprotect;
        abuseat; mailspike; invaluement; proofpoint com dynamic; dnsbl; rbl; rbls; rblsmtpd; dnswl; blocklisted;
        blacklist; blacklisted; black list; black listed; black listing; denylist; denylisted; deny list; banned ip;
        banned host; ip banned; ip blocked; ip address blocked; ip address blacklisted; ip address is blocked;
        ip address was blocked; ip address has been blocked; ip has been blocked; ip is blocked; ip is blacklisted;
        ip was blocked; ip has been banned; address is blocked; host is blocked; host blocked; server blocked;
        server is blocked; blocked using; blocked ip; blocked host; blocked sender ip; access denied ip;
        access from ip address; bad dns ptr; bad sender ip; part of their network is on our block list;
        network is on our block; invalid ip for sending; connection refused by policy; connection refused your;
        connection reset by policy; connections from this ip; connections not accepted;
        connections will not be accepted; connections from * not accepted; not allowed to connect;
        not allowing connections; refused your connection; we do not accept mail from hosts with dynamic ip;
        we do not accept mail from dynamic ips; messages from * werent sent; messages from * were not sent;
        messages from your; mail from your * rejected; mail from this host; mail from * refused; mail from ip;
        you are blocked; you are not allowed to connect; you are not welcome; you are on our; ip reputation is;
        dynamic pool; dynamic range; dynamic host; residential ip; dialup pool; geo blocking; from your country;
        hosts with dynamic; helo rejected; ehlo rejected; invalid helo; bad helo; helo hostname; sender greylisted;
        greylisted; greylisting; graylist; graylisted; grey listed; gray listed; greylisting in action;
        please use the smtp server of your isp; use your isp; use the smtp server; use your providers;
        unable to accept mail from; too many bad; too many invalid; too many unknown; too many failed;
        too many policy; too many spam; unacceptable mail; open proxy; open relay; open relays; you have been blocked;
        you have been banned; cloudmark; domain listed; is in an rbl; is in a black list; in our block
        """,
    ),
    (
        C.SPAM_DETECTED,
        """
        message filtered; recurrent pattern detection; banned content; unacceptable content; reject bulk advertising;
        appears similar to; email is considered spam; bulk email; mass mailing; no spam please; anti-spam;
        blocked by spamassassin; block for spam; spam complaints; domain listed at; spambouncer; spamprofiler;
        message rejected because of unacceptable content; high probability of spam; as spam; spam with; is spam;
        be spam; looks like spam; like spam; spam message; spam content; contains spam; spam reasons; due to spam;
        spam filter; spam filtering; spam rule; spam url; spam score; spam rejected; spam refused; spam blocked;
        likely spam; probable spam; suspected spam; considered spam; suspicion of spam; spam or; spam like;
        spam detection; spam check; spam checks; spam test; spam engine; spam analysis; spam protection;
        possible spam; message scored; spam level; reject spam; rejected spam; refused spam; spam not; no spam;
        spam source; spamassassin; spam detected; antispam; unsolicited; unsolicited bulk; message content rejected;
        message content is not acceptable; message rejected due to content; message rejected due to * content;
        content filtered; content filtering; contentfilter; rejected due to content; rejected for content;
        rejected by content; rejected by the content; refused by content; blocked by content; mail content denied;
        content denied; objectionable content; message was identified; message was classified; bayesian;
        too high score; by our content; blacklisted url; url in this message; uribl; surbl; the url contained;
        forbidden url; bad links; we would love to have gotten this email to; cyberoam; mail appears to be;
        mail rejete
        """,
    ),
    (
        C.CONTENT_ERROR,
        """
        invalid mime; mime complexity; improper use of 8-bit data; improperly formatted binary content;
        unnecessary base64 encoding; header size or recipient list exceeds policy limit;
        routing loop detected too many received headers; media error; media not supported; media type is unsupported;
        conversion required; conversion is not supported; converting content; unsupported content;
        content is not supported; message content is unacceptable; headers too large; header too large; header error;
        header line; too many headers; improper header; malformed header; malformed mime; malformed message;
        malformed content; mime error; mime header; mime content type; mime not supported; invalid header;
        missing header; missing required header; unsupported charset; unsupported encoding; 8bitmime; invalid content;
        email address in the content; failed to parse; cannot parse; could not parse; attachment error; html only;
        routing information; message parsing; message has invalid; smtputf8; internationalized; utf8 required
        """,
    ),
    (
        C.MAILER_ERROR,
        """
        pipe to |; died with status; error running; text was generated during the delivery attempt;
        unknown mailer error; mailer error; procmail; maildrop; command died; command time limit; command terminated;
        exit status; exit code; exited with; exited abnormally; terminated by signal; killed by signal;
        returned error code; local configuration error; local mailer; local scan; operating system error;
        error writing; error while writing; lock failure; could not lock; cannot lock; returned a non zero
        """,
    ),
    (
        C.EXPIRED,
        """
        not reachable within the allowed queue period; it has not been collected after; giving up on;
        message timed out; server did not respond; could not be delivered for more than; message has expired;
        connection timed out; connection timeout; connect timed out; connection to * timed out;
        could not find a gateway for; have been failing for a long time; did not respond in time; operation timed out;
        timed out while; session timed out; message expired; delivery time expired; message time expired;
        envelope expired; time to live; delivery timeout; delivery timed out; delivery incomplete;
        delivery attempt * failed; retry timeout exceeded; retry time not reached; retry time exceeded; retry limit;
        retries exceeded; too many retries; in the queue too long; queue too long; been on the queue; ive been trying;
        i have been trying; not been delivered after; unable to deliver in; unable to deliver within;
        was not delivered within; could not be delivered within; could not be delivered for;
        could not be delivered after; cannot be delivered within; couldnt be delivered after; undeliverable for;
        message was undeliverable after; giving up now; maximum number of delivery attempts; max retries;
        maximum queue; not delivered for; failed for the last; failed to deliver to domain * after
        """,
    ),
    (
        C.NETWORK_ERROR,
        """
        dns records for the destination computer could not be found; unable to resolve route;
        maximum forwarding loop count exceeded; malformed name server reply;
        malformed or unexpected name server reply; name server timeout; did not accept our requests to connect;
        no relevant answers; too many hops; hop count; hop count exceeded; maximum hop count; maximum hop;
        maximum forwarding; mail forwarding loop; mail loop; mail loops; mail loop detected; mailer loop;
        message loop; message looping; message is looping; routing loop; routing error; route loop; loop back to;
        loop detected; mx loop; delivery loop; already visited; too many received; connection refused;
        connection reset by peer; connection was closed; connection was dropped; connection died; connection lost;
        connection broken; connection terminated; connection aborted; lost connection; couldnt connect;
        could not connect; cannot connect; cant connect; unable to connect; failed to connect; no route to host;
        no route; network is unreachable; network unreachable; network problem; network is down; host is unreachable;
        host is down; host down; host is not available; name server error; dns failure; dns lookup failure;
        dns problem; dns timeout; dns temporarily; dns resolution; host not found try again;
        all hosts have been failing; could not send to mx; servers did not answer; temporary lookup;
        temporary failure in name resolution; temporary dns; loop count; winsock
        """,
    ),
    (
        C.SYNTAX_ERROR,
        """
        malformed address; malformed recipient address; may not follow; syntax error; syntax error in parameters;
        syntax error command unrecognized; command unrecognized; command not recognized; command not understood;
        command not implemented; command parameter not implemented; command not supported; command unknown;
        unrecognized command; unknown command; unsupported command; unimplemented command; unexpected command;
        bad sequence of commands; bad command; bad sequence; bad syntax; bad argument; bad parameter; invalid command;
        invalid parameter; invalid argument; improper use of smtp; improper command; out of sequence;
        need mail before rcpt; need rcpt; protocol error; protocol violation; syntactically invalid
        """,
    ),
    (
        C.SYSTEM_ERROR,
        """
        encountered an error while being processed; loops back to myself; would create a mail loop;
        loop was found in the mail exchanger; recipient deferred because there is no mdb;
        remote server is misconfigured; cannot send e-mail to yourself; cant create user output file;
        timeout waiting for input; aliasing error; mail system configuration error; internal system error;
        internal error; internal server error; internal software; internal failure; system error; system config;
        system failure; system problem; local configuration; configuration error; config error; misconfigured;
        misconfiguration; server failure; server misconfigured; server busy; server too busy; server is busy;
        service not available; service currently unavailable; service is not available; service is down;
        temporary system problem; temporary system failure; temporary system error; temporary local problem;
        temporary server error; temporary failure please; temporary internal; temporary resource;
        temporarily unable to process; transaction aborted; queue file write error; error writing message;
        database error; out of memory; insufficient memory; insufficient permission; insufficient resources;
        could not load; error in processing; processing error; unexpected error; unexpected failure; undefined error;
        unspecified error; permission problem; local error in processing; requested action aborted local error;
        duplicated message; please come back; could not complete; cannot complete; overloaded; under maintenance;
        upstream error; mail server error
        """,
    ),
    (
        C.SECURITY_ERROR,
        """
        authentication required; authentication is required; authentication failed; authentication failure;
        authentication failures; authentication error; authentication credentials; authentication unsuccessful;
        authentication not; smtp authentication; must be authenticated; requires authentication;
        username and password not accepted; unauthenticated senders not allowed; please turn on smtp authentication;
        client was not authenticated; client not authenticated; security reasons; security policy; security policies;
        transport security; account not subscribed to ses; cryptographic; delivery not authorized
        """,
    ),
    (
        C.POLICY_VIOLATION,
        """
        bounced due to organizational settings; message given low priority; not accepting mail with attachments;
        without solving a captcha; youre using a mass mailer; content examination; policy reasons; policy violation;
        local policy; local policy violation; policy rejection; policy reject; policy rejected; policy restrictions;
        policy restriction; policy setting; violates policy; violates our policy; violation of policy;
        denied by policy; blocked by policy; blocked by organization; due to policy; due to local policy;
        due to security policy; by local policy; against policy; against our policy; against company policy;
        administratively prohibited; administratively denied; administratively rejected; not accepted for policy;
        message not accepted for policy; message rejected for policy; host network not allowed; this message violates;
        rejected by policy; rejected by system; rejected by administrator; rejected by rule; rejected for policy;
        site policy; mail policy; email policy; email rejected due to security policies; company policy;
        corporate policy; terms of service; terms and conditions; content policy; delivery restriction;
        delivery restrictions
        """,
    ),
)
