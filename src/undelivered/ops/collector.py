"""Python's garbage collector, in a process that lives long: what was loaded before its work is not looked at again.

The frameworks are some 300,000 objects that stay. A look at all of them takes longer than a batch of mails.
"""

from __future__ import annotations

import gc

#: So many more objects made than gone begin a look at the youngest; Python's own figure is 700, a few mails' worth.
YOUNG = 10_000


def settle() -> None:
    """Everything is loaded, and the work begins."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
