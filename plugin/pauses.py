"""What `ring` says of an emergency pause: whether the ConfigMap of an installation asks for one.

That is what is asked for. Each replica follows when its kubelet has brought the file, within a minute or so, and says
so in `/readyz` and `dcron_paused`, which are not asked here. Who may not list ConfigMaps is told that it is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.spec import Key

LABEL = "dcron.io/pauses"
"""On the ConfigMap; its value is the `controllerName` of the installation."""
_KEY = "paused"
_SHOWN_CHARACTERS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What one ConfigMap says.

    Attributes:
        controller_name: Of the installation that reads it.
        text: As it stands there, in small letters.
    """

    controller_name: str
    config_map: Key
    text: str

    def value(self) -> dict[str, Any]:
        """The same for programs; null is neither true nor false."""
        return {
            "controllerName": self.controller_name,
            "configMap": str(self.config_map),
            "paused": {"true": True, "false": False}.get(self.text),
        }

    @property
    def sentence(self) -> str | None:
        """What a person wants to know; None: nothing is paused."""
        match self.text:
            case "false":
                return None
            case "true":
                return (
                    f"all objects of controller {self.controller_name} are paused by the ConfigMap {self.config_map}: "
                    "replicas follow it within a minute or so"
                )
        shown = repr(self.text[:_SHOWN_CHARACTERS])
        return (
            f"the ConfigMap {self.config_map} says {shown}, neither true nor false: the replicas of controller "
            f"{self.controller_name} stay paused or not, as they are"
        )


def read(bodies: Iterable[Mapping[str, Any]]) -> tuple[Pause, ...]:
    """What ConfigMaps with the label say, by the name of the installation."""
    found = []
    for body in bodies:
        meta, data = body["metadata"], body.get("data") or {}
        key = Key(meta["namespace"], meta["name"])
        text = str(data.get(_KEY, "")).strip().lower()
        found.append(Pause(controller_name=meta["labels"][LABEL], config_map=key, text=text))
    return tuple(sorted(found, key=lambda pause: (pause.controller_name, pause.config_map)))
