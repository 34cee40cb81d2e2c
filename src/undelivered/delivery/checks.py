"""What is checked before a mail leaves. The first objection wins; a new check is a function in `CHECKS`.

The daily limit comes after all of them, because it reserves (`delivery.limits`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from undelivered.delivery import addresses
from undelivered.delivery.reasons import Reason


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a mail does not leave: the reason, and a sentence on this very mail."""

    reason: Reason
    detail: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the checks look at. `size` is the mail as sent, in bytes; `suppressed` says why the address is blocked."""

    recipient: str
    render_error: str
    suppressed: str
    size: int
    size_limit: int


def _renders(mail: Candidate) -> Objection | None:
    if not mail.render_error:
        return None
    return Objection(Reason.INTERNAL_ERROR, f"The template does not render: {mail.render_error}", "template")


def _valid_address(mail: Candidate) -> Objection | None:
    problem = addresses.validate(mail.recipient)
    if problem is None:
        return None
    suggestion = f" Perhaps {problem.suggestion} was meant." if problem.suggestion else ""
    return Objection(Reason.EMAIL_VALIDATION_ERROR, problem.detail + suggestion, problem.code)


def _public_address(mail: Candidate) -> Objection | None:
    problem = addresses.private(mail.recipient)
    return Objection(Reason.PRIVATE_ADDRESS, problem.detail, problem.code) if problem else None


def _not_suppressed(mail: Candidate) -> Objection | None:
    return Objection(Reason.SUPPRESSED, mail.suppressed) if mail.suppressed else None


def _not_too_large(mail: Candidate) -> Objection | None:
    if mail.size <= mail.size_limit:
        return None
    detail = f"The mail has {_megabytes(mail.size)}; the limit is {_megabytes(mail.size_limit)}."
    return Objection(Reason.TEMPLATE_TOO_LARGE, detail)


CHECKS: tuple[Callable[[Candidate], Objection | None], ...] = (
    _renders,
    _valid_address,
    _public_address,
    _not_suppressed,
    _not_too_large,
)


def check(mail: Candidate) -> Objection | None:
    """The first objection to a mail, or None."""
    for one in CHECKS:
        if objection := one(mail):
            return objection
    return None


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MB" if size >= 1024 * 1024 else f"{size / 1024:.0f} kB"
