"""Large blocks go back to the system, also after others were freed: in a process of its own, as it is set for all."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys

import pytest

from controller.allocator import NEW_OBJECTS, collect_in_bulk
from deploy.local.replica import PROJECT

NAMES = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
"""Of `struct mallinfo2`."""
PROGRAM = """
import ctypes
from controller.allocator import LARGE_BYTES, return_large_blocks

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in {names}]

library = ctypes.CDLL(None)
library.mallinfo2.restype = Info

def apart():
    return library.mallinfo2().hblkhd

{call}
for _ in range(3):
    bytearray(8 * LARGE_BYTES)  # freed at once: this is what moves the limit
before = apart()
kept = bytearray(4 * LARGE_BYTES)
print(apart() - before >= len(kept))
"""


pytestmark = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="another C library")


def run(call: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{call}", call).replace("{names}", repr(NAMES))],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_large_block_is_apart_although_larger_ones_were_freed() -> None:
    assert run("assert return_large_blocks()") == "True"


def test_by_itself_the_c_library_would_put_it_among_the_small_ones() -> None:
    assert run("") == "False"


def test_cycles_are_looked_for_once_in_many_new_objects_and_older_ones_in_proportion() -> None:
    before = gc.get_threshold()
    try:
        collect_in_bulk()
        assert gc.get_threshold() == (NEW_OBJECTS, *before[1:])
        assert before[0] < NEW_OBJECTS
        assert gc.isenabled()
    finally:
        gc.set_threshold(*before)


SPARED = """
import gc
from controller.allocator import spare_what_is_there
kept = [[] for _ in range(10_000)]
spare_what_is_there()
assert len(gc.get_objects()) < 1000, len(gc.get_objects())
frozen = gc.get_freeze_count()
assert frozen > 10_000, frozen
del kept
assert gc.get_freeze_count() <= frozen - 10_000
print("spared")
"""


def test_what_is_there_at_the_start_is_not_looked_through_again_and_is_freed_when_it_goes() -> None:
    done = subprocess.run([sys.executable, "-c", SPARED], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("spared", "")
