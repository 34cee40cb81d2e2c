"""Everything that holds for root holds for an ordinary user, too: the same tests once more, as `nobody`."""

import pwd
from pathlib import Path

import pytest

from tests.database.scratch import only_root, run_as, scratch_folder

ROOT = Path(__file__).parents[2]
# Nothing of the session's own set-up: it starts a server and Django, which these tests do not need.
OPTIONS = ("-q", "--noconftest", "-p", "no:cacheprovider", "-p", "no:django", "-c", "/dev/null", "-W", "error")


@only_root
def test_the_same_holds_for_an_ordinary_user() -> None:
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        pytest.skip("this machine has no user `nobody`")
    tests = ("tests/database/test_embedded.py", "tests/database/test_embedded_guards.py")
    # Without the cut, pytest looks through every parent folder, which may be closed to others.
    paths = ("--rootdir", str(ROOT), "--confcutdir", str(ROOT), "-o", f"pythonpath={ROOT}")
    with scratch_folder() as home:
        home.chmod(0o1777)
        env = {"HOME": str(home), "TMPDIR": str(home)}
        done = run_as(nobody.pw_uid, "-m", "pytest", *OPTIONS, *paths, *tests, cwd=ROOT, env=env)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
