"""Who did something: a person of the team, a customer, a program with a token, or Undelivered itself."""

from __future__ import annotations

from dataclasses import dataclass

from undelivered.desk.models import Customer, Person


@dataclass(frozen=True, slots=True)
class By:
    """`program` names a token or a command. Nobody at all is Undelivered itself."""

    person: Person | None = None
    customer: Customer | None = None
    program: str = ""

    @property
    def shown(self) -> str:
        """As the audit log and mails show it."""
        if self.person:
            return str(self.person)
        if self.customer:
            return self.customer.called
        return self.program or "Undelivered"


UNDELIVERED = By()
