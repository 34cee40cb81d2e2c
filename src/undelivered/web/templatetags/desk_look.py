"""The small parts of the desk's pages: a request's status, what people wrote, the address of more rows."""

from __future__ import annotations

from django import template
from django.utils.html import format_html, linebreaks, urlize
from django.utils.safestring import SafeString, mark_safe

from undelivered.desk.models import Status
from undelivered.web.templatetags.look import icon

register = template.Library()

#: Status -> (class of a badge, icon).
_STATUSES: dict[str, tuple[str, str]] = {
    Status.OPEN: ("queued", "clock"),
    Status.IN_PROGRESS: ("queued", "retry"),
    Status.WAITING: ("retrying", "pause"),
    Status.RESOLVED: ("delivered", "check"),
}


@register.simple_tag
def status_badge(status: str) -> SafeString:
    """Where a request stands."""
    look, name = _STATUSES[status]
    return format_html('<span class="badge badge--{}">{}{}</span>', look, icon(name), Status(status).label)


@register.filter
def prose(text: str) -> SafeString:
    """What somebody wrote, as paragraphs; web addresses become links that tell nothing of this page."""
    return mark_safe(linebreaks(urlize(text, nofollow=True, autoescape=True), autoescape=False))  # noqa: S308 - escaped


@register.filter
def pointed(address: str, detail: str) -> SafeString:
    """An address with the sign that its fault names marked, where the fault names one: `There is a comma ...`."""
    signs = (("comma", ","), ("semicolon", ";"), ("underscore", "_"), ("opening angle", "<"), ("closing angle", ">"))
    sign = next((sign for word, sign in signs if word in detail and sign in address), "")
    if not sign and ("cannot be reached" in detail or "after the @" in detail) and "@" in address:
        local, _, domain = address.rpartition("@")
        return format_html("{}@<mark>{}</mark>", local, domain) if domain else format_html("{}", address)
    if not sign:
        return format_html("{}", address)
    before, _, after = address.partition(sign)
    return format_html("{}<mark>{}</mark>{}", before, sign, after)
