"""Sets of values that people may choose: each is rendered, and what it gives is judged by the API server."""

from __future__ import annotations

from typing import Any, Final

TEAMS: Final = ("team-a", "team-b")
_NO_REDIS: Final = {"replicas": 1, "redis": {"mode": "none"}}


def external(**external: Any) -> dict[str, Any]:
    """Values with a Redis that is there already."""
    return {"redis": {"mode": "external", "external": external}}


SETS: Final[dict[str, dict[str, Any]]] = {
    "as it comes": {},
    "one replica": {"replicas": 1},
    "no redis": _NO_REDIS,
    "two namespaces": {"watch": {"scope": "namespaces", "namespaces": list(TEAMS)}},
    "two namespaces, and little cluster-wide": {
        "watch": {"scope": "namespaces", "namespaces": list(TEAMS)},
        "admission": {"enabled": False},
        "flowControl": {"enabled": False},
    },
    "its own namespace only": {"watch": {"scope": "namespaces", "namespaces": ["rendered"]}},
    "redis that keeps its data": {"redis": {"bundled": {"persistence": {"enabled": True, "storageClassName": "fast"}}}},
    "redis with a password that is there": {"redis": {"bundled": {"existingSecret": "our-redis"}}},
    "redis elsewhere": external(url="redis://redis.data:6379/0"),
    "redis elsewhere, with a user": external(
        url="redis://dcron@redis.data:6379/0", passwordSecret={"name": "redis", "key": "pw"}
    ),
    "redis elsewhere, its url a secret": external(urlSecret={"name": "redis"}),
    "redis elsewhere, TLS with certificates": external(
        url="rediss://dcron@redis.data:6379/0",
        passwordSecret={"name": "redis"},
        tls={"secretName": "redis-tls", "clientCertificate": True},
    ),
    "sentinels with TLS": external(
        url="redis+sentinel://dcron@one:26379,two:26379,three:26379/main/0",
        passwordSecret={"name": "redis"},
        tls={"secretName": "redis-tls", "caKey": "authority.pem"},
    ),
    "a redis cluster": external(
        url="redis+cluster://dcron@one:6379,two:6379?ssl=true", tls={"secretName": "redis-tls"}
    ),
    "all the monitoring": {
        "monitoring": {
            "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}, "interval": "15s"},
            "podMonitor": {"enabled": True},
            "rules": {
                "enabled": True,
                "labels": {"release": "prometheus"},
                "alertLabels": {"team": "platform", "severity": "page"},
                "runbookUrl": "https://runbooks.example.com/",
            },
            "dashboard": {"enabled": True},
        },
        "networkPolicy": {"metricsFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]},
    },
    "roles for users, a limit for templates": {
        "rbac": {"aggregate": True, "ownerReferencesEnforced": True},
        "admission": {"maxTemplateCharacters": 20000},
    },
    "pods as somebody wants them": {
        "image": {"repository": "registry.example.com/dcron", "digest": f"sha256:{'0' * 64}", "pullPolicy": "Always"},
        "imagePullSecrets": [{"name": "pull"}],
        "priorityClassName": "system-cluster-critical",
        "podLabels": {"team": "platform"},
        "podAnnotations": {"note": "x"},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "control", "operator": "Exists"}],
        "spreadHard": True,
        "terminationGracePeriodSeconds": 60,
        "podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None},
        "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
        "controller": {"extraEnv": [{"name": "SSL_CERT_FILE", "value": "/etc/ssl/ours.pem"}]},
    },
    "as little as possible": {
        "podDisruptionBudget": {"enabled": False},
        "networkPolicy": {"enabled": False},
        "flowControl": {"enabled": False},
        "admission": {"enabled": False},
        "rbac": {"create": False, "userRoles": False},
        "serviceAccount": {"create": False, "name": "ours"},
    },
    "a second installation": {
        "fullnameOverride": "cron-b",
        "nameOverride": "cron",
        "controller": {
            "name": "team-b",
            "keyPrefix": "b:dcron",
            "nodeUpdateSeconds": 0.5,
            "nodeTtlSeconds": 2.5,
            "lateSeconds": 5,
            "hashReplicas": 40,
            "paused": True,
            "minimumIntervalSeconds": 60,
            "logFormat": "text",
            "logLevel": "debug",
            "port": 9090,
        },
    },
}
