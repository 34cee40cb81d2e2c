"""How settings pages show records in DNS."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from undelivered.delivery.dns import Check, Standing, What
from undelivered.delivery.probe_verdict import Standing as Test
from undelivered.delivery.probe_verdict import Verdict
from undelivered.web.templatetags.look import icon

register = template.Library()

#: How a standing is said, and its icon; the colour is the class of the stylesheet.
STANDINGS: dict[Standing, tuple[str, str]] = {
    Standing.OK: ("check", "In order"),
    Standing.WEAK: ("alert", "Could be better"),
    Standing.MISSING: ("close", "Missing"),
    Standing.WRONG: ("close", "Wrong"),
    Standing.UNKNOWN: ("unknown", "Not known"),
    Standing.NOT_NEEDED: ("minus", "Not needed"),
}
#: (title, what it is good for)
WHATS: dict[What, tuple[str, str]] = {
    What.MX: ("MX: bounces find this site", "Other mail servers look here when they have to send a bounce."),
    What.SPF: ("SPF: the provider may send", "Receivers ask the envelope sender's domain who may send for it."),
    What.DKIM: ("DKIM: the key to signatures", "Receivers check the mail's signature with this key."),
    What.DMARC: ("DMARC: what is not from you", "Receivers do this with mail that fails SPF and DKIM."),
    What.ALIGNMENT: ("Alignment", "SPF or DKIM has to speak for the domain in From."),
    What.REPLIES: ("MX: answers arrive", "Customers answer to this domain."),
}


@register.simple_tag
def standing(value: str) -> SafeString:
    mark, words = STANDINGS[Standing(value)]
    return format_html('<span class="badge badge--{}">{}{}</span>', value, icon(mark), words)


#: How far a test of the return path has come: class and icon of its badge, and its words.
TESTS: dict[Test, tuple[str, str, str]] = {
    Test.SENDING: ("queued", "send", "Sending"),
    Test.WAITING: ("queued", "clock", "On its way"),
    Test.OVERDUE: ("weak", "alert", "Not back yet"),
    Test.REFUSED: ("wrong", "close", "Not taken"),
    Test.BACK: ("ok", "check", "Came back"),
}


@register.simple_tag
def test_badge(verdict: Verdict) -> SafeString:
    look, mark, words = TESTS[verdict.standing]
    return format_html('<span class="badge badge--{}">{}{}</span>', look, icon(mark), words)


@register.filter
def title(check: Check) -> str:
    return WHATS[check.what][0]


@register.filter
def meaning(check: Check) -> str:
    return WHATS[check.what][1]


@register.filter
def is_bad(check: Check) -> bool:
    return check.standing in (Standing.WRONG, Standing.MISSING)


@register.filter
def lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
