"""Free ports of the loopback address, for servers that tests, evaluation and benchmarks start."""

import random
import socket
from typing import Set

HOST = "127.0.0.1"

# Below the ports systems hand out to clients (32768 and up). A client that keeps calling a stopped server on one of those
# would sooner or later be given the very same port, connect to itself and keep the server from starting again.
PORTS = range(20_000, 30_000)

_given: Set[int] = set()  # two servers that are set up one after the other must not be told the same port


def free_port() -> int:
    """A port of PORTS on which nothing listens, another one for each call of this process.

    Raises:
        OSError: a hundred were tried, none was free.
    """
    left = sorted(set(PORTS) - _given)
    for port in random.Random().sample(left, min(100, len(left))):  # not the global generator, which a test may have seeded
        with socket.socket() as attempt:
            try:
                attempt.bind((HOST, port))
            except OSError:
                continue
            _given.add(port)
            return port
    raise OSError(f"No free port between {PORTS.start} and {PORTS.stop}.")
