"""The audit log: every action of a person or a program, in the transaction of the action itself."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from undelivered.database import rows
from undelivered.desk.actors import By
from undelivered.desk.models import AuditEntry, Project

#: Slug of an action -> how the page says it. An action that is not here cannot be recorded.
ACTIONS: dict[str, str] = {
    "project.created": "Created the project",
    "project.changed": "Changed the project's settings",
    "member.added": "Added a member",
    "member.removed": "Removed a member",
    "person.created": "Created an account",
    "person.signed_in": "Signed in",
    "token.created": "Created an API token",
    "token.revoked": "Revoked an API token",
    "smtp_credential.created": "Created an SMTP credential",
    "smtp_credential.revoked": "Revoked an SMTP credential",
    "trusted_network.added": "Trusted a network to submit mail",
    "trusted_network.removed": "No longer trusts a network to submit mail",
    "provider.changed": "Changed the email service provider",
    "provider.tried": "Sent a test mail through the email service provider",
    "provider.tested": "Tested where the email service provider lets bounces go",
    "provider.resumed": "Resumed the email service provider",
    "secret_key.rotated": "Made a new secret key",
    "secret_key.forgotten": "Made the secret keys from before invalid",
    "mailbox.changed": "Set up a mailbox that bounces land in",
    "mailbox.removed": "Removed a mailbox",
    "domain.changed": "Changed where a domain's bounces go",
    "rule.changed": "Changed a notification rule",
    "rule.reset": "Reset a notification rule to its default text",
    "rule.tested": "Sent a test mail",
    "customer.invited": "Invited a customer",
    "customer.reinvited": "Resent an invitation",
    "customer.accepted": "Accepted an invitation",
    "customer.address_changed": "Corrected a customer's address",
    "customer.removed": "Removed a customer from the project",
    "customer.optional_mail_off": "Turned off all optional mail of the project",
    "customer.optional_mail_on": "Turned optional mail of the project on again",
    "request.created": "Created a request",
    "request.status_changed": "Changed a request's status",
    "request.participants_added": "Added participants",
    "request.notifications_off": "Turned a request's notifications off",
    "request.notifications_on": "Turned a request's notifications on again",
    "comment.added": "Added a comment",
    "comment.edited": "Edited a comment",
    "notification.resent": "Resent a notification",
    "notification.cancelled": "Cancelled a notification",
    "notification.released": "Sent the held notifications",
    "suppression.added": "Added an address to the suppression list",
    "suppression.lifted": "Took an address off the suppression list",
    "suppression.asked": "Asked the provider to take an address off its own list",
    "suppression.imported": "Imported addresses into the suppression list",
    "suppression.exported": "Exported the suppression list",
    "log.exported": "Exported the log",
    "sample.told": "Let something happen in the sample project",
}


def record(action: str, *, by: By, project: Project | None = None, target: str = "", **detail: Any) -> AuditEntry:
    """Writes one entry. `target` is what it was done to (an address, an issue key), `detail` is plain JSON."""
    if action not in ACTIONS:
        raise ValueError(f"not an action of the audit log: {action}")
    entry = AuditEntry(
        action=action, project=project, person=by.person, actor=by.shown[:254], target=target[:1000], detail=detail
    )
    rows.insert(entry)
    return entry


def entries(project: Project | None, *, before: int | None = None, limit: int = 25) -> list[AuditEntry]:
    """A page of entries, newest first, from before the one with the id `before`. Without a project: the whole site."""
    found: QuerySet[AuditEntry] = AuditEntry.objects.select_related("project", "person").order_by("-id")
    if project is not None:
        found = found.filter(project=project)
    if before is not None:
        found = found.filter(id__lt=before)
    return list(found[:limit])
