"""Keeps the memory of a long-lived process from spreading: large blocks are returned to the system when they are freed.

The C library takes blocks above a limit from the system one by one, and moves that limit up, to 32 MiB, when the first
of them is freed. From then on each list of thousands of objects, and each buffer of a TLS connection, is cut from the
same heap as what lives for weeks, and leaves holes that nothing fits in: resident memory grew for an hour while nothing
more was kept. A limit that is set stays where it is.

And it lets Python look for cycles less often: almost nothing here is part of one, and a herd makes ten thousands of
values in a second, which were looked through some hundred times.

What is there when a replica has started stays for as long as it lives, and is left out of that search: to look through
50,000 objects held everything up for a second, now and then.

It never fails: where the C library is another one, memory is as that one likes. `__main__` calls it once.
"""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

LARGE_BYTES = 128 * 1024
"""The C library's own limit at the start."""
NEW_OBJECTS = 20_000
"""Python's own limit is 700. A firing in a herd costs about 6 % less with this one (docs/profile.md)."""
_M_MMAP_THRESHOLD = -3
"""From `malloc.h`."""


def return_large_blocks() -> bool:
    """Fix the limit for this process; gives whether the C library has done so."""
    with suppress(OSError, AttributeError):
        return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES))
    return False


def collect_in_bulk() -> None:
    """Look for cycles once in so many new objects, which are some megabytes; the older ones as rarely in proportion."""
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])


def spare_what_is_there() -> None:
    """Look for cycles only among what is made from now on. What goes of the rest is freed all the same."""
    gc.freeze()
