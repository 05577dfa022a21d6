"""Free ports on the loopback address.

Why not simply bind to port 0? The kernel hands out *ephemeral* ports, and it also takes the near end of every
outgoing connection from them. While a server restarts, a client that keeps knocking may be given the server's own
port and connect to itself; the server then cannot come back. So the ports here lie below that range.
"""

import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"

_LOWEST = 15000
_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL_EPHEMERAL_START = 32768
_ATTEMPTS = 200


def free_port() -> int:
    """A port on the loopback address that nobody listens on now, chosen at random so that parallel runs rarely meet."""
    highest = _ephemeral_start() - 1
    for _ in range(_ATTEMPTS):
        port = random.randint(_LOWEST, highest)
        if _is_free(port):
            return port
    raise OSError(f"no free port between {_LOWEST} and {highest}")


def _ephemeral_start() -> int:
    try:
        start = int(_EPHEMERAL_RANGE.read_text().split()[0])
    except OSError:
        return _USUAL_EPHEMERAL_START
    return start if start > _LOWEST + _ATTEMPTS else _USUAL_EPHEMERAL_START


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
