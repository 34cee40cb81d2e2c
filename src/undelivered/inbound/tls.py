"""The door's certificate: loaded once, and again when its files change, without a restart."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

_log = logging.getLogger(__name__)


class CertificateError(Exception):
    """The certificate or its key cannot be used; the text says which and why."""


class Certificate:
    """`context` stays the same object. New connections see what `refresh` loaded last."""

    def __init__(self, cert: Path, key: Path | None) -> None:
        self._cert, self._key = cert, key or cert
        self._state = self._look()
        self.context = self._load(_new())

    def refresh(self) -> bool:
        """Loads changed files; whether there were any. Files that do not fit together yet are tried again."""
        state = self._look()
        if state == self._state:
            return False
        try:
            self._load(_new())  # first into one that nobody uses: half a renewal must not break the door
            self._load(self.context)
        except CertificateError as error:
            _log.warning("the changed certificate is not used: %s", error)
            return False
        self._state = state
        _log.info("the certificate %s was loaded again", self._cert)
        return True

    def _look(self) -> tuple[object, ...]:
        seen: list[object] = []
        for path in (self._cert, self._key):
            try:
                status = path.stat()
            except OSError:
                seen.append(None)
            else:
                seen.append((status.st_mtime_ns, status.st_size, status.st_ino))
        return tuple(seen)

    def _load(self, context: ssl.SSLContext) -> ssl.SSLContext:
        try:
            context.load_cert_chain(self._cert, self._key)
        except (OSError, ssl.SSLError) as error:
            raise CertificateError(f"{self._cert} with the key {self._key}: {error}") from error
        return context


def _new() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
