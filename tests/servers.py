"""Fixtures of the real PostgreSQL and Redis of tools/bench/local_servers.py, which benchmarks use too."""

from typing import Iterator

import pytest

from tools.bench.local_servers import HOST, Postgres, Redis, Server, ServerError, package_folder

__all__ = ["HOST", "Postgres", "Redis", "Server", "ServerError", "package_folder"]


def _fresh(server: Server) -> Iterator[Server]:
    server.fresh()
    try:
        yield server
    finally:
        server.start()  # as the next test expects it, whatever this one stopped, killed or left frozen


@pytest.fixture(scope="session")
def postgres():
    """One PostgreSQL for the whole session, with whatever earlier tests left in it."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server():
    """One Redis for the whole session, with whatever earlier tests left in it."""
    with Redis() as server:
        yield server


@pytest.fixture
def fresh_postgres(postgres):
    """The session's PostgreSQL, emptied. The test may stop, kill or freeze it: it runs again afterwards."""
    yield from _fresh(postgres)


@pytest.fixture
def fresh_redis(redis_server):
    """The session's Redis, emptied. The test may stop, kill or freeze it: it runs again afterwards."""
    yield from _fresh(redis_server)
