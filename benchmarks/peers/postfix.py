"""Postfix as a relay that queues: mail in by SMTP, out to the sink, a line in its log for each. Default tuning.

A private instance out of Debian's package: its configuration, queue and log lie in a temporary folder. Its master
process has to be started by root.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import _debian
from benchmarks._helper import end

PACKAGES = ("postfix", "libdb5.3", "libnsl2", "libicu72", "libsasl2-2")
#: Accounts of every Debian that nobody else uses here: Postfix wants two of its own.
OWNER, GROUP = "lp", "news"
QUEUE = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace")
MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
command_directory = {root}/usr/sbin
daemon_directory = {root}/usr/lib/postfix/sbin
shlib_directory = {root}/usr/lib/postfix
meta_directory = {home}
mail_owner = {owner}
setgid_group = {group}
maillog_file = {home}/log/mail.log
maillog_file_prefixes = {home}/log
import_environment = MAIL_CONFIG TZ LANG=C LD_LIBRARY_PATH={libraries}
export_environment = TZ LANG=C LD_LIBRARY_PATH={libraries}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = relay.example.com
mydestination =
alias_maps =
alias_database =
relayhost = [127.0.0.1]:{sink}
smtp_host_lookup = native
smtp_tls_security_level = none
"""
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass
class Relay:
    port: int
    log: Path
    pid: int
    at: int = 0

    def wait(self, n: int, patience_s: float = 600.0) -> float:
        """Until its log says that so many more mails were sent; when that was."""
        sent, deadline = 0, time.perf_counter() + patience_s
        while time.perf_counter() < deadline:
            with open(self.log, "rb") as log:
                log.seek(self.at)
                new = log.read()
            whole = new[: new.rfind(b"\n") + 1]
            self.at += len(whole)
            sent += whole.count(b"status=sent")
            if sent >= n:
                return time.perf_counter()
            time.sleep(0.01)
        raise RuntimeError(f"Postfix has sent {sent} of {n} mails")


def why_not() -> str:
    """Why it cannot be measured here, or nothing."""
    if os.geteuid() != 0:
        return "Postfix's master has to be started by root"
    if _debian.unpacked(*PACKAGES) is None:
        return "Debian's package of Postfix is not to be had here"
    return ""


@contextmanager
def relay(sink: int, more: str = "") -> Iterator[Relay]:
    """`more`: lines of main.cf, which go over those above."""
    root = _debian.unpacked(*PACKAGES)
    assert root is not None
    home = Path(tempfile.mkdtemp(prefix="undelivered-benchmark-postfix-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    env = _debian.environment(root)
    known = {
        "home": home,
        "root": root,
        "sink": sink,
        "port": port,
        "owner": OWNER,
        "group": GROUP,
        "libraries": env["LD_LIBRARY_PATH"],
    }
    _folders(home)
    (home / "main.cf").write_text(MAIN.format(**known) + more)
    (home / "master.cf").write_text(MASTER.format(**known))
    (home / "dynamicmaps.cf").touch()
    master = root / "usr" / "lib" / "postfix" / "sbin" / "master"
    process = subprocess.Popen(
        [master, "-c", str(home), "-d"], env={**env, "MAIL_CONFIG": str(home)}, stderr=subprocess.DEVNULL
    )
    try:
        _await(port, process)
        yield Relay(port, home / "log" / "mail.log", process.pid)
    finally:
        end(process)
        shutil.rmtree(home, ignore_errors=True)


def _folders(home: Path) -> None:
    owner, group = pwd.getpwnam(OWNER).pw_uid, grp.getgrnam(GROUP).gr_gid
    home.chmod(0o755)
    for name, mode, uid, gid in (
        ("queue", 0o755, 0, 0),
        ("data", 0o700, owner, 0),
        ("log", 0o755, owner, 0),
        ("queue/pid", 0o755, 0, 0),
        ("queue/maildrop", 0o1730, owner, group),
        ("queue/public", 0o2710, owner, group),
        *((f"queue/{name}", 0o700, owner, 0) for name in QUEUE),
    ):
        folder = home / name
        folder.mkdir()
        os.chown(folder, uid, gid)
        folder.chmod(mode)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError("Postfix ended at once")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                if connection.recv(100).startswith(b"220"):
                    return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("Postfix does not answer")
