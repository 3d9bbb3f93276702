"""One real server in development mode, where anybody may name a conversation: the widest door."""

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from infusion_guide.ports import HOST, free_port
from infusion_guide.settings import Settings
from tests.faults.cluster import UNLIMITED, Process, variables


class DevelopmentServer(Process):
    """`python -m infusion_guide.serve`: what `make run` starts, action server included."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.database = folder / "conversations.db"
        limits = ("visitor_messages_per_minute", "visitor_messages_per_day", "address_messages_per_minute", "messages_per_second")
        chosen = Settings(
            port=self.port,
            actions_port=free_port(),
            database_url=f"sqlite:///{self.database}",
            **dict.fromkeys(limits, UNLIMITED),
        )
        super().__init__([sys.executable, "-W", "ignore", "-m", "infusion_guide.serve"], variables(chosen), folder / "server.log")


@contextmanager
def running(folder: Path) -> Iterator[DevelopmentServer]:
    """The server, ready to answer, stopped at the end."""
    server = DevelopmentServer(folder)
    server.start()
    try:
        server.wait_for(f"{server.url}/ready")
        yield server
    finally:
        server.stop()
