"""Exact words about the sender: its address, its server, its name, how much it sends.

Rows are separated by `;` and read as the module `phrases` describes; what wins over what stands there.
"""

from __future__ import annotations

from undelivered.bounces.reasons import Cause as C

BAD_REPUTATION_FIRST = (
    C.BAD_REPUTATION,
    """
    due to ip reputation; due to the very low reputation; poor email reputation; mtas poor reputation; ip domain
    reputation problems; due to domain reputation; due to poor reputation; due to low reputation
    """,
)

BLOCKED_FIRST = (
    C.BLOCKED,
    """
    excessive unknown recipients; is block listed; address is block listed; helo ehlo domain is invalid; ehlo domain is
    invalid; helo domain is invalid; no smtp service ip address is black listed; invalid helo; bad helo; helo name;
    helo command rejected; ehlo command rejected; service not available closing transmission channel; go away;
    currently sending spam; rejecting open proxy; server access forbidden by your ip; your server requires
    confirmation; multi-blacklist; access denied ip name lookup failed
    """,
)

RATE_LIMITED = (
    C.RATE_LIMITED,
    """
    hourly message limit; hourly limit; daily message limit; message limit; try again slower; please try again slower;
    too many smtp sessions; numerous attempts to deliver this message; currently limiting; delivery temporarily
    throttled; limited the number; number of connections; connection count; simultaneous smtp; max message per
    connection; max messages per connection; temporarily rate limited; has sent to too many recipients this hour; too
    many recipients this hour; receiving mail at a rate that; receiving mail too quickly; receiving email at a rate;
    receiving mail at too quickly a rate; sending mail at a rate; exceeded the maximum number of messages; daily smtp
    relay limit exceeded; daily user sending limit exceeded; daily user sending quota exceeded; daily sending quota
    exceeded; maximum sending rate exceeded; sending rate exceeded; throttling failure; daily message quota exceeded;
    has exceeded its * messages per; too many emails per second; sender rate limit; rate limit exceeded; rate limited;
    rate limiting; ratelimit; ratelimited; rate control; exceeds rate limit; message rate exceeded; smtp throttling;
    too many connections; too many concurrent; too many concurrent smtp connections; too many simultaneous connections;
    too many sessions; too many open connections; maximum number of concurrent; number of concurrent connections has
    exceeded; connection limit; connection limit exceeded; connection rate limit; exceeded the connection limit;
    concurrency limit; concurrent connections; maximum connections reached; connections from your host; connections
    from your ip; connection frequency limited; domain frequency limited; frequency limit; too many messages; too many
    mails; too many emails; too many sent; too many recipients; too many recipients for this sender; too much traffic;
    sending too fast; exceeded its sending limit; exceeds the maximum number of recipients; exceeded max number of
    recipients; exceeded the allowed number; exceeded sending limit; exceeded email quota; hourly quota; hourly rate;
    hourly email limit; exceeded the max emails per hour; discarded because it exceeded; sending limit; daily limit;
    daily sending limit; allowed per connection; mail volume; unusual rate of unsolicited mail; unusual rate of;
    message limit reached; please slow down; you are sending too; temporarily throttled; exceeded the rate; limit on
    the number; the maximum number of recipients; excessive number of recipients; recipients exceeded; receive limit
    exceeded; recipient limit exceeded; recipient count exceeded; thread limit exceeded
    """,
)

AUTH_FAILURE = (
    C.AUTH_FAILURE,
    """
    sufficient authentication; sender is unauthenticated; authenticate with either spf or dkim; dkim did not pass; spf
    did not pass; dkim * did not pass; spf * did not pass; isnt aligned with; is not aligned with; not aligned with;
    does not pass dmarc; bad spf; failed sender authentication; domain authentication fail; unauthenticated email;
    unauthenticated mail; unauthenticated sender; multiple authentication checks failed; dmarc; spf check failed; spf
    check; spf failed; spf failure; spf failures; spf record; spf records; spf hardfail; spf softfail; spf soft fail;
    spf hard fail; spf fails; spf validation; spf verification; spf permerror; spf temperror; spf pobox com; openspf;
    openspf net; openspf org; spf settings; spf policy; spf rejection; spf unauthorized mail; spf error; spf lookup;
    spf sender policy; fail spf; failed spf; fails spf; passing spf; sender policy framework; domain of * does not
    designate; does not designate; is not designated; not a permitted sender; is not allowed to send mail from; is not
    allowed to send from; is not authorized to send from; not authorized to use; is not authorized to send mail on
    behalf of; not authorized to send email from; rejecting email from unauthorized; not permitted to send on behalf
    of; not permitted to send by; not authorized by spf; dkim check failed; domainkeys; domain key; fails to pass
    authentication checks; authentication checks; does not meet the required authentication level; doesnt meet the
    required authentication level; fails authentication requirements; failed authentication checks; authentication
    information; does not pass authentication; senderid; message failed authentication; arc validation; pass sender
    authentication; sender authentication failed
    """,
)

REQUIRE_PTR = (
    C.REQUIRE_PTR,
    """
    reverse dns; rdns; ptr record; ptr records; no ptr; invalid ptr; ptr lookup; ptr resource record; requires ptr;
    rdns dns validation failed; fcrdns; reverse dns lookup; reverse lookup; reverse mapping; reverse hostname; reverse
    host name; reverse path cannot resolve; cannot find your reverse hostname; cannot find your hostname; cannot
    resolve your hostname; cannot resolve your address; cannot resolve your ip; can not resolve your; unresolvable
    relay host name; unable to verify your hostname; ip name lookup failed; ip name possibly forged; client ip address
    has no name; no matches to nameserver query; not resolve to a hostname; does not resolve to your; does not have a
    valid hostname; doesnt have a valid hostname; dns ptr; dynamic/generic hostnames; missing or invalid hostname;
    hostname verification failed; invalid hostname of; lacks reverse; unverifyable sending; unverifiable sending; all
    mail servers must have a ptr record; connecting ip * no name; sender ip must resolve
    """,
)

REJECTED_FIRST = (
    C.REJECTED,
    """
    sender domain has no; sender domain does not; envelope blocked; header blocked; header based blocked; from address
    is invalid; from address invalid; permission to send to this recipient; have permission to send to; dont have
    permission to send; sender is on; sender blacklisted; sender is blacklisted; sender denied; sender refused; sender
    blocked; sender is blocked; sender address blocked; sender domain blocked; sender address rejected; sender
    rejected; sender verify failed; sender address verification failed; domain of sender address; sender domain not
    found; sender domain does not exist; sender domain must exist; sender domain must resolve; sender domain invalid;
    sender domain is invalid; invalid dns mx; domain of sender; could not verify sender; unable to verify sender;
    sender address does not exist
    """,
)

REJECTED = (
    C.REJECTED,
    """
    legitimate bounces are never; domain name required for sender address; domain name required; backscatter; unsent
    message; doesnt want your mail; does not want your mail; want your mail; emetteur invalide; is not a registered
    gateway user; rule imposed mailbox access for; denied bouncedeny; rfc 1035 violation recursive cname records for;
    sender is spammer; empty email address; unsigned dsn for; used to send your message is not subscribed; your access
    to submit messages to this e-mail system has been rejected; your email address has been blacklisted; sender was
    rejected; fully qualified email address required; this server does not accept mail from; different address or alias
    using; mailfrom domain is listed in spamhaus; by non-member to a members-only list; denied by secumail
    valid-address-filter; closed mailing list; validation of sender failed; resolver rst
    sendernotauthenticatedforgroup; sender was not authenticated when sending to this group; address that has been
    blacklisted; all recipient addresses rejected; sender address is rejected; sender address denied; sender
    verification failed; sender verify; sender not verified; sender domain is blocked; sender domain rejected; sender
    domain not allowed; sender domain is empty; sender host unknown; sender is unknown; sender invalid; sender is
    invalid; sender not allowed; sender is not allowed; sender not permitted; sender not authorized; sender is not
    authorized; sender not authenticated for group; sender not in; sender not pre-approved; sender email address
    rejected; sender email address is; sender email has been; sender address invalid; sender address not; sender
    address is not; sender non local; sender access denied; sender banned; senders address; senders domain; senders
    host; unroutable sender; unrouteable sender; unresolvable sender; invalid sender; invalid sender domain; invalid
    return path; invalid from; invalid mail from; invalid domain see; invalid envelope sender; invalid reverse path;
    bad sender; bad sender address; bad senders system address; bad mail from; bad mailfrom; bad return; bad from;
    badmailfrom; unknown sender; unknown sender address; unverified sender; cannot verify sender; cant verify sender;
    could not verify sender address; cannot resolve your sender; can not find your sender; domain of sender address *
    does not exist; sender domain of; sender callout; envelope sender rejected; return path rejected; return path is
    invalid; mailfrom rejected; mail from rejected; mail from command rejected; mail from denied; from address is not;
    from address not; from domain is invalid; rejected envelope from; access denied sender; message from a * not
    accepted; backscatter protection detected; batv; bounce forbidden; bogus mail from; null sender; null senders; null
    sender is not allowed; empty sender; empty envelope senders not allowed; empty from; does not accept bounces; not
    accept bounces; doesnt accept bounces; no bounces; mail from not owned by user; not owned by user; the from
    address; has installed an invalid mx record; invalid mx record; no mx record for sender; returned mail not accepted
    here; delivery not allowed to non local; please use a valid; rejected because of unacceptable from; you are not a
    member; not a member of this; only members; members only; not subscribed; not allowed to post; not permitted to
    post; not permitted to send to; not allowed to send to; not authorized to send to; may not have permission to post;
    posting to this; restricted to; non member; nonmember; not a subscriber; not on the list of allowed senders; not in
    allowed senders; only accepts mail from; accepts mail from * only; resolver rst auth; resolver rst
    restrictedtorecipientspermission; resolver rst restrictedtorecipients; resolver rst authrequired; only accept
    messages from; only accepts messages from; only accept mail from; allowed to send to this; recipient only accepts;
    blocked by the recipient; refuses your mail; is not accepting mail from you; is not accepting mail from; is not
    accepting messages from; is rejecting mail from
    """,
)

NO_RELAYING = (
    C.NO_RELAYING,
    """
    local user only; local users only; delivery is not allowed to this address; allowed to be relayed; not allowed to
    be relayed; we dont handle mail for; not local host; specified domain is not allowed; not allowed to relay;
    permitted to relay; as a relay; relaying denied; relaying is denied; relaying not allowed; relaying is not allowed;
    relaying prohibited; relaying not permitted; relaying to; relaying mail to; relaying disallowed; relaying through
    this server; unable to relay; cannot relay; can not relay; no relaying; relay not permitted; relay not allowed;
    relay is not allowed; relay access denied; relay access; relay denied; relay operation rejected; relay disallowed;
    relay prohibited; relay rejected; relay restriction; relay from unauthorized; not a relay; not an open relay; dont
    relay; does not relay; unauthorized relay; third party relay; send mail through this server; not configured to
    relay; not one of our domains; not one of our hosts; is not a gateway; insecure mail relay; mail server requires
    authentication when attempting to send to a non local e mail address; email address is not verified; that domain
    isnt in my list of allowed rcpthosts; isnt in my list of allowed; rcpthosts; domain is not local; domain not local;
    domain not served here; not hosted here; not handled here; not accepted here; not serviced here; is not served
    here; isnt hosted; non local domain; must login first; send a non local; foreign mail; receive your mail before;
    check your mail before; pop before smtp; check for new mail first
    """,
)

BAD_REPUTATION = (
    C.BAD_REPUTATION,
    """
    low reputation; poor reputation; bad reputation; lower reputation; very low reputation; negative reputation;
    senderscore; sender score; senderbase; talosintelligence; trusted source; user complaints
    """,
)

BLOCKED = (
    C.BLOCKED,
    """
    will not accept delivery of this message; dictionary attack; directory harvest; connection refused by; not
    authorized to send email directly; invalid ip; ip is rejected; ip rejected; ip address rejected; ip is hangup; ip
    not allowed; ip is not allowed; region is blocked; blocked region; refused connection; banned sending ip; client
    host blocked; client host rejected blocked; client host rejected abus; client host rejected cannot; client host
    rejected; spamhaus; spamcop; spamcannibal; sorbs; barracudacentral; barracuda central; uceprotect; abuseat;
    mailspike; invaluement; proofpoint com dynamic; dnsbl; rbl; rbls; rblsmtpd; dnswl; blocklisted; blacklist;
    blacklisted; black list; black listed; black listing; denylist; denylisted; deny list; banned ip; banned host; ip
    banned; ip blocked; ip address blocked; ip address blacklisted; ip address is blocked; ip address was blocked; ip
    address has been blocked; ip has been blocked; ip is blocked; ip is blacklisted; ip was blocked; ip has been
    banned; address is blocked; host is blocked; host blocked; server blocked; server is blocked; blocked using;
    blocked ip; blocked host; blocked sender ip; access denied ip; access from ip address; bad dns ptr; bad sender ip;
    part of their network is on our block list; network is on our block; invalid ip for sending; connection refused by
    policy; connection refused your; connection reset by policy; connections from this ip; connections not accepted;
    connections will not be accepted; connections from * not accepted; not allowed to connect; not allowing
    connections; refused your connection; we do not accept mail from hosts with dynamic ip; we do not accept mail from
    dynamic ips; messages from * werent sent; messages from * were not sent; messages from your; mail from your *
    rejected; mail from this host; mail from * refused; mail from ip; you are blocked; you are not allowed to connect;
    you are not welcome; you are on our; ip reputation is; dynamic pool; dynamic range; dynamic host; residential ip;
    dialup pool; geo blocking; from your country; hosts with dynamic; helo rejected; ehlo rejected; helo hostname;
    sender greylisted; greylisted; greylisting; graylist; graylisted; grey listed; gray listed; greylisting in action;
    please use the smtp server of your isp; use your isp; use the smtp server; use your providers; unable to accept
    mail from; too many bad; too many invalid; too many unknown; too many failed; too many policy; too many spam;
    unacceptable mail; open proxy; open relay; open relays; you have been blocked; you have been banned; cloudmark;
    domain listed; is in an rbl; is in a black list; in our block
    """,
)
