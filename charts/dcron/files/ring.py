"""`helm test`: is a replica ready at this address, with so many on its ring? Says so, or ends with what is wrong."""

import re
import sys
import urllib.error
import urllib.request


def ask(path: str) -> str:
    """The text that the replica answers with."""
    try:
        with urllib.request.urlopen(sys.argv[1] + path, timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        sys.exit(f"{path} answers {error.code}: {error.read().decode()}")
    except OSError as error:
        sys.exit(f"nobody answers at {sys.argv[1]}: {error}")


ask("/readyz")
found = re.search(r"^dcron_ring_members (\S+)$", ask("/metrics"), re.MULTILINE)
members = int(float(found.group(1))) if found else 0
if members != int(sys.argv[2]):
    sys.exit(f"the ring has {members} nodes, and there should be {sys.argv[2]} replicas")
sys.stdout.write(f"ready, with {members} on the ring\n")
