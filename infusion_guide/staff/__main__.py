"""Serves the staff pages on HOST and STAFF_PORT: a role of infusion_guide/run/."""

import os
import socket
import sys

from infusion_guide.clinic.settings import settings
from infusion_guide.staff.application import server
from infusion_guide.storage.database import database
from infusion_guide.watch.logs import configure_logs


def main() -> int:
    """Serves until it is asked to stop."""
    chosen = settings()
    family = socket.AF_INET6 if ":" in chosen.host else socket.AF_INET
    try:
        listening = socket.create_server((chosen.host, chosen.staff_port), family=family, backlog=128)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        print(f"The staff pages cannot listen on STAFF_PORT {chosen.staff_port}: {why}.", file=sys.stderr)
        return 1
    configure_logs("staff")
    server(database(), chosen.host, chosen.staff_port).run(sockets=[listening])
    return 0


if __name__ == "__main__":
    sys.exit(main())
