"""How much one client may ask of the door: connections at once, connections a minute, wrong passwords.

A client that has logged in, or whose address is trusted, is known: neither its rate is limited nor is it locked out,
because what is turned away is a lost mail. All others are strangers.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

from undelivered.inbound import replies
from undelivered.inbound.replies import Reply

#: Of all connections so much is one client's, at most.
SHARE = 0.5
STRANGERS_A_MINUTE = 60
#: Who has brought back a mail of ours had it, and may have many more.
RETURNERS_A_MINUTE = 1200
#: What anybody may send.
POSTMASTER_AN_HOUR = 60
KNOWN_FOR_S = 24 * 3600.0
#: So many wrong passwords within the window lock an address out, for the pause.
MOST_FAILURES, FAILURE_WINDOW_S, LOCKED_S = 20, 600.0, 60.0
FIRST_DELAY_S, LONGEST_DELAY_S = 1.0, 8.0


@dataclass(slots=True)
class Client:
    """What is remembered of one address, or one IPv6 network."""

    open: int = 0
    known_until: float = 0.0
    returns_until: float = 0.0
    minute: int = 0
    in_minute: int = 0
    failures: list[float] = field(default_factory=list)
    locked_until: float = 0.0

    def forgettable(self, now: float) -> bool:
        until = max(self.known_until, self.returns_until, self.locked_until)
        busy = self.open or until > now or self.minute >= int(now // 60)
        return not busy and (not self.failures or self.failures[-1] < now - FAILURE_WINDOW_S)


class Limits:
    """`admit` and `leave` for every connection. `now` is any clock that only goes forward."""

    def __init__(self, connections: int) -> None:
        self.connections = connections
        self.refused: Counter[str] = Counter()
        self._clients: dict[str, Client] = {}
        self._open = 0
        self._postmaster: list[float] = []

    def admit(self, address: str, now: float, *, trusted: bool = False) -> Reply | None:
        """Counts a connection; a reply where it is turned away, and then it does not count."""
        client = self._clients.setdefault(whose(address), Client())
        refusal = self._refusal(client, now, trusted)
        if refusal is not None:
            self.refused[refusal.text] += 1
            return refusal
        client.open += 1
        self._open += 1
        return None

    def _refusal(self, client: Client, now: float, trusted: bool) -> Reply | None:
        known = trusted or client.known_until > now
        if self._open >= self.connections or client.open >= max(1, self.connections * SHARE):
            return replies.TOO_MANY_CONNECTIONS
        if client.locked_until > now and not known:
            return replies.LOCKED_OUT
        minute = int(now // 60)
        if client.minute != minute:
            client.minute, client.in_minute = minute, 0
        client.in_minute += 1
        most = RETURNERS_A_MINUTE if client.returns_until > now else STRANGERS_A_MINUTE
        return replies.TOO_FAST if client.in_minute > most and not known else None

    def leave(self, address: str) -> None:
        self._clients[whose(address)].open -= 1
        self._open -= 1

    def logged_in(self, address: str, now: float) -> None:
        client = self._clients.setdefault(whose(address), Client())
        client.known_until = now + KNOWN_FOR_S
        client.failures.clear()

    def returned(self, address: str, now: float) -> None:
        """Notes that a client has brought back a mail of ours."""
        self._clients.setdefault(whose(address), Client()).returns_until = now + KNOWN_FOR_S

    def postmaster(self, now: float) -> Reply | None:
        """Counts a mail to the postmaster; a reply where there were enough."""
        self._postmaster = [at for at in self._postmaster if at > now - 3600]
        if len(self._postmaster) >= POSTMASTER_AN_HOUR:
            return replies.POSTMASTER_BUSY
        self._postmaster.append(now)
        return None

    def failed(self, address: str, now: float) -> float:
        """Notes a wrong password; how many seconds the answer waits."""
        client = self._clients.setdefault(whose(address), Client())
        recent = [at for at in client.failures if at > now - FAILURE_WINDOW_S]
        client.failures = [*recent[-MOST_FAILURES:], now]
        if len(client.failures) >= MOST_FAILURES:
            client.locked_until = now + LOCKED_S
        return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (len(client.failures) - 1))

    def forget(self, now: float) -> None:
        """Drops what is not needed any more: the table stays as small as its clients are few."""
        for key in [key for key, client in self._clients.items() if client.forgettable(now)]:
            del self._clients[key]


@lru_cache(4096)
def whose(address: str) -> str:
    """One client: an IPv4 address, or the /64 that an IPv6 client has to itself."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return address
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
