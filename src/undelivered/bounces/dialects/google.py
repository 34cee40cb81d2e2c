"""Google: Gmail's failures in sentences (X-Failed-Recipients names who) and Google Groups' refusals in any language."""

from __future__ import annotations

from undelivered.bounces.finding import Finding
from undelivered.bounces.notice import Notice
from undelivered.bounces.plain import Dialect, failed_recipients_header
from undelivered.bounces.reasons import Cause


def _is_groups(notice: Notice) -> bool:
    return "x-failed-recipients" in notice.mail.headers and (
        "groups.google.com/support" in notice.own_words
        or "support.google.com/a/groups" in notice.own_words
        or ("google groups" in notice.own_words and "technical details" not in notice.own_words)
        or "@googlegroups.com" in notice.mail.header("x-failed-recipients")
    )


def _read_groups(notice: Notice) -> list[Finding]:
    """The group does not exist or takes no posts from this sender; Google does not say which."""
    return [
        Finding(
            address,
            [notice.own_text],
            action="failed",
            cause=Cause.REJECTED,
            rule="Google Groups: no such group, or no permission to post",
        )
        for address in failed_recipients_header(notice)
    ]


GROUPS = Dialect("Google Groups", _is_groups, read=_read_groups)

GMAIL = Dialect(
    "Gmail",
    lambda n: "x-failed-recipients" in n.mail.headers and "google" in n.sender,
    ends=("----- original message", "original message"),
)
