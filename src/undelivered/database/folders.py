"""The folders of the embedded PostgreSQL: which there are, who owns them, who can reach them.

    DATA_DIR/postgresql/          ours (as root: root's, others may pass through)
        lock                      held by the program that runs PostgreSQL; says which it is and where the socket is
        password                  of the role `undelivered`; 0600
        postgresql.conf  pg_hba.conf   written anew at every start; `local.conf` is the operator's
        start.log                 what PostgreSQL says before its own log begins
        programs-0.6.0/           as root: a copy of PostgreSQL's programs
        data/  log/  socket/      0700, of the account that PostgreSQL runs under

Modes and owners are changed inside the data directory only, and there only of what this module makes.
"""

import contextlib
import os
import pwd
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from undelivered.database.account import Account
from undelivered.database.errors import EmbeddedError

SOCKET_NAME = ".s.PGSQL.5432"
# The address of a Unix socket has 104 bytes on macOS and 108 on Linux, with the closing zero.
LONGEST_SOCKET_PATH = 100
SHORT_FOLDERS = "/tmp"  # noqa: S108 - only ever through mkdtemp, and verified before it is used again
# initdb puts paths in double quotes and gives them to a shell.
UNUSABLE = frozenset('"$`\\\n\r')
NETWORK_FILE_SYSTEMS = {
    "nfs": "NFS",
    "nfs4": "NFS",
    "cifs": "a Windows share",
    "smb3": "a Windows share",
    "smbfs": "a Windows share",
    "afpfs": "an Apple share",
    "9p": "9P",
    "fuse.sshfs": "SSHFS",
    "fuse.s3fs": "S3",
    "fuse.glusterfs": "GlusterFS",
}


class Folders:
    """The paths in one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = Path(os.path.realpath(data_dir))
        self.home = self.data_dir / "postgresql"
        self.cluster = self.home / "data"
        self.log = self.home / "log"
        self.socket = self.home / "socket"
        self.lock = self.home / "lock"
        self.password = self.home / "password"
        self.configuration = self.home / "postgresql.conf"
        self.access = self.home / "pg_hba.conf"
        self.start_log = self.home / "start.log"


def make_data_dir(data_dir: Path) -> None:
    """Make the data directory, if it is missing, so that the embedded PostgreSQL can live in it.

    Root's own is passable (0711), since PostgreSQL runs under another account then; what is in it is not readable
    for that. An existing directory is left as it is.
    """
    root = os.geteuid() == 0
    missing = [folder for folder in (data_dir, *data_dir.parents) if not folder.exists()]
    try:
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700)
                if root:
                    folder.chmod(0o711 if folder == data_dir else 0o755)
    except OSError as error:
        raise EmbeddedError(
            f"The data directory {data_dir} cannot be made: {error.strerror}. Set UNDELIVERED_DATA_DIR to a directory "
            f"that {user_name(os.geteuid())} can write to."
        ) from error


def prepare(folders: Folders, account: Account) -> None:
    """Make what is missing, and refuse what is not safe. Nothing outside the data directory is changed."""
    refuse_network(folders.data_dir, mount_table())
    if bad := set(str(folders.home)) & UNUSABLE:
        raise EmbeddedError(f"PostgreSQL's programs cannot cope with {bad.pop()!r} in a path: {folders.data_dir}")
    if account.separate:
        _refuse_unreachable(folders.data_dir, account)
    make_data_dir(folders.data_dir)
    _refuse_foreign(folders, account)
    _make(folders.home, os.geteuid(), os.getegid(), 0o711 if account.separate else 0o700)


def prepare_for_server(folders: Folders, account: Account) -> None:
    """The folders that PostgreSQL itself writes to."""
    _make(folders.log, account.uid, account.gid, 0o700)


def socket_folder(folders: Folders, account: Account, earlier: str | None) -> Path:
    """A folder of mode 0700 for the socket: in the data directory, or a short one when that path is too long.

    A short one that a crash left behind (`earlier`) is used again, if it still is what we made.
    """
    path = str(folders.socket / SOCKET_NAME)
    # A comma separates several hosts in a URL, and several folders in PostgreSQL's settings.
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH and not set(path) & set(",\"'\n"):
        _make(folders.socket, account.uid, account.gid, 0o700)
        return folders.socket
    if earlier and earlier.startswith(f"{SHORT_FOLDERS}/undelivered-") and _is_private(Path(earlier), account):
        return Path(earlier)
    short = Path(tempfile.mkdtemp(prefix="undelivered-", dir=SHORT_FOLDERS))
    if account.separate:
        os.chown(short, account.uid, account.gid, follow_symlinks=False)
    return short


def remove_socket_folder(folder: Path, folders: Folders) -> None:
    """After PostgreSQL has stopped: a short folder goes, the one in the data directory stays."""
    if folder != folders.socket:
        with contextlib.suppress(OSError):
            for left in ("", ".lock"):  # of a server that was killed
                (folder / f"{SOCKET_NAME}{left}").unlink(missing_ok=True)
            folder.rmdir()


def user_name(uid: int) -> str:
    """A person's word for a user id."""
    try:
        return f"the user {pwd.getpwuid(uid).pw_name!r}"
    except KeyError:
        return f"the user id {uid}"


def read_small(path: Path) -> str | None:
    """The end of a file that another account could have replaced by anything: no symlink, no pipe, at most 64 kB."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        file.seek(max(0, status.st_size - 65536))
        return file.read(65536).decode(errors="replace")


def write_whole(path: Path, text: str, mode: int) -> None:
    """Write a file that is there either as before or completely, also after a power failure."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(descriptor, mode)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _make(folder: Path, uid: int, gid: int, mode: int) -> None:
    try:
        folder.mkdir(mode=0o700)
        if uid != os.geteuid():
            os.chown(folder, uid, gid, follow_symlinks=False)
    except FileExistsError:
        pass
    except OSError as error:
        raise EmbeddedError(f"The folder {folder} cannot be made: {error.strerror}.") from error
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != uid:
        raise EmbeddedError(
            f"{folder} belongs to {user_name(status.st_uid)} or is no folder; it should be a folder of "
            f"{user_name(uid)}. Move it away and start again."
        )
    if stat.S_IMODE(status.st_mode) != mode:
        folder.chmod(mode)


def _is_private(folder: Path, account: Account) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == account.uid and stat.S_IMODE(status.st_mode) == 0o700


def _refuse_foreign(folders: Folders, account: Account) -> None:
    """Files of another user: PostgreSQL could not read them, and root should not trust a folder others can change."""
    expected = [(folders.home, os.geteuid()), (folders.cluster, account.uid)]
    if account.separate:
        expected.insert(0, (folders.data_dir, 0))
    for folder, uid in expected:
        owner = folder.lstat().st_uid if os.path.lexists(folder) else uid
        if owner != uid:
            raise EmbeddedError(
                f"{folder} belongs to {user_name(owner)}, but here it has to belong to {user_name(uid)}. Run "
                f"Undelivered as {user_name(owner)}, or choose another UNDELIVERED_DATA_DIR."
            )
    status = folders.data_dir.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise EmbeddedError(f"{folders.data_dir} is not a directory. Set UNDELIVERED_DATA_DIR to one.")
    if account.separate and status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
        raise EmbeddedError(f"Everybody can write to {folders.data_dir}. Run: chmod o-w {folders.data_dir}")
    if not os.path.lexists(folders.home) and not os.access(folders.data_dir, os.W_OK | os.X_OK):
        raise EmbeddedError(
            f"{folders.data_dir} belongs to {user_name(status.st_uid)}, and {account.name!r} cannot write to it. "
            "Choose another UNDELIVERED_DATA_DIR."
        )


def _refuse_unreachable(data_dir: Path, account: Account) -> None:
    """PostgreSQL's own account must be able to pass through every parent: tried as that account, so that ACLs count."""
    parents = [folder for folder in (*reversed(data_dir.parents), data_dir) if folder.is_dir()]
    tried = account.run(
        [
            "/bin/sh",
            "-c",
            'for folder; do cd -P "$folder" 2>&- || { printf %s "$folder"; exit 9; }; done',
            "sh",
            *parents,
        ]
    )
    if tried.returncode == 9:
        raise EmbeddedError(
            f"PostgreSQL runs as the user {account.name!r} when Undelivered is started by root, and that user cannot "
            f"reach {data_dir}, because {tried.stdout} is closed to it. Set UNDELIVERED_DATA_DIR to a directory that "
            f"every user can pass through (such as /var/lib/undelivered), or run: chmod o+x {tried.stdout}"
        )
    if tried.returncode != 0:
        raise EmbeddedError(f"Nothing can be run as the user {account.name!r}: {tried.stdout.strip()}")


def mount_table() -> list[tuple[str, str]]:
    """Where what is mounted: (folder, kind of file system), in the order of mounting."""
    if sys.platform == "linux":
        rows = [line.split(" ") for line in Path("/proc/self/mounts").read_text(errors="surrogateescape").splitlines()]
        return [(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), row[1]), row[2]) for row in rows]
    listed = subprocess.run(["/sbin/mount"], capture_output=True, text=True, check=False).stdout
    return re.findall(r"^.* on (.*) \((\w+)", listed, re.MULTILINE)


def refuse_network(data_dir: Path, mounts: list[tuple[str, str]]) -> None:
    kind = ""
    longest = 0
    for folder, file_system in mounts:
        if data_dir.is_relative_to(folder) and len(folder) >= longest:
            kind, longest = file_system, len(folder)
    if kind in NETWORK_FILE_SYSTEMS:
        raise EmbeddedError(
            f"{data_dir} is on {NETWORK_FILE_SYSTEMS[kind]}, where a database can lose data: network file systems do "
            "not keep PostgreSQL's promises. Set UNDELIVERED_DATA_DIR to a local disk, or UNDELIVERED_DATABASE_URL to "
            "a PostgreSQL on the machine that has the disk."
        )
