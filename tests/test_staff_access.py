"""Who gets into the staff pages: sign-in and lock-out, sessions, roles, CSRF; and what holds for every answer."""

import asyncio
import dataclasses
import importlib.util
import re
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher, Type, extract_parameters
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from infusion_guide.clinic.settings import settings
from infusion_guide.staff import access, application
from infusion_guide.storage import accounts as staff
from infusion_guide.storage import tables
from infusion_guide.storage.database import Database, DatabaseUnavailable
from tests.ports import HOST, free_port
from tests.staff_pages import NAMES, PASSWORD, StaffPages

PUBLIC = {"/staff/sign-in", "/staff/sign-in/code", "/staff/health"}  # and stylesheets
WRONG = "wrong horse battery"
_FORM = "application/x-www-form-urlencoded"
CLOSED = "That did not work."


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with StaffPages(tmp_path_factory.mktemp("staff")) as found:
        yield found


@pytest.fixture(autouse=True)
def nobody_has_guessed(pages):
    """Every test begins with all tries, open accounts and an empty log."""
    pages.app.state.guesses = access.Guesses()
    pages.run(lambda connection: connection.execute(sa.update(tables.staff).values(failures=0, locked_until=None)))
    pages.empty(tables.audit, tables.staff_tries, tables.staff_factors)


@pytest.fixture
def chosen(monkeypatch):
    """Changes settings: chosen(production=True)."""

    def change(**values):
        values = {"secret_key": "s" * 32, **values} if values.get("production") else values
        changed = dataclasses.replace(settings(), **values)
        monkeypatch.setattr(access, "settings", lambda: changed)
        monkeypatch.setattr(staff, "settings", lambda: changed)

    return change


@pytest.fixture
def compared(monkeypatch):
    """The hashes that passwords were compared with, in order; comparing is instant."""
    hashes = []

    def matches(stored, password):
        hashes.append(stored)
        return password == PASSWORD and stored != staff.nobody()

    monkeypatch.setattr(staff, "matches", matches)
    return hashes


def routes(pages):
    """Method, path with something in its places, roles (None: everybody)."""
    for route in pages.app.routes:
        path = re.sub(r"\{[^}]+\}", "1", route.path)
        for method in sorted(route.methods - {"HEAD"}):
            yield method, path, route.endpoint.roles


def contents(pages):
    """Everything in the database but when sessions were seen last."""
    return {name: pages.rows(table) for name, table in tables.metadata.tables.items() if name != "staff_sessions"}


# ---- Every route, from the application itself ----


def test_nobody_gets_in_without_a_session(pages):
    before, stranger, public = contents(pages), pages.browser(), set()
    scripts = {route.path for route in pages.app.routes if getattr(route.endpoint, "quiet", False)}
    for method, path, roles in routes(pages):
        if roles is None:
            public.add(path)
            continue
        answered = stranger.request(method, path)
        if path in scripts:  # no person is led anywhere
            assert (answered.status_code, answered.text) == (401, "You are signed out."), path
        elif method == "GET":
            assert answered.status_code == 303, path
            assert answered.headers["location"].startswith("/staff/sign-in?next="), path
        else:
            assert answered.status_code == 403 and "was not saved" in answered.text, path
    assert {path for path in public if not path.endswith((".css", ".js"))} == PUBLIC
    assert contents(pages) == before


@pytest.mark.parametrize("role", staff.ROLES)
def test_a_role_opens_its_own_pages_only(pages, role):
    member = pages.signed_in(role)
    before, closed = contents(pages), []
    for method, path, roles in routes(pages):
        if roles is not None and role not in roles:
            answered = member.post(path) if method == "POST" else member.get(path)
            assert answered.status_code == 403 and "Your role does not include this page" in answered.text, path
            closed.append(path)
    assert contents(pages) == before
    assert closed or role == "admin"


def test_every_post_needs_the_token(pages):
    before, of_somebody_else = contents(pages), pages.signed_in("admin").token
    for method, path, roles in routes(pages):
        if method == "POST":
            member = pages.signed_in(roles[0]) if roles else pages.browser()
            for token in ("", "##" + "0" * 40, of_somebody_else if roles != ("admin",) else pages.signed_in("clinician").token):
                answered = member.post(path, {"csrf_token": token})
                assert answered.status_code == 403 and "nothing was changed" in answered.text, path
    assert contents(pages) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_website_is_refused_even_with_the_token(pages, headers):
    member, before = pages.signed_in("admin"), contents(pages)
    for method, path, _ in routes(pages):
        if method == "POST":
            answered = member.post(path, headers=headers)
            assert answered.status_code == 403 and "another website" in answered.text, path
    assert contents(pages) == before


def test_our_own_forms_are_let_in_also_behind_a_proxy(pages, chosen):
    chosen(staff_url="https://bot.example.org")
    for origin in (pages.url, "https://bot.example.org"):
        headers = {"Sec-Fetch-Site": "same-origin", "Origin": origin}
        assert pages.browser().sign_in("ada", headers=headers).status_code == 303


def test_a_page_that_forgets_to_say_who_may_see_it_stops_the_start(pages, monkeypatch):
    async def open_to_all(_):
        return PlainTextResponse("secret")

    monkeypatch.setattr(application, "PAGES", [SimpleNamespace(ROUTES=[Route("/staff/forgotten", open_to_all)])])
    with pytest.raises(TypeError, match="/staff/forgotten does not say who may see it"):
        application.create(pages.database)


def test_head_is_a_look_not_a_form(pages):
    """It passes all that keeps forms of other websites away, so it must not be taken for one."""
    before, seen = contents(pages), set()
    for route in pages.app.routes:
        if route.methods >= {"GET", "POST"}:
            path = route.path.replace("{label:path}", "uncovered/cost")
            member = pages.signed_in(route.endpoint.roles[0]) if route.endpoint.roles else pages.browser()
            answered = member.request("HEAD", path)
            assert answered.status_code == member.get(path).status_code == 200 and not answered.content, path
            seen.add(path)
    assert seen == {"/staff/sign-in", "/staff/password", "/staff/answers/uncovered/cost/own"}
    assert contents(pages) == before


@pytest.mark.parametrize("path", ["/staff/people/{}", "/staff/people/{}/unlock", "/staff/unanswered/{}"])
def test_an_id_that_no_row_can_have_is_nothing(pages, path):
    member = pages.signed_in("admin")
    for digits in ("9" * 18, "9" * 25, "9" * 5000):
        address = path.format(digits)
        answered = member.post(address) if address.endswith("unlock") else member.get(address)
        assert answered.status_code in (404, 303), digits


def test_what_postgresql_cannot_store_is_refused_before(pages):
    member = pages.signed_in("admin")
    assert pages.browser().sign_in("a\0da").status_code == 400
    for path in ("/staff/requests/%00", "/staff/conversations/one?id=%00", "/staff/audit.csv?person=a%00"):
        assert member.get(path).status_code == 400, path
    assert member.post("/staff/conversations/delete", {"id": "a\0", "typed": "a\0"}).status_code == 400


# ---- Every answer ----


def test_every_answer_has_the_headers(pages):
    stranger, member = pages.browser(), pages.signed_in("admin")
    answers = [stranger.get(path) for path in ("/staff", "/staff/sign-in", "/staff/nothing", "/", "/staff/health")]
    answers += [stranger.post("/staff/people/add"), stranger.post("/staff/sign-in", {"name": "x" * 70_000})]
    answers += [member.get(path) for path in ("/staff/requests", "/staff/requests.csv", "/staff/sign-out")]
    for answered in answers:
        sent = answered.headers
        assert "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';" in sent["content-security-policy"]
        assert "frame-ancestors 'none'" in sent["content-security-policy"]
        assert sent["x-content-type-options"] == "nosniff" and sent["referrer-policy"] == "same-origin"
        assert sent["cross-origin-opener-policy"] == sent["cross-origin-resource-policy"] == "same-origin"
        assert sent["cache-control"] == "no-store" and "server" not in sent
    assert stranger.get(application.STYLESHEET).headers["cache-control"] == "public, max-age=300"


def test_errors_are_pages_with_kind_words(pages):
    member = pages.signed_in("admin")

    def body():
        yield from [b"x" * 30_000] * 3

    answers = {
        404: member.get("/staff/nothing"),
        405: member.get("/staff/people/add"),
        413: member.post("/staff/people/add", {"name": "x" * application.LARGEST_BODY}),
        400: member.post("/staff/people/add", files={"file": b"x"}),
    }
    for status, answered in answers.items():
        assert answered.status_code == status and "<h1>" in answered.text and "To the first page" in answered.text
    assert member.request("POST", "/staff/people/add", data=body(), headers={"Content-Type": _FORM}).status_code == 413


def test_a_mistake_of_ours_shows_no_trace(pages, monkeypatch):
    def broken(*_):
        raise ValueError("the words of a patient")

    monkeypatch.setattr(staff, "noted", broken)
    answered = pages.signed_in("admin").get("/staff/audit")
    assert answered.status_code == 500 and "This is our mistake" in answered.text
    assert "patient" not in answered.text and "Traceback" not in answered.text
    assert "frame-ancestors" in answered.headers["content-security-policy"]


def test_a_database_that_does_not_answer_is_said(pages, monkeypatch):
    async def away(_):
        raise DatabaseUnavailable("The database did not answer within 2 s (DATABASE_URL).")

    member = pages.signed_in("admin")
    monkeypatch.setattr(pages.database, "run", away)
    for answered in (member.get("/staff/requests"), pages.browser().sign_in("ada")):
        assert answered.status_code == 503 and "Please try again in a minute" in answered.text


# ---- Signing in ----


def test_the_sign_in(pages):
    browser = pages.browser()
    assert browser.sign_in(" Ada").headers["location"] == "/staff"
    assert browser.get("/staff").headers["location"] == "/staff/requests"
    assert [(row.staff, row.action, row.object) for row in pages.rows(tables.audit)] == [("ada", "signed in", "ada")]


def test_a_wrong_password_says_nothing_about_the_name(pages, compared):
    pages.run(lambda connection: staff.add(connection, "gone", "clinician", "hash", False))
    pages.run(lambda connection: staff.set_active(connection, staff.find(connection, "gone").id, False))
    texts = set()
    for name in ("ada", "nobody", "gone", "ada'; --", "x" * 60):
        answered = pages.browser().sign_in(name, WRONG)
        assert answered.status_code == 403
        shown = re.sub(r'value="[^"]*"', "", answered.text)
        texts.add(shown)
    assert len(texts) == 1 and CLOSED in texts.pop()
    assert len(compared) == 5  # each costs one comparison, whether there is an account or not
    assert [(row.object, row.detail) for row in pages.rows(tables.audit)] == [
        ("ada", "wrong password"),
        ("", "no such account"),
        ("gone", "not active"),
        ("", "no such account"),
        ("", "no such account"),
    ]


def test_an_unknown_name_is_compared_with_a_hash_of_the_same_cost():
    assert extract_parameters(staff.nobody()) == extract_parameters(staff.hashed(PASSWORD))


def test_hashes_are_argon2id_with_the_parameters_of_rfc_9106():
    """Beyond what OWASP asks for; tests of pages use a cheaper one."""
    real = importlib.util.module_from_spec(staff.__spec__)
    staff.__spec__.loader.exec_module(real)
    found = extract_parameters(real.hashed(PASSWORD))
    assert found.type is Type.ID and found.memory_cost == 65536 and found.time_cost == 3 and found.parallelism == 4


def test_five_wrong_passwords_close_the_account_for_15_minutes_where_they_came_from(pages, compared, chosen):
    chosen(proxies=1)
    here, elsewhere = {"X-Forwarded-For": "192.0.2.7"}, {"X-Forwarded-For": "192.0.2.8"}
    for _ in range(5):
        assert pages.browser().sign_in("carla", WRONG, headers=here).status_code == 403
    pages.app.state.guesses = access.Guesses()  # as after a restart: what locks is in the database
    refused = pages.browser().sign_in("carla", headers=here)
    assert refused.status_code == 403 and CLOSED in refused.text
    assert compared[-1] == staff.nobody()  # the right password was not even looked at
    row = pages.rows(tables.staff_tries)[0]
    assert 14 * 60 < row.locked_until - time.time() <= 15 * 60 and "192" not in row.place
    told = [(row.action, row.detail) for row in pages.rows(tables.audit)]
    assert told.count(("sign-in failed", "wrong password")) == 5
    closed = ("account locked", "for one place, after 5 wrong passwords from it")
    assert told[-2:] == [closed, ("sign-in failed", "locked")]
    assert pages.browser().sign_in("carla", headers=elsewhere).status_code == 303
    change = sa.update(tables.staff_tries).values(locked_until=time.time() - 1)
    pages.run(lambda connection: connection.execute(change))
    assert pages.browser().sign_in("carla", WRONG, headers=here).status_code == 403  # the first of five again
    assert pages.browser().sign_in("carla", headers=here).status_code == 303
    assert not pages.rows(tables.staff_tries) and pages.run(staff.find, "carla").failures == 0


def test_attack_16_strangers_do_not_lock_out_who_has_signed_in_before(pages, compared, chosen):
    """Before: 20 wrong passwords from one address locked every account for 15 minutes, again and again."""
    chosen(proxies=1)
    mine = {"X-Forwarded-For": "192.0.2.1"}
    browser = pages.browser()
    assert browser.sign_in("ada", headers=mine).status_code == 303
    assert "staff_browser" in browser.cookies
    names = ["ada", "carla", "fiona"] * 40
    guess(pages, names, compared, ["192.0.2.7"])
    for name in NAMES.values():  # one address locks nobody out elsewhere
        assert pages.browser().sign_in(name, headers=mine).status_code == 303
    guess(pages, ["ada"] * 120, compared, [f"203.0.113.{number}" for number in range(120)])
    assert pages.browser().sign_in("ada", headers={"X-Forwarded-For": "198.51.100.1"}).status_code == 403
    assert browser.sign_in("ada", headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 303  # whatever its address
    for _ in range(5):
        browser.sign_in("ada", WRONG)
    assert browser.sign_in("ada").status_code == 403  # it is no way to guess on


def test_a_browser_is_known_for_its_own_accounts_only(pages, compared):
    browser = pages.browser()
    browser.sign_in("fiona")
    for _ in range(5):
        pages.browser().sign_in("ada", WRONG)
    assert browser.sign_in("ada").status_code == 403 and browser.sign_in("fiona").status_code == 303
    forged = pages.browser()
    forged.cookies.set("staff_browser", "WyJ4IixbImFkYSJdXQ.a.b", path="/staff", domain=HOST)
    assert forged.sign_in("ada").status_code == 403


def test_attack_16_sixty_strangers_at_once_do_not_hold_up_a_known_browser(pages, monkeypatch, chosen):
    """Before: a right sign-in waited 8 s behind them and failed (one lock for everybody)."""
    chosen(proxies=1)
    browser = pages.browser()
    browser.sign_in("ada")

    def slow(stored, password):
        time.sleep(0.2)
        return password == PASSWORD and stored != staff.nobody()

    monkeypatch.setattr(staff, "matches", slow)
    with ThreadPoolExecutor(60) as threads:
        headers = [{"X-Forwarded-For": f"203.0.113.{number}"} for number in range(60)]
        strangers = [threads.submit(lambda own: pages.browser().sign_in("carla", WRONG, headers=own), own) for own in headers]
        time.sleep(0.5)
        began = time.monotonic()
        assert browser.sign_in("ada").status_code == 303
        assert time.monotonic() - began < 3.0
        answers = [each.result() for each in strangers]
    crowded = [answered for answered in answers if answered.status_code == 503]
    assert crowded and all("Too many people" in answered.text for answered in crowded)
    assert {answered.status_code for answered in answers} == {403, 503}


def test_four_wrong_passwords_do_not(pages, compared):
    for _ in range(2):
        for _ in range(4):
            pages.browser().sign_in("ada", WRONG)
        assert pages.browser().sign_in("ada").status_code == 303


def guess(pages, names, compared, addresses=("",)):
    """Signs in as each of `names` with a wrong password, twenty at a time, from `addresses` in turn."""

    def one(number):
        address = addresses[number % len(addresses)]
        headers = {"X-Forwarded-For": address} if address else {}
        return pages.browser().sign_in(names[number], WRONG, headers=headers).status_code

    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(one, range(len(names)))) == {403}
    return [stored for stored in compared if stored != staff.nobody()]


def test_a_hundred_guesses_at_once_lock_out(pages, compared):
    assert len(guess(pages, ["ada"] * 100, compared)) == 5
    assert len(compared) == 20  # the address is out as well
    assert pages.browser().sign_in("ada").status_code == 403
    assert pages.rows(tables.staff_tries)[0].locked_until


def test_a_hundred_guesses_from_a_hundred_addresses_lock_out(pages, compared, chosen):
    chosen(proxies=1)
    assert len(guess(pages, ["ada"] * 100, compared, [f"192.0.2.{number}" for number in range(100)])) == 50
    assert pages.browser().sign_in("ada", headers={"X-Forwarded-For": "198.51.100.1"}).status_code == 403


def test_a_hundred_names_guessed_shut_the_address_out(pages, compared, chosen):
    chosen(proxies=1)
    here, elsewhere = {"X-Forwarded-For": "6.6.6.6, 192.0.2.7"}, {"X-Forwarded-For": "192.0.2.8"}  # the first part is a lie
    guess(pages, [f"name{number}" for number in range(100)], compared, ["192.0.2.7"])
    assert len(compared) == 20
    assert pages.browser().sign_in("fiona", headers=here).status_code == 403
    assert pages.browser().sign_in("fiona", headers=elsewhere).status_code == 303


def test_who_signs_in_rightly_uses_up_no_tries(pages, compared):
    for _ in range(25):
        assert pages.browser().sign_in("ada").status_code == 303


@pytest.mark.parametrize(
    "forwarded, proxies, address",
    [
        ([""], 1, HOST),
        (["203.0.113.9"], 0, HOST),
        (["203.0.113.9, 192.0.2.7"], 1, "192.0.2.7"),
        (["203.0.113.9, 192.0.2.7"], 2, "203.0.113.9"),
        (["203.0.113.9", "192.0.2.7"], 1, "192.0.2.7"),  # the proxy's own line comes last, the caller's is a lie
        (["2001:db8:1:2:3:4:5:6"], 1, "2001:db8:1:2::/64"),
        (["::ffff:192.0.2.7"], 1, "192.0.2.7"),
        (["no address"], 1, "no address"),
    ],
)
def test_whose_tries_are_counted(chosen, forwarded, proxies, address):
    chosen(proxies=proxies)
    headers = Headers(raw=[(b"x-forwarded-for", line.encode()) for line in forwarded])
    request = SimpleNamespace(client=SimpleNamespace(host=HOST), headers=headers)
    assert access.address_of(request) == address


def tries(*guesses):
    """How many failed tries of one address `guesses`, asked in turn, let in."""

    async def count():
        number = 0
        while await guesses[number % len(guesses)].may_try("192.0.2.7"):
            await guesses[number % len(guesses)].failed("192.0.2.7")
            number += 1
        return number

    return asyncio.run(count())


def test_all_processes_count_together_in_redis(chosen, fresh_redis):
    chosen(redis_url=fresh_redis.url)
    assert tries(access.Guesses(), access.Guesses()) == 20


def test_without_redis_a_process_counts_alone(chosen):
    chosen(redis_url=f"redis://{HOST}:{free_port()}/0")
    assert tries(access.Guesses()) == 20


@pytest.fixture(params=["sqlite", "postgresql"])
def crowd(request, tmp_path):
    """Does a piece of work in forty transactions at once; the results."""
    url = f"sqlite:///{tmp_path}/crowd.db" if request.param == "sqlite" else request.getfixturevalue("fresh_postgres").url
    database = Database(url)
    tables.metadata.create_all(database.engine)

    def run(work, times=40):
        with ThreadPoolExecutor(8) as threads:
            return list(threads.map(lambda _: database.run_now(work), range(times)))

    yield run
    database.engine.dispose()


def test_tries_at_the_same_moment_are_all_counted(crowd):
    crowd(lambda connection: staff.add(connection, "ada", "admin", "hash", False), 1)
    assert sum(crowd(lambda connection: staff.admit_try(connection, 1, 1000.0, "here", True))) == staff.MOST_WRONG
    places = iter(range(80))
    anywhere = crowd(lambda connection: staff.admit_try(connection, 1, 1000.0, f"place {next(places)}", False), 80)
    assert sum(anywhere) == staff.MOST_ANYWHERE


def test_two_admins_cannot_take_each_others_role_away_at_once(crowd):
    names = iter(["ada", "bea"])
    crowd(lambda connection: staff.add(connection, next(names), "admin", "hash", False), 2)
    ids = iter([1, 2])

    with pytest.raises(staff.Refused, match="last active admin"):
        crowd(lambda connection: staff.set_role(connection, next(ids), "clinician"), 2)
    assert [row.role for row in crowd(staff.accounts, 1)[0]].count("admin") == 1


def test_an_old_hash_is_made_anew(pages):
    cheap = PasswordHasher(time_cost=2, memory_cost=32, parallelism=1).hash(PASSWORD)
    change = sa.update(tables.staff).where(tables.staff.c.name == "fiona")
    pages.run(lambda connection: connection.execute(change.values(password=cheap)))
    assert pages.browser().sign_in("fiona").status_code == 303
    fresh = pages.run(staff.find, "fiona").password
    assert fresh.startswith("$argon2id$") and not staff.needs_new_hash(fresh) and staff.matches(fresh, PASSWORD)


# ---- Sessions ----


def sessions_of(pages, name):
    staff_id = pages.run(staff.find, name).id
    return [row for row in pages.rows(tables.staff_sessions) if row.staff_id == staff_id]


def age(pages, **columns):
    """Makes every session older: columns are seconds to take off."""
    values = {column: tables.staff_sessions.c[column] - seconds for column, seconds in columns.items()}
    pages.run(lambda connection: connection.execute(sa.update(tables.staff_sessions).values(**values)))


def test_the_cookie(pages, chosen):
    browser = pages.browser()
    cookies = browser.sign_in("ada").headers["set-cookie"].lower()
    assert "staff_session=" in cookies and "httponly" in cookies and "samesite=strict" in cookies and "path=/staff" in cookies
    assert "secure" not in cookies and "expires" not in cookies
    token = browser.cookies["staff_session"]
    assert len(token) == 43 and token not in {row.token for row in pages.rows(tables.staff_sessions)}
    chosen(production=True)
    browser = pages.browser()
    browser.get("/staff/sign-in")
    sent = {"name": "ada", "password": PASSWORD}
    fetched = browser.get("/staff/sign-in").headers["set-cookie"]
    assert fetched.startswith("staff_form=") and "; Secure" in fetched
    # Over plain HTTP the browser does not send a secure cookie back, so the test does.
    cookie = {"Cookie": fetched.split(";")[0]}
    browser.request("GET", "/staff/sign-in", headers=cookie)
    assert "; Secure" in browser.post("/staff/sign-in", sent, headers=cookie).headers["set-cookie"]


def test_each_sign_in_has_a_new_token_and_ends_the_former_session(pages):
    browser = pages.browser()
    browser.cookies.set("staff_session", "chosen-by-an-attacker", path="/staff", domain=HOST)
    browser.sign_in("ada")
    first = browser.cookies["staff_session"]
    assert first != "chosen-by-an-attacker"
    count = len(sessions_of(pages, "ada"))
    browser.sign_in("ada")
    assert browser.cookies["staff_session"] != first and len(sessions_of(pages, "ada")) == count
    thief = pages.browser()
    thief.cookies.set("staff_session", first, path="/staff", domain=HOST)
    assert thief.get("/staff/requests").headers["location"].startswith("/staff/sign-in")


def test_signing_out_deletes_the_session(pages):
    browser = pages.browser()
    browser.sign_in("ada")
    token, count = browser.cookies["staff_session"], len(sessions_of(pages, "ada"))
    answered = browser.post("/staff/sign-out")
    assert answered.status_code == 303 and len(sessions_of(pages, "ada")) == count - 1
    assert "You are signed out." in browser.get("/staff/sign-in").text
    browser.cookies.set("staff_session", token, path="/staff", domain=HOST)
    assert browser.get("/staff/requests").status_code == 303
    assert pages.rows(tables.audit)[-1].action == "signed out"


@pytest.mark.parametrize("older", [{"seen": 31 * 60}, {"began": 12 * 3600 + 60}])
def test_sessions_end_and_a_form_sent_too_late_is_not_lost_silently(pages, older):
    browser = pages.browser()
    browser.sign_in("carla")
    age(pages, seen=29 * 60)
    assert browser.get("/staff/requests").status_code == 200  # and looking at it keeps it alive
    age(pages, seen=29 * 60)
    assert browser.get("/staff/requests").status_code == 200
    age(pages, **older)
    late = browser.post("/staff/requests/K7M-2QX/notes", {"words": "Called, no answer"})
    assert late.status_code == 403 and "what you sent was not saved" in late.text
    assert ">Called, no answer</textarea>" in late.text
    assert 'name="password"' in late.text and not pages.rows(tables.request_notes)
    pages._signed_in.clear()


def test_what_was_typed_is_shown_again_to_nobody_else_and_never_a_password(pages):
    words = {"words": "Called, no answer", "fresh": "my new passphrase"}
    assert "no answer" not in pages.browser().post("/staff/requests/K7M-2QX/notes", words).text
    browser = pages.browser()
    browser.cookies.set("staff_session", "over", path="/staff", domain=HOST)
    assert "passphrase" not in browser.post("/staff/password", words).text
    assert "&lt;b&gt; x" in browser.post("/staff/requests/K7M-2QX/notes", {"words": "<b> x"}).text


def test_sessions_that_are_over_are_deleted(pages):
    pages.browser().sign_in("ada")
    age(pages, seen=31 * 60)
    pages.browser().sign_in("carla")
    assert len(pages.rows(tables.staff_sessions)) == 1
    pages._signed_in.clear()


@pytest.mark.parametrize("wanted", ["/staff/audit", "/staff/requests?show=done&page=2"])
def test_after_the_sign_in_comes_the_page_that_was_asked_for(pages, wanted):
    browser = pages.browser()
    asked = browser.get(wanted).headers["location"]
    browser.get(asked)
    answered = browser.post(asked, {"name": "ada", "password": PASSWORD})
    assert answered.headers["location"] == wanted


def test_a_link_on_another_website_is_followed_once_more_from_here(pages):
    wanted = "/staff/requests?show=done"
    first = pages.browser().get(wanted, headers={"Sec-Fetch-Site": "cross-site"})
    assert first.status_code == 200 and first.headers["refresh"] == f"0; url={wanted}"
    split = pages.browser().get("/staff/requests/x%0d%0aSet-Cookie:a=b", headers={"Sec-Fetch-Site": "cross-site"})
    assert "set-cookie" not in split.headers and split.headers["refresh"] == "0; url=/staff/requests/xSet-Cookie:a=b"
    again = pages.browser().get(wanted, headers={"Sec-Fetch-Site": "same-origin"})
    assert again.status_code == 303 and again.headers["location"].startswith("/staff/sign-in")


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "/staff/../\\evil.example", "/\\evil.example", "/staff/sign-in", "javascript:1"],
)
def test_and_never_another_website(pages, wanted):
    browser = pages.browser()
    browser.get("/staff/sign-in")
    answered = browser.post("/staff/sign-in", {"name": "ada", "password": PASSWORD}, params={"next": wanted})
    assert answered.headers["location"] == "/staff"


# ---- One's own password ----


@pytest.fixture
def newcomer(pages):
    """Signed in with a first password."""
    name = f"new{len(pages.rows(tables.staff))}"
    pages.run(lambda connection: staff.add(connection, name, "front_desk", staff.hashed(PASSWORD), True))
    browser = pages.browser()
    browser.sign_in(name)
    browser.name = name
    return browser


def test_a_first_password_must_be_changed(pages, newcomer):
    assert newcomer.get("/staff/requests").headers["location"] == "/staff/password"
    assert newcomer.post("/staff/requests/K7M-2QX/take").headers["location"] == "/staff/password"
    other = pages.browser()
    other.sign_in(newcomer.name)
    fresh = "another river of tests"
    changed = newcomer.post("/staff/password", {"present": PASSWORD, "fresh": fresh, "again": fresh})
    assert changed.headers["location"] == "/staff"
    assert "You have a new password now." in newcomer.get("/staff/requests").text
    assert other.get("/staff/password").headers["location"].startswith("/staff/sign-in")  # the other session ended
    assert pages.browser().sign_in(newcomer.name, fresh).status_code == 303
    assert pages.browser().sign_in(newcomer.name).status_code == 403


@pytest.mark.parametrize(
    "present, fresh, again, words",
    [
        (PASSWORD, "short", "short", "at least 12 characters"),
        (PASSWORD, "password1234", "password1234", "Many people use this password"),
        (PASSWORD, "PASSWORDpassword", "PASSWORDpassword", "Many people use this password"),
        (PASSWORD, "aaaaaaaaaaaa", "aaaaaaaaaaaa", "Many people use this password"),
        (PASSWORD, "a river of tests", "a river of texts", "differ"),
        (PASSWORD, PASSWORD, PASSWORD, "is the present one"),
        ("wrong", "a river of tests", "a river of tests", "present password is wrong"),
    ],
)
def test_a_new_password_that_is_refused(pages, newcomer, present, fresh, again, words):
    answered = newcomer.post("/staff/password", {"present": present, "fresh": fresh, "again": again})
    assert answered.status_code == 422 and words in answered.text
    assert fresh not in answered.text.replace("Infusion", "")
    assert pages.run(staff.find, newcomer.name).must_change


def test_guessing_at_the_present_password_locks_too(pages, newcomer):
    for present in [WRONG] * 5 + [PASSWORD]:
        sent = {"present": present, "fresh": "a river of tests", "again": "a river of tests"}
        assert newcomer.post("/staff/password", sent).status_code == 422
    assert pages.run(staff.closed, time.time()) == {
        pages.run(staff.find, newcomer.name).id: pytest.approx(time.time() + 900, abs=60)
    }
    assert pages.browser().sign_in(newcomer.name).status_code == 303  # whoever stole the session locks nobody out elsewhere


@pytest.mark.parametrize(
    "password",
    ["Summer2026!!", "P@ssw0rd2026", "ketamine2026!", "qwertyuiop1234", "Ketamine-Infusion-Winter-2026", "InfusionClinic 2026"],
)
def test_attack_16_passwords_that_everybody_guesses(password):
    assert "Please choose four or more words" in staff.weakness("maria", password)


def test_passwords_of_words_are_fine():
    for password in (PASSWORD, "wrong horse battery", "mi perro se llama Toby", "x" * 3 + "quiet lamps under seven bridges" * 5):
        assert staff.weakness("maria", password) is None, password


@pytest.mark.parametrize("password", ["maria and the river", "Maria1234567", "x" * 201, "ｐａｓｓｗｏｒｄ1234", "password123456"])
def test_weak_passwords(password):
    assert staff.weakness("maria", password)


def test_made_passwords_are_strong_and_never_the_same():
    made = {staff.first_password() for _ in range(50)}
    assert len(made) == 50 and not any(staff.weakness("maria", password) for password in made)


# ---- The command for the first account ----


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs the command on a fresh database; exit code and what it said."""
    chosen = dataclasses.replace(settings(), database_url=f"sqlite:///{tmp_path}/first.db")
    monkeypatch.setattr(staff, "settings", lambda: chosen)
    monkeypatch.setattr("infusion_guide.storage.database.settings", lambda: chosen)
    from infusion_guide.storage import database

    database.database.cache_clear()
    yield lambda *words: (staff.main(list(words)), "".join(capsys.readouterr()))
    database.database.cache_clear()


def test_the_command_makes_the_first_account(command, monkeypatch):
    code, said = command("add", "Maria", "admin")
    first = re.search(r"shown only now: (\S+)", said)[1]
    assert code == 0 and command("list")[1].split() == ["maria", "admin"]
    assert command("add", "maria", "admin")[0] == 1 and command("add", "eve", "boss")[0] == 1
    assert command("add", "9", "admin")[0] == 1 and command("reset", "eve")[0] == 1
    assert command()[0] == command("remove", "maria")[0] == 2
    code, said = command("reset", "maria")
    assert code == 0 and first not in said
    typed = iter([PASSWORD, PASSWORD, "short", PASSWORD, WRONG])
    monkeypatch.setattr(staff.getpass, "getpass", lambda _: next(typed))
    monkeypatch.setattr(staff.sys, "stdin", SimpleNamespace(isatty=lambda: True))
    assert command("add", "tom", "front_desk") == (0, "tom can sign in now.\n")
    assert command("reset", "tom")[0] == command("reset", "tom")[0] == 1
    assert NAMES["admin"] not in command("list")[1]
