"""Who may submit mail, in memory and in a file: a door must know its clients while PostgreSQL is away.

`load` reads what the tables of `models` say now. Passwords are generated and long, so their SHA-256 is all it takes:
help desks log in for every mail.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection

_log = logging.getLogger(__name__)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CREDENTIALS = """
SELECT c.id, c.username, c.digest, c.from_domains, c.project_id
FROM inbound_smtpcredential c JOIN desk_project p ON p.id = c.project_id
WHERE c.revoked_at IS NULL AND p.archived_at IS NULL ORDER BY c.id
"""
NETWORKS = """
SELECT n.network, n.from_domains, n.project_id
FROM inbound_trustednetwork n JOIN desk_project p ON p.id = n.project_id WHERE p.archived_at IS NULL ORDER BY n.id
"""
BOUNCE_DOMAINS = "SELECT DISTINCT bounce_domain FROM delivery_maildomain WHERE bounce_domain <> '' ORDER BY 1"
USED = """
UPDATE inbound_smtpcredential SET last_used_at = now()
WHERE id = ANY(%s) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """That mail with a From of these domains may be submitted, for this project. `who` is a user or a network."""

    project_id: int
    from_domains: tuple[str, ...]
    who: str
    credential_id: int | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """All that may submit, at one moment. `users`: user -> (SHA-256 of the password, what it grants)."""

    users: dict[str, tuple[str, Grant]] = field(default_factory=dict)
    networks: tuple[tuple[Network, Grant], ...] = ()
    bounce_domains: tuple[str, ...] = ()

    def log_in(self, user: str, password: str) -> Grant | None:
        known = self.users.get(user)
        given = digest(password)
        if known is None or not hmac.compare_digest(known[0], given):
            return None
        return known[1]

    def trusted(self, address: str) -> tuple[Grant, ...]:
        """What an address may do without logging in; the narrowest network first."""
        if not self.networks:
            return ()
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return ()
        ip = getattr(ip, "ipv4_mapped", None) or ip
        found = [(network.prefixlen, grant) for network, grant in self.networks if ip in network]
        return tuple(grant for _, grant in sorted(found, key=lambda one: -one[0]))


def digest(password: str) -> str:
    return hashlib.sha256(password.encode("utf-8", "surrogatepass")).hexdigest()


async def load(connection: AsyncConnection[Any]) -> Access:
    users = await (await connection.execute(CREDENTIALS)).fetchall()
    networks = await (await connection.execute(NETWORKS)).fetchall()
    bounce_domains = await (await connection.execute(BOUNCE_DOMAINS)).fetchall()
    return Access(
        {user: (known, Grant(project, tuple(domains), user, id)) for id, user, known, domains, project in users},
        tuple(_network(text, Grant(project, tuple(domains), text)) for text, domains, project in networks),
        tuple(domain for (domain,) in bounce_domains),
    )


async def note_used(connection: AsyncConnection[Any], credentials: Sequence[int]) -> None:
    await connection.execute(USED, [sorted(credentials)])


def _network(text: str, grant: Grant) -> tuple[Network, Grant]:
    return ipaddress.ip_network(text, strict=False), grant


# --- the file -----------------------------------------------------------------------------------------------------


def save(access: Access, path: Path) -> None:
    """Writes what is known, for a door that starts while PostgreSQL is away. Digests only; nobody else may read it."""
    known = {
        "users": {user: [known, asdict(grant)] for user, (known, grant) in access.users.items()},
        "networks": [[str(network), asdict(grant)] for network, grant in access.networks],
        "bounce_domains": access.bounce_domains,
    }
    own = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(known, file)
        own.replace(path)
    except OSError as error:
        own.unlink(missing_ok=True)
        _log.warning("who may submit mail could not be kept in %s: %s", path, error)


def restore(path: Path) -> Access | None:
    """What was saved last; None where nothing was, or it cannot be read."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return Access(
            {user: (text, _grant(values)) for user, (text, values) in known["users"].items()},
            tuple(_network(text, _grant(values)) for text, values in known["networks"]),
            tuple(known.get("bounce_domains", ())),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _log.warning("%s cannot be read: %s", path, error)
        return None


def _grant(values: dict[str, Any]) -> Grant:
    return Grant(**{**values, "from_domains": tuple(values["from_domains"])})
