"""The staff pages on loopback, with a database and an account for each role: what tests of any page begin with.

@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with StaffPages(tmp_path_factory.mktemp("staff")) as found:
        yield found

def test_x(pages):
    assert pages.signed_in("clinician").get("/staff/answers").status_code == 200
"""

import re
import threading
import time

import requests
import sqlalchemy as sa
from argon2 import PasswordHasher

from infusion_guide.staff import application
from infusion_guide.storage import accounts as staff
from infusion_guide.storage import tables
from infusion_guide.storage.database import Database
from tests.ports import HOST, free_port

PASSWORD = "calm river of tests"
NAMES = {"front_desk": "fiona", "clinician": "carla", "admin": "ada"}
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)  # the real one takes 0.1 s, on purpose


class Browser(requests.Session):
    """One browser; knows where the pages are, follows no redirect by itself, and fills in CSRF tokens."""

    def __init__(self, url):
        super().__init__()
        self.url = url
        self.token = ""

    def request(self, method, path, **options):
        """As requests, with a path; remembers the token of the page."""
        answered = super().request(method, f"{self.url}{path}", **{"allow_redirects": False, "timeout": 30, **options})
        found = _TOKEN.search(answered.text) if "html" in answered.headers.get("content-type", "") else None
        self.token = found[1] if found else self.token
        return answered

    def get(self, path, **options):
        """GETs without following redirects."""
        return self.request("GET", path, **options)

    def post(self, path, data=None, **options):
        """POSTs the fields `data` with the token of the last page (or the one that stands in `data`)."""
        return self.request("POST", path, data={"csrf_token": self.token, **(data or {})}, **options)

    def sign_in(self, name, password=PASSWORD, **options):
        """The answer to an attempt to sign in."""
        self.get("/staff/sign-in")
        answered = self.post("/staff/sign-in", {"name": name, "password": password}, **options)
        if answered.status_code == 303:
            self.get("/staff/password")  # the token of the session
        return answered


class StaffPages:
    """The pages, served; `database` is a fresh SQLite in `folder`, or the one of `url`."""

    def __init__(self, folder=None, url=""):
        self.database = Database(url or f"sqlite:///{folder}/staff.db")
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._signed_in = {}

    def __enter__(self):
        self._hasher, staff._hasher = staff._hasher, _CHEAP
        staff.nobody.cache_clear()
        tables.metadata.create_all(self.database.engine)
        for role, name in NAMES.items():
            self.run(lambda connection, *row: staff.add(connection, *row), name, role, staff.hashed(PASSWORD), False)
        self.server = application.server(self.database, HOST, self.port)
        self._thread = threading.Thread(target=self.server.run, daemon=True)
        self._thread.start()
        end = time.monotonic() + 10
        while not self.server.started:
            assert self._thread.is_alive() and time.monotonic() < end, "the staff pages did not start"
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self.server.should_exit = True
        self._thread.join(10)
        self.database.engine.dispose()
        staff._hasher = self._hasher
        staff.nobody.cache_clear()

    @property
    def app(self):
        """The Starlette application."""
        return self.server.config.app

    def run(self, work, *args):
        """What `work(connection, *args)` returns, in a transaction."""
        return self.database.run_now(lambda connection: work(connection, *args))

    def empty(self, *tables):
        """Takes every row out of `tables` of storage/tables.py."""
        for table in tables:
            self.run(lambda connection, table=table: connection.execute(sa.delete(table)))

    def rows(self, table):
        """All rows of a table of storage/tables.py, oldest first."""
        return self.run(lambda connection: connection.execute(sa.select(table)).fetchall())

    def browser(self):
        """A browser that is not signed in."""
        return Browser(self.url)

    def signed_in(self, role):
        """A browser that is signed in with `role`: the same one for each call."""
        if role not in self._signed_in:
            fresh = self.browser()
            assert fresh.sign_in(NAMES[role]).status_code == 303
            self._signed_in[role] = fresh
        return self._signed_in[role]
