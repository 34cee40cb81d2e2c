"""The mailboxes that are polled: setting one up, changing it, taking it away."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from undelivered.delivery import providers, secrets
from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.models import Project
from undelivered.inbound import mailbox_url
from undelivered.inbound.models import Mailbox


@transaction.atomic
def save(
    project: Project | None, url: str, *, by: By, name: str = "", password: str = "", mailbox: Mailbox | None = None
) -> Mailbox:
    """Sets up a mailbox, or changes one. Raises ValueError with a sentence on what cannot be used.

    The password (with XOAUTH2: the client secret, the refresh token, or both with a space between) may be part of the
    URL. It is stored encrypted. Without one the stored one stays, unless host or user change: it goes to nobody else.
    """
    parsed = mailbox_url.parse(url)
    if project is not None:
        providers.refuse_private(parsed.host)
        if parsed.oauth:
            providers.refuse_private(parsed.oauth.host)
    shown, secret = mailbox_url.without_password(url), parsed.password or password
    kept = mailbox is not None and _place(mailbox.url) == _place(shown)
    if not secret and not (kept and mailbox and mailbox.secret):
        raise ValueError("A mailbox needs a password, or with XOAUTH2 a secret.")
    moved = mailbox is not None and not (kept and mailbox_url.parse(mailbox.url).folder == parsed.folder)
    found = mailbox or Mailbox(project=project)
    found.name, found.url = name or parsed.username, shown
    found.secret = secrets.encrypt(secret) if secret else found.secret
    found.changed_at, found.checked_at, found.failing_since, found.error = timezone.now(), None, None, ""
    fields = ["name", "url", "secret", "changed_at", "checked_at", "failing_since", "error"]
    if moved:
        found.uid_validity, found.last_uid, found.to_do = None, 0, []
        fields += ["uid_validity", "last_uid", "to_do"]
    if mailbox is None:
        found.save(force_insert=True)
    else:
        found.save(update_fields=fields)  # not what a worker counts at the same time
    audit.record("mailbox.changed", by=by, project=project, target=found.name, url=shown)
    return found


@transaction.atomic
def remove(mailbox: Mailbox, *, by: By) -> None:
    """Takes a mailbox away, with its password. The mailbox itself and what came from it stay."""
    audit.record("mailbox.removed", by=by, project=mailbox.project, target=mailbox.name, url=mailbox.url)
    mailbox.delete()


def _place(url: str) -> tuple[object, ...]:
    """To whom the password goes, and how safely."""
    parsed = mailbox_url.parse(url)
    return parsed.host, parsed.port, parsed.security, parsed.username, parsed.verify, parsed.oauth
