"""Every setting that there is: its variable, its flag, what it is for, its default, and how its text is read.

It exists so that a person finds all of them on one page. `settings` reads them; `setting` is a row, `quantities` and
`redisurl` read single values.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from typing import Final

from controller import redisurl
from controller.quantities import matching, namespaces, one_of, port, seconds, truth, whole
from controller.ring import DEFAULT_HASH_REPLICAS
from controller.setting import Setting
from controller.spec import DEFAULT_CONTROLLER_NAME

DEFAULT_KEY_PREFIX: Final = "dcron"
MIN_BEATS_IN_TTL: Final = 3
"""How many announcements fit into the time for which one counts: two may be lost before others think a node dead."""

_CONTROLLER_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_NODE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
# No braces: they mark the hash tag of a key, which the driver sets.
_KEY_PREFIX = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,62}[A-Za-z0-9])?")


def _host_name(environment: Mapping[str, str]) -> str:
    return environment.get("HOSTNAME", "").strip() or socket.gethostname()


def _downward(variable: str) -> Callable[[Mapping[str, str]], str]:
    """The default of a setting that the downward API usually gives under a name of its own."""
    return lambda environment: environment.get(variable, "").strip()


TABLE: Final = (
    Setting(
        name="redis_url",
        help=f"Where the replicas find each other: {', '.join(f'{scheme}://' for scheme in redisurl.SCHEMES)}",
        default="",
        default_shown="none, membership is kept in memory and there is one replica",
        parse=lambda text: redisurl.checked(text) if text else None,
        shown=redisurl.shown_if_wrong,
    ),
    Setting(
        name="redis_url_file",
        help="A file with that URL instead, such as a mounted Secret; read again when Redis does not answer",
        default="",
        default_shown="none",
        parse=lambda text: text or None,
    ),
    Setting(
        name="redis_password_file",
        help="A file with the password of the URL's user; read again when Redis does not answer",
        default="",
        default_shown="none",
        parse=lambda text: text or None,
    ),
    Setting(
        name="node_name",
        help="Name of this replica",
        default=_host_name,
        default_shown="the name of the pod or host",
        parse=matching(_NODE_NAME, "letters, digits, '.', '_' and '-', at most 253, a letter or digit at both ends"),
    ),
    Setting(
        name="hash_replicas",
        help="Points of each replica on the hash ring; must be equal on all replicas",
        default=str(DEFAULT_HASH_REPLICAS),
        parse=whole(1, 10_000),
    ),
    Setting(
        name="node_update_seconds",
        help="Time between two announcements of this replica",
        default="1",
        unit="seconds",
        parse=seconds(0.05, 60),
    ),
    Setting(
        name="node_ttl_seconds",
        help=f"Time after its last announcement at which a replica counts as dead; at least {MIN_BEATS_IN_TTL} updates",
        default="5",
        unit="seconds",
        parse=seconds(0.2, 3600),
    ),
    Setting(
        name="late_seconds",
        help="For so long after its instant a firing is only late and no catchUpPolicy is asked",
        default="10",
        unit="seconds",
        parse=seconds(0.5, 3600),
    ),
    Setting(
        name="minimum_interval_seconds",
        help="Schedules with two instants that lie closer than this are refused; 0 refuses none",
        default="0",
        unit="seconds",
        parse=whole(0, 86_400),
    ),
    Setting(
        name="controller_name",
        help="Which objects to serve: those with this spec.controllerName",
        default=DEFAULT_CONTROLLER_NAME,
        parse=matching(
            _CONTROLLER_NAME, "letters, digits, '.', '_' and '-', at most 63, a letter or digit at both ends"
        ),
    ),
    Setting(
        name="key_prefix",
        help="Beginning of every key in Redis; equal on all replicas, another for each cluster on one Redis",
        default=DEFAULT_KEY_PREFIX,
        parse=matching(
            _KEY_PREFIX, "letters, digits, '.', '_', ':' and '-', at most 64, a letter or digit at both ends"
        ),
    ),
    Setting(
        name="namespaces",
        help="Which namespaces to serve, separated by commas",
        default="",
        default_shown="all",
        parse=namespaces,
    ),
    Setting(
        name="http_port",
        help="Port of /healthz, /readyz and /metrics; 0 is none",
        default="8080",
        parse=port,
    ),
    Setting(
        name="paused",
        help="Whether everything is paused, so that no Job is created: true, false",
        default="false",
        parse=truth,
    ),
    Setting(
        name="paused_file",
        help="A file that says so instead, such as a mounted ConfigMap; read again every 2 seconds",
        default="",
        default_shown="none",
        parse=lambda text: text or None,
    ),
    Setting(
        name="log_format",
        help="How log lines look: text, json",
        default="text",
        parse=one_of("text", "json"),
    ),
    Setting(
        name="log_level",
        help="From which level on lines are logged: debug, info, warning, error",
        default="info",
        parse=one_of("debug", "info", "warning", "error"),
    ),
    *(
        Setting(
            name=f"pod_{part}",
            help=f"The {shown} of this replica's pod, for Events about itself",
            default=_downward(f"POD_{part.upper()}"),
            default_shown=f"POD_{part.upper()}, as the downward API sets it",
            parse=str,
        )
        for part, shown in (("name", "name"), ("namespace", "namespace"), ("uid", "UID"))
    ),
)
"""Every setting, in the order of `--help`."""
