"""What receivers do with mail that fails, and whether this mail fails: DMARC and alignment."""

from __future__ import annotations

from undelivered.delivery.dns import dmarc
from undelivered.delivery.dns.asked import Asked
from undelivered.delivery.dns.dmarc import Policy, Walked
from undelivered.delivery.dns.lookup import Lookup
from undelivered.delivery.dns.standing import Check, Record, Standing, What

WISHES = {
    "none": "receivers report what fails, and do nothing about it",
    "quarantine": "what fails goes to the junk folder",
    "reject": "what fails is refused",
}


def questions(asked: Asked) -> list[tuple[str, str]]:
    return [(f"_dmarc.{name}", "TXT") for name in dmarc.names_above(asked.domain)]


def check(lookup: Lookup, asked: Asked, walked: Walked) -> Check:
    name = f"_dmarc.{asked.domain}"
    report = f"; rua=mailto:{asked.report_to}" if asked.report_to else ""
    wanted = (Record(name, "TXT", f"v=DMARC1; p=none{report}"),)
    policy = walked.policy
    if asked.domain in walked.several:
        found = tuple(dmarc.published(lookup.txt(name)))
        why = "There are several DMARC records: receivers use none."
        return Check(What.DMARC, Standing.WRONG, why, name, found, wanted)
    if policy is None and walked.failed:
        return Check(What.DMARC, Standing.UNKNOWN, f"There was no answer about {name}.", name, (), wanted)
    if policy is None:
        why = "There is no DMARC record. Gmail, Yahoo and Microsoft want one from everybody who sends much mail."
        return Check(What.DMARC, Standing.MISSING, why, name, (), wanted)
    standing, why = _judge(lookup, asked, walked, policy)
    if policy.domain != asked.domain:
        return Check(What.DMARC, standing, why, f"_dmarc.{policy.domain}", (policy.text,))
    kept = Record(name, "TXT", policy.text)
    return Check(What.DMARC, standing, why, name, (policy.text,), wanted if standing is Standing.WRONG else (kept,))


def _judge(lookup: Lookup, asked: Asked, walked: Walked, policy: Policy) -> tuple[Standing, str]:
    wish = policy.wish(asked.domain)
    if wish not in WISHES:
        return Standing.WRONG, f"The policy “{wish[:30]}” means nothing. It is none, quarantine or reject."
    whose = "" if policy.domain == asked.domain else f" It is that of {policy.domain}, which counts here, too."
    why = f"The policy is {wish}: {WISHES[wish]}.{whose}"
    if not policy.report_to:
        return Standing.WEAK, f"{why} Nobody gets reports: add rua=mailto: and an address."
    for address in policy.report_to:
        if dmarc.lets_report(lookup, policy.domain, address, walked.organization) is False:
            return Standing.WEAK, f"{why} Reports to {address} do not arrive: its domain has not agreed to take them."
    return Standing.OK, why


def alignment(asked: Asked, walked: Walked, spf: Check, dkim: Check) -> Check:
    """Whether SPF or DKIM speak for the From domain: DMARC wants one of them."""
    policy, domain = walked.policy, asked.domain
    by_spf = (
        spf.standing in (Standing.OK, Standing.WEAK)
        and bool(asked.spf_domain)
        and dmarc.aligned(
            asked.spf_domain, domain, walked.organization, strict=policy is not None and policy.strict("aspf")
        )
    )
    by_dkim = dkim.standing in (Standing.OK, Standing.WEAK)
    if by_spf and by_dkim:
        return Check(What.ALIGNMENT, Standing.OK, f"SPF and DKIM both speak for {domain}.")
    if by_dkim:
        return Check(What.ALIGNMENT, Standing.OK, f"DKIM speaks for {domain}. {_why_not_spf(asked, spf)}")
    if by_spf:
        why = f"SPF speaks for {domain}; of DKIM it is not known. SPF alone is lost where mail is forwarded."
        return Check(What.ALIGNMENT, Standing.WEAK, why)
    if dkim.standing is Standing.UNKNOWN:
        why = f"SPF does not speak for {domain}. Whether a DKIM signature does is not known."
        return Check(What.ALIGNMENT, Standing.UNKNOWN, why)
    wish = policy.wish(domain) if policy else "none"
    harm = f": by the policy of {policy.domain}, {WISHES[wish]}" if policy and wish in ("quarantine", "reject") else ""
    return Check(What.ALIGNMENT, Standing.WRONG, f"Neither SPF nor DKIM speaks for {domain}{harm}.")


def _why_not_spf(asked: Asked, spf: Check) -> str:
    if not asked.spf_domain:
        return f"SPF speaks for a domain of {asked.who}."
    if spf.standing in (Standing.OK, Standing.WEAK):
        return f"SPF speaks for {asked.spf_domain}, which counts as another organization's."
    return "SPF does not."
