"""Starts one of PostgreSQL's programs: under its own account, and never outliving us.

Run as a script by `account.Account`, because what it does must happen between fork and exec, which Python cannot do
safely in a program with threads. Uses the standard library only, and reads nothing but its arguments:
the parent's process id, the user and group id to become (or "-" twice), then the command.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, uid, gid, *command = sys.argv[1:]
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    if sys.platform == "linux":
        # Only now: the kernel forgets the wish when the user changes (prctl(2)). SIGINT is PostgreSQL's fast shutdown.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != int(parent):
        sys.exit("The program that started PostgreSQL is gone.")
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.umask(0o077)
    try:
        os.execv(command[0], command)  # noqa: S606 - no shell is meant
    except OSError as error:
        sys.exit(f"{command[0]} cannot be run: {error.strerror}.")


if __name__ == "__main__":
    main()
