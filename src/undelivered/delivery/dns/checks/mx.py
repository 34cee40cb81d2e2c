"""Whether bounces find their way to this site, and answers theirs to the desk."""

from __future__ import annotations

from undelivered.delivery.address_reach import why_private_name
from undelivered.delivery.dns.asked import Asked, is_public
from undelivered.delivery.dns.lookup import Lookup, Status
from undelivered.delivery.dns.standing import Check, Record, Standing, What
from undelivered.delivery.models import ReturnPath


def bounces(lookup: Lookup, asked: Asked) -> Check:
    """The MX of the bounce domain: it names this site's SMTP door."""
    if not asked.bounce_domain:
        if asked.chosen is ReturnPath.SIGNED:
            return Check(What.MX, Standing.MISSING, "There is no bounce domain yet. Enter one.")
        return Check(What.MX, Standing.NOT_NEEDED, "There is no bounce domain, and none is needed as mail is sent now.")
    standing, why, found = _stands(lookup, asked)
    if asked.mode is not ReturnPath.SIGNED and standing in (Standing.MISSING, Standing.WRONG):
        standing, why = Standing.NOT_NEEDED, f"Bounces do not come here as mail is sent now. {why}"
    wanted = (Record(asked.bounce_domain, "MX", f"10 {asked.smtp_name}."),)
    return Check(What.MX, standing, why, asked.bounce_domain, found, wanted)


def _stands(lookup: Lookup, asked: Asked) -> tuple[Standing, str, tuple[str, ...]]:
    domain, door = asked.bounce_domain, asked.smtp_name
    if reason := why_private_name(door):
        return (
            Standing.WRONG,
            f"This site's SMTP door calls itself {door}, which nobody outside can find: {reason}. "
            "Set UNDELIVERED_SMTP_NAME to its name on the internet.",
            (),
        )
    own = lookup.addresses(door)
    answer = lookup.mx(domain)
    if answer.failed or own.failed:
        return Standing.UNKNOWN, f"There was no answer about {domain if answer.failed else door}.", answer.values
    if not own.values:
        return Standing.WRONG, f"{door}, this site's SMTP door, has no address in DNS.", answer.values
    if not any(is_public(one) for one in own.values):
        return Standing.WRONG, f"{door} has an address that the internet cannot reach: {own.values[0]}.", answer.values
    if answer.status is not Status.FOUND:
        if set(lookup.addresses(domain).values) & set(own.values):  # RFC 5321, 5.1: then its address counts
            return Standing.WEAK, f"{domain} has no MX; its address is this site's, so bounces come. Add the MX.", ()
        return Standing.MISSING, f"{domain} has no MX: bounces cannot find this site.", ()
    return *_ours(lookup, asked, [one.partition(" ")[2] for one in answer.values], set(own.values)), answer.values


def _ours(lookup: Lookup, asked: Asked, hosts: list[str], own: set[str]) -> tuple[Standing, str]:
    if "." in hosts:
        return Standing.WRONG, f"{asked.bounce_domain} says that it takes no mail at all (a null MX, RFC 7505)."
    ours = [host == asked.smtp_name or bool(set(lookup.addresses(host).values) & own) for host in hosts]
    if all(ours):
        return Standing.OK, "Bounces find their way to this site."
    if ours[0]:
        other = hosts[ours.index(False)]
        return Standing.WEAK, f"Bounces come here first; while this site is down, {other} gets them, and they are lost."
    return Standing.WRONG, f"Bounces go to {hosts[0]}, which is not this site."


def replies(lookup: Lookup, asked: Asked) -> Check:
    """The MX of the From domain: without one, answers get lost, and some receivers refuse the mail."""
    domain = asked.domain
    answer = lookup.mx(domain)
    standing, why = Standing.OK, "Answers to the mails can arrive."
    if answer.failed:
        standing, why = Standing.UNKNOWN, f"There was no answer about {domain}."
    elif answer.status is Status.NO_NAME:
        standing, why = Standing.WRONG, f"{domain} does not exist. Receivers refuse mail that comes from it."
    elif any(one.endswith(" .") for one in answer.values):
        standing, why = (
            Standing.WRONG,
            f"{domain} says that it takes no mail: answers are lost, and many refuse the mail.",
        )
    elif not answer.values:
        there = lookup.addresses(domain)
        standing = Standing.UNKNOWN if there.failed else Standing.WEAK if there.values else Standing.WRONG
        why = f"{domain} has no MX: answers get lost, and some receivers refuse the mail."
        if there.values:
            why = f"{domain} has no MX. Answers go to its web address, if anything takes mail there."
    return Check(What.REPLIES, standing, why, domain, answer.values)
