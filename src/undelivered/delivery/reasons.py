"""The eight reasons why a notification fails: the label a project admin sees, what it means, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import TextChoices


class Reason(TextChoices):
    INTERNAL_ERROR = "internal_error", "Internal error"
    EMAIL_VALIDATION_ERROR = "email_validation_error", "Email validation error"
    TEMPLATE_TOO_LARGE = "template_too_large", "Notification template too large"
    LIMIT_REACHED = "limit_reached", "Email notifications limit reached"
    SUPPRESSED = "suppressed", "Email address added to suppression list"
    PRIVATE_ADDRESS = "private_address", "Private email address"
    PROVIDER_ERROR = "provider_error", "Error from email service provider"
    UNKNOWN_ERROR = "unknown_error", "Unknown error"


@dataclass(frozen=True, slots=True)
class Explanation:
    """`meaning` and `next_step` are sentences for a project admin; `mark` names the reason's icon and colour."""

    meaning: str
    next_step: str
    mark: str


EXPLAINED: dict[Reason, Explanation] = {
    Reason.INTERNAL_ERROR: Explanation(
        "Something on our side went wrong before the mail could leave: a template that does not render, "
        "or a provider that could not be reached or refused our login until the retries ran out.",
        "Mend what the details name, then resend. If they name nothing that you can mend, resend later.",
        "internal",
    ),
    Reason.EMAIL_VALIDATION_ERROR: Explanation(
        "The customer's address is not written as an email address must be. The details say what is wrong with it.",
        "Correct the address, then resend.",
        "validation",
    ),
    Reason.TEMPLATE_TOO_LARGE: Explanation(
        "The mail, as it would have been sent, is larger than the limit.",
        "Shorten the notification's template, or what it quotes, then resend.",
        "large",
    ),
    Reason.LIMIT_REACHED: Explanation(
        "The number of mails that the site or the project may send in a day was used up.",
        "Resend when the limit resets, or ask a site admin to raise it.",
        "limit",
    ),
    Reason.SUPPRESSED: Explanation(
        "The address is on the suppression list, because an earlier mail to it bounced, was refused, or was reported.",
        "Make sure that the mailbox exists again. Resending takes the address off the list and sends.",
        "suppressed",
    ),
    Reason.PRIVATE_ADDRESS: Explanation(
        "The address belongs to a private network or a reserved name, which no mail server on the internet can reach.",
        "Ask the customer for a public address, correct it, then resend.",
        "private",
    ),
    Reason.PROVIDER_ERROR: Explanation(
        "The email service provider, or the customer's own mail server, refused the mail. The details quote it.",
        "Read the provider's words and act on them: the cause decides whether resending helps.",
        "provider",
    ),
    Reason.UNKNOWN_ERROR: Explanation(
        "The mail was refused, or its fate was lost, without a reason that could be read.",
        "Resend later. If it fails again, show the technical details to whoever runs your mail provider.",
        "unknown",
    ),
}
