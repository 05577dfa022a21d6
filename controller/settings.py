"""What a replica is told from outside: flags and `DCRON_*` variables become one frozen `Settings`, checked once.

One table, `variables`, drives reading, `--help` and checking, so that no setting is known in one place and missing in
another. A wrong value stops the start with one line that names the setting. It never looks at the environment by
itself, never prints, but for `--help`, and never shows a password. `redisaddress` reads files that hold secrets;
`__main__` and `app` are its users.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NoReturn

from controller import redisurl
from controller.errors import InvalidSettings
from controller.redisaddress import RedisAddress
from controller.setting import PREFIX
from controller.variables import MIN_BEATS_IN_TTL, TABLE

# What the kubelet sets in each pod for a Service whose name begins with `dcron`.
_SERVICE_LINK = re.compile(
    r"DCRON_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one replica. Made by `read`.

    Attributes:
        redis_url: May hold a password: show `shown_redis_url`.
        redis_url_file: Where the URL stands instead.
        redis_password_file: Where the password of the URL's user stands.
        node_name: The replica's name, for people.
        hash_replicas: Points of each node on the ring; equal on all replicas.
        namespaces: Where objects are served; empty is all.
        pod_name: Of the pod that it runs in, for Events about itself; empty: there are none.
        pod_namespace: Of that pod.
        pod_uid: Of that pod.
        http_port: 0 is no HTTP server.
        paused: Whether everything is paused at the start.
        paused_file: Where it stands whether everything is paused, from then on.
        log_format: `text` or `json`.
        log_level: `debug`, `info`, `warning` or `error`.
    """

    redis_url: str | None
    redis_url_file: str | None
    redis_password_file: str | None
    node_name: str
    hash_replicas: int
    node_update_seconds: float
    node_ttl_seconds: float
    late_seconds: float
    minimum_interval_seconds: int
    controller_name: str
    key_prefix: str
    namespaces: tuple[str, ...]
    http_port: int
    paused: bool
    paused_file: str | None
    log_format: str
    log_level: str
    pod_name: str
    pod_namespace: str
    pod_uid: str

    @property
    def redis(self) -> RedisAddress | None:
        """Where Redis is; None: membership in memory, one replica."""
        if self.redis_url is None and self.redis_url_file is None:
            return None
        return RedisAddress(url=self.redis_url, url_file=self.redis_url_file, password_file=self.redis_password_file)

    @property
    def shown_redis_url(self) -> str | None:
        """The Redis URL without user and password, fit for a log."""
        return None if self.redis_url is None else redisurl.without_password(self.redis_url)

    def __repr__(self) -> str:
        shown = {field.name: getattr(self, field.name) for field in fields(self)} | {"redis_url": self.shown_redis_url}
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[Settings, tuple[str, ...]]:
    """The settings that flags and environment ask for, and warnings about them, each a sentence.

    A flag wins over its variable. An empty value is as good as none: the default holds.

    Args:
        arguments: The command line without the program's name. `--help` prints and raises SystemExit(0).
        environment: Where the variables are, and `HOSTNAME`.

    Raises:
        InvalidSettings: One line that names the setting, the value and what is allowed.
    """
    known, unknown = _parser().parse_known_args(arguments)
    if unknown:
        # Never more than the name: a URL after a mistyped flag may hold a password.
        names = [text.partition("=")[0] for text in unknown if text.startswith("-")]
        raise InvalidSettings(
            f"command line: not understood: {', '.join(names) or 'a value without a flag'} (see --help)"
        )
    flags = vars(known)
    values = {setting.name: setting.value(flags[setting.name], environment) for setting in TABLE}
    settings = Settings(**values)
    _check_together(settings)
    return settings, (*_unknown(environment), *_doubts(settings))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InvalidSettings(f"command line: {message} (see --help)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m controller",
        description="Runs one replica of the DistributedCronJob controller in the foreground.",
        epilog="A flag wins over its variable; an empty value means the default. The cluster is found as kubectl finds "
        "it, by KUBECONFIG or ~/.kube/config, or from inside a pod by its service account.",
        allow_abbrev=False,
    )
    for setting in TABLE:
        parser.add_argument(setting.flag, metavar="VALUE", help=setting.description.replace("%", "%%"))
    return parser


def _check_together(settings: Settings) -> None:
    """Rules between settings."""
    _check_redis(settings)
    least = round(MIN_BEATS_IN_TTL * settings.node_update_seconds, 9)  # 3 * 0.1 is a little more than 0.3
    if settings.node_ttl_seconds < least:
        raise InvalidSettings(
            f"DCRON_NODE_TTL_SECONDS: {settings.node_ttl_seconds:g} is not allowed: at least {MIN_BEATS_IN_TTL} times "
            f"DCRON_NODE_UPDATE_SECONDS ({settings.node_update_seconds:g}), that is {least:g}"
        )


def _check_redis(settings: Settings) -> None:
    """One address, and files that are there: a Secret is mounted before the process starts."""
    if settings.redis_url is not None and settings.redis_url_file is not None:
        raise InvalidSettings("DCRON_REDIS_URL_FILE: DCRON_REDIS_URL is set too; give one of the two")
    if settings.redis is not None:
        settings.redis.read()
    elif settings.redis_password_file is not None:
        raise InvalidSettings("DCRON_REDIS_PASSWORD_FILE: give DCRON_REDIS_URL or DCRON_REDIS_URL_FILE with it")


def _doubts(settings: Settings) -> list[str]:
    """What is allowed and yet rarely meant."""
    doubts = []
    takeover = settings.node_ttl_seconds + settings.node_update_seconds
    if settings.late_seconds < takeover:
        doubts.append(
            f"DCRON_LATE_SECONDS: {settings.late_seconds:g} is shorter than a takeover takes ({takeover:g} s, from "
            "DCRON_NODE_TTL_SECONDS and DCRON_NODE_UPDATE_SECONDS): firings may be missed when a replica dies"
        )
    return doubts


def _unknown(environment: Mapping[str, str]) -> list[str]:
    known = {setting.variable for setting in TABLE}
    names = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    return [f"{name}: no such setting, ignored" for name in names if not _SERVICE_LINK.fullmatch(name)]
