"""As whose each key was looked at last, so that a change of the ring costs looks only for keys that change hands.

The turn that a look gives holds as long as this node stands to the key as it did then. `replica` notes each look here,
and asks when the ring has changed; `nodepool` says whose a key is.
"""

from __future__ import annotations

from controller.nodepool import Ours, Ownership, Theirs
from controller.spec import Key


class Tenure:
    """What one node remembers of its own looks."""

    def __init__(self) -> None:
        self._held: dict[Key, Ours] = {}

    def looked(self, key: Key, ownership: Ownership) -> None:
        """A look at a key has ended.

        Args:
            key: What was looked at.
            ownership: Whose it is by now. Only the node that looks after a key has made a turn that goes on holding.
        """
        if isinstance(ownership, Ours):
            self._held[key] = ownership
        else:
            self._held.pop(key, None)

    def is_to_look(self, key: Key, ownership: Ownership) -> bool:
        """Whether a key is to be looked at because of whose it is now."""
        return not isinstance(ownership, Theirs) and ownership != self._held.get(key)

    def begin_anew(self) -> None:
        """No turn that was given holds any more: each key is looked at when it is this node's again."""
        self._held.clear()

    def forget(self, key: Key) -> None:
        """The object is gone, or there was news of it while it is another node's: no turn that was given holds."""
        self._held.pop(key, None)
