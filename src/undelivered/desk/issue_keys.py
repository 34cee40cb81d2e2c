"""Issue keys (`IT-12`): how they are written and read."""

from __future__ import annotations

import re

PROJECT_KEY = re.compile(r"[A-Z][A-Z0-9]{1,9}")
ISSUE_KEY = re.compile(r"(?P<project>[A-Z][A-Z0-9]{1,9})-(?P<number>[1-9][0-9]{0,8})")


def is_project_key(key: str) -> bool:
    return PROJECT_KEY.fullmatch(key) is not None


def write(project_key: str, number: int) -> str:
    return f"{project_key}-{number}"


def parse(key: str) -> tuple[str, int] | None:
    """(`IT`, 12) for `IT-12`, in any case and with blanks around it; None for anything else."""
    found = ISSUE_KEY.fullmatch(key.strip().upper())
    return (found["project"], int(found["number"])) if found else None
