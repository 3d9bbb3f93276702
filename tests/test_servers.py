"""The servers of tests/servers.py do what tests of outages rely on: stop, come back with their data, hang and go on.

They have servers of their own here, so that nothing done to them reaches other tests.
"""

import threading
import time
from contextlib import closing

import psutil
import psycopg2
import pytest
import redis

from tests.servers import HOST, Postgres, Redis, ServerError, package_folder


@pytest.fixture(scope="module")
def one_postgres():
    with Postgres() as server:
        yield server


@pytest.fixture(scope="module")
def one_redis():
    with Redis() as server:
        yield server


@pytest.fixture
def database(one_postgres):
    one_postgres.fresh()
    return one_postgres


@pytest.fixture
def cache(one_redis):
    one_redis.fresh()
    return one_redis


def run(server, statement):
    """The rows of one statement on a connection of its own; gives up after 2 seconds without a connection."""
    with closing(psycopg2.connect(server.url, connect_timeout=2)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else None


def client(server):
    return redis.Redis.from_url(server.url, socket_timeout=0.3)


def family(server):
    main = psutil.Process(server.pid)
    return [main, *main.children(recursive=True)]


@pytest.mark.parametrize("server", ["database", "cache"])
def test_listens_on_loopback_only(server, request):
    server = request.getfixturevalue(server)
    connections = psutil.Process(server.pid).net_connections(kind="all")
    assert [c.laddr for c in connections if c.status == psutil.CONN_LISTEN] == [(HOST, server.port)]
    assert not [c for c in connections if isinstance(c.laddr, str) and c.laddr], "a named unix socket"


def test_postgres_is_version_16_and_wants_the_password(database):
    assert run(database, "SELECT current_setting('server_version_num')::int / 10000, current_user") == [(16, "infusion_guide")]
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(database.url, password="wrong")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_postgres_comes_back_with_its_data(database, end):
    run(database, "CREATE TABLE kept AS SELECT 7 AS number")
    url, processes = database.url, family(database)
    with closing(psycopg2.connect(url)) as connection:
        getattr(database, end)()
        assert database.pid is None
        assert not [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        with pytest.raises(psycopg2.OperationalError):
            connection.cursor().execute("SELECT 1")
    with pytest.raises(psycopg2.OperationalError, match="refused"):
        run(database, "SELECT 1")
    database.start()
    assert database.url == url
    assert run(database, "SELECT number FROM kept") == [(7,)]


def test_a_frozen_postgres_hangs_and_goes_on(database):
    with closing(psycopg2.connect(database.url)) as connection:
        rows = []
        cursor = connection.cursor()
        select = threading.Thread(target=lambda: (cursor.execute("SELECT 1"), rows.extend(cursor.fetchall())), daemon=True)
        database.freeze()
        assert {process.status() for process in family(database)} == {psutil.STATUS_STOPPED}
        select.start()
        began = time.monotonic()
        with pytest.raises(psycopg2.OperationalError, match="timeout"):
            run(database, "SELECT 1")  # a new connection
        assert time.monotonic() - began > 1.5
        assert select.is_alive() and not rows  # an open one
        database.thaw()
        select.join(5)
        assert rows == [(1,)]
    assert run(database, "SELECT 2") == [(2,)]


@pytest.mark.parametrize("trouble", ["freeze", "kill", "stop"])
def test_postgres_is_fresh_after_any_trouble(database, trouble):
    run(database, "CREATE TABLE kept AS SELECT 7 AS number")
    with closing(psycopg2.connect(database.url)) as left_over:
        left_over.cursor().execute("LOCK TABLE kept")
        getattr(database, trouble)()
        database.fresh()
        assert run(database, "SELECT to_regclass('kept')") == [(None,)]
    run(database, "CREATE TABLE kept ()")  # the ordinary user still may


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_redis_comes_back_with_its_data(cache, end):
    url = cache.url
    with closing(client(cache)) as open_client:
        open_client.set("kept", "7")
        getattr(cache, end)()
        assert cache.pid is None
        with pytest.raises(redis.ConnectionError):
            open_client.ping()
        cache.start()
        assert cache.url == url
        assert open_client.get("kept") == b"7"


def test_a_frozen_redis_hangs_and_goes_on(cache):
    with closing(client(cache)) as open_client, closing(client(cache)) as new_client:
        open_client.set("kept", "7")
        cache.freeze()
        for each in (open_client, new_client):
            with pytest.raises(redis.TimeoutError):
                each.ping()
        cache.thaw()
        assert new_client.get("kept") == b"7"


@pytest.mark.parametrize("trouble", ["freeze", "kill", "stop"])
def test_redis_is_fresh_after_any_trouble(cache, trouble):
    with closing(client(cache)) as open_client:
        open_client.set("kept", "7")
        getattr(cache, trouble)()
        cache.fresh()
        assert open_client.keys() == []


def test_nothing_is_left_when_a_test_fails_on_a_frozen_server():
    with pytest.raises(ZeroDivisionError):
        with Redis() as server:
            pid, folder = server.pid, server.folder
            server.freeze()
            1 / 0  # noqa: B018
    assert not psutil.pid_exists(pid) and not folder.exists()


def test_stopping_and_killing_twice_is_harmless(cache):
    for step in (cache.stop, cache.stop, cache.kill, cache.freeze, cache.thaw, cache.start, cache.start):
        step()
    assert cache.pid


def test_a_taken_port_is_told_with_the_log(cache):
    second = Redis()
    second.port = cache.port
    second._answers = lambda: False  # the first one would answer for it
    with pytest.raises(ServerError, match="(?s)status 1.*bind"):
        second.__enter__()
    assert second.pid is None and not second.folder.exists()


def test_a_missing_package_is_named():
    with pytest.raises(ServerError, match="no_such_package.*requirements"):
        package_folder("no_such_package")
