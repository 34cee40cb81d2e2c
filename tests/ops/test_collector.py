"""The garbage collector of a process that lives long."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc
from undelivered.ops import collector

class Circle:
    pass

loaded = Circle()
collector.settle()
print(gc.get_freeze_count() > 1000, gc.get_threshold()[0] == collector.YOUNG, loaded in gc.get_objects())
one = Circle()
one.itself = one
del one
print(gc.collect() > 0)
"""


def test_what_was_loaded_is_left_alone_and_what_comes_later_is_not():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "False", "True"]
