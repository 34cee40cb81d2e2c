"""The dialogue of one attempt, written down as it goes, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass, field

from undelivered.delivery.outcomes import Stage

LINES_KEPT = 60
LINE_LENGTH = 500


@dataclass(slots=True)
class Talk:
    stage: Stage = Stage.CONNECT
    lines: list[str] = field(default_factory=list)

    def we_say(self, text: str) -> None:
        self.lines.append(f"→ {text}"[:LINE_LENGTH])

    def they_say(self, text: str) -> None:
        if "\n" in text:
            self.lines.extend(line[:LINE_LENGTH] for line in text.split("\n"))
        else:
            self.lines.append(text[:LINE_LENGTH])

    def note(self, text: str) -> None:
        self.lines.append(f"({text})")

    def kept(self) -> tuple[str, ...]:
        return tuple(self.lines[:LINES_KEPT])
