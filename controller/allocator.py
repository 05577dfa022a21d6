"""Keeps the memory of a long-lived process from spreading: large blocks are returned to the system when they are freed.

The C library takes blocks above a limit from the system one by one, and moves that limit up, to 32 MiB, when the first
of them is freed. From then on each list of thousands of objects, and each buffer of a TLS connection, is cut from the
same heap as what lives for weeks, and leaves holes that nothing fits in: resident memory grew for an hour while nothing
more was kept. A limit that is set stays where it is.

It never fails: where the C library is another one, memory is as that one likes. `__main__` calls it once.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

LARGE_BYTES = 128 * 1024
"""The C library's own limit at the start."""
_M_MMAP_THRESHOLD = -3
"""From `malloc.h`."""


def return_large_blocks() -> bool:
    """Fix the limit for this process; gives whether the C library has done so."""
    with suppress(OSError, AttributeError):
        return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES))
    return False
