"""ATTACKS.md 16: a second factor for staff. A code of the app or a recovery code after the password; each counts once."""

import dataclasses
import re
import time

import pyotp
import pytest

from infusion_guide.clinic.settings import settings
from infusion_guide.staff import access, sign_in
from infusion_guide.storage import accounts as staff
from infusion_guide.storage import second_factor, tables
from infusion_guide.storage.database import Database, migrate
from tests.staff_pages import PASSWORD, StaffPages

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CODE = "/staff/sign-in/code"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with StaffPages(tmp_path_factory.mktemp("staff")) as found:
        yield found


@pytest.fixture(autouse=True)
def afresh(pages):
    pages.app.state.guesses = access.Guesses()
    pages.empty(tables.audit, tables.staff_tries, tables.staff_factors, tables.marks)


@pytest.fixture
def required(monkeypatch):
    changed = dataclasses.replace(settings(), staff_second_factor=True)
    for module in (access, sign_in):
        monkeypatch.setattr(module, "settings", lambda: changed)


def code(secret, ahead=0):
    return pyotp.TOTP(secret).at(time.time() + ahead)


def set_up(browser):
    """Sets it up on the person's own page; the secret and the recovery codes."""
    shown = browser.get("/staff/second-factor").text
    secret = re.search(r'value="([A-Z2-7]{32})"', shown)[1]
    assert 'src="data:image/svg+xml' in shown
    done = browser.post("/staff/second-factor", {"secret": secret, "code": code(secret), "present": PASSWORD})
    assert done.status_code == 200
    return secret, re.findall(r"<code>([a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4})</code>", done.text)


def begin(pages, name="ada", wanted=""):
    """A browser that gave the right password."""
    browser = pages.browser()
    address = f"/staff/sign-in{f'?next={wanted}' if wanted else ''}"
    browser.get(address)
    answered = browser.post(address, {"name": name, "password": PASSWORD})
    assert answered.status_code == 303 and answered.headers["location"].startswith(CODE)
    assert "staff_session" not in browser.cookies and "staff_browser" not in browser.cookies
    browser.get(answered.headers["location"])
    browser.address = answered.headers["location"]
    return browser


def give(browser, words):
    return browser.post(browser.address, {"code": words})


def log(pages):
    return [(row.staff, row.action, row.detail) for row in pages.rows(tables.audit)]


def test_setting_it_up_and_signing_in_with_it(pages):
    own = pages.browser()
    own.sign_in("ada")
    secret, codes = set_up(own)
    assert len(codes) == len(set(codes)) == 10
    stored = pages.rows(tables.staff_factors)[0]
    assert secret not in stored.secret and not any(each in stored.codes for each in codes)
    browser = begin(pages, wanted="/staff/audit")
    assert browser.get("/staff/requests").status_code == 303  # the password alone opens nothing
    entered = give(browser, code(secret, 30))
    assert entered.status_code == 303 and entered.headers["location"] == "/staff/audit"
    assert browser.get("/staff/audit").status_code == 200
    assert log(pages).count(("ada", "signed in", "with a code")) == 1
    assert give(begin(pages), code(secret, 30)).status_code == 403  # seen over the shoulder: it counts once


def test_a_recovery_code_counts_once(pages):
    own = pages.browser()
    own.sign_in("ada")
    _, codes = set_up(own)
    assert give(begin(pages), f" {codes[3].upper().replace('-', ' ')}").status_code == 303
    assert ("ada", "signed in", "with a recovery code, 9 left") in log(pages)
    assert give(begin(pages), codes[3]).status_code == 403
    assert "9 recovery codes are left" in own.get("/staff/second-factor").text


def test_five_wrong_codes_close_it_also_for_the_right_one(pages):
    own = pages.browser()
    own.sign_in("ada")
    secret, codes = set_up(own)
    for number in range(5):
        refused = give(begin(pages), f"{number:06}")
        assert refused.status_code == 403 and "That did not work" in refused.text
    assert give(begin(pages), code(secret, 30)).status_code == give(begin(pages), codes[0]).status_code == 403
    assert log(pages).count(("ada", "sign-in failed", "wrong code")) == 7


def test_without_the_password_a_code_opens_nothing(pages, monkeypatch):
    own = pages.browser()
    own.sign_in("ada")
    secret, _ = set_up(own)
    stranger = pages.browser()
    assert stranger.get(CODE).headers["location"] == "/staff/sign-in"
    stranger.get("/staff/sign-in")
    assert stranger.post(CODE, {"code": code(secret, 30)}).status_code == 403
    late = begin(pages)
    monkeypatch.setattr(access, "HALF_SECONDS", -1)
    answered = give(late, code(secret, 30))
    assert answered.status_code == 403 and "This took too long" in answered.text


def test_a_password_changed_meanwhile_ends_the_half_way(pages):
    own = pages.browser()
    own.sign_in("carla")
    secret, _ = set_up(own)
    browser = begin(pages, "carla")
    carla = pages.run(staff.find, "carla").id
    pages.run(lambda connection: staff.set_hash(connection, carla, staff.hashed(PASSWORD), False))
    assert give(browser, code(secret, 30)).status_code == 403


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"code": "000000"}, "not the code of this moment"),
        ({"present": "wrong horse battery"}, "The password is wrong"),
    ],
)
def test_it_is_set_up_only_by_who_knows_both(pages, wrong, words):
    own = pages.browser()
    own.sign_in("fiona")
    own.get("/staff/second-factor")
    answered = own.post("/staff/second-factor", {"secret": SECRET, "code": code(SECRET), "present": PASSWORD, **wrong})
    assert answered.status_code == 422 and words in answered.text and SECRET in answered.text
    assert not pages.rows(tables.staff_factors)
    assert own.post("/staff/second-factor", {"secret": "short", "code": "1", "present": PASSWORD}).status_code == 400


def test_it_is_taken_away_with_password_and_code(pages):
    own = pages.browser()
    own.sign_in("fiona")
    secret, codes = set_up(own)
    own.get("/staff/second-factor")
    assert own.post("/staff/second-factor/off", {"code": "000000", "present": PASSWORD}).status_code == 422
    assert own.post("/staff/second-factor/off", {"code": codes[0], "present": "wrong horse"}).status_code == 422
    assert own.post("/staff/second-factor/off", {"code": codes[0], "present": PASSWORD}).status_code == 303
    assert pages.browser().sign_in("fiona").headers["location"] == "/staff"


def test_an_admin_helps_whose_phone_is_lost(pages):
    own = pages.browser()
    own.sign_in("carla")
    set_up(own)
    carla = pages.run(staff.find, "carla").id
    admin = pages.browser()
    admin.sign_in("ada")
    assert "Take the second factor away" in admin.get(f"/staff/people/{carla}").text
    admin.post(f"/staff/people/{carla}/phone-lost")
    assert ("ada", "took a second factor away", None) in log(pages)
    assert own.get("/staff/requests").headers["location"].startswith("/staff/sign-in")
    assert pages.browser().sign_in("carla").headers["location"] == "/staff"


def test_a_clinic_may_ask_everybody_for_it(pages, required):
    own = pages.browser()
    assert own.sign_in("ada").status_code == 303
    assert own.get("/staff/requests").headers["location"] == "/staff/second-factor"
    assert own.post("/staff/requests/K7M-2QX/take").headers["location"] == "/staff/second-factor"
    assert "Your clinic asks everybody" in own.get("/staff/second-factor").text
    set_up(own)
    assert own.get("/staff/requests").status_code == 200


def test_a_code_counts_for_its_time_and_once():
    now = 1_800_000_000.0
    for shift in (-1, 0, 1):
        right = pyotp.TOTP(SECRET).at(now + 30 * shift)
        step = second_factor.step_of(SECRET, f"{right[:3]} {right[3:]}", now)
        assert step == now // 30 + shift and second_factor.step_of(SECRET, right, now, after=step) is None
    for wrong in (pyotp.TOTP(SECRET).at(now + 90), "", "é" * 6, "１２３４５６"):
        assert second_factor.step_of(SECRET, wrong, now) is None


def test_the_secret_survives_a_new_secret_key_and_not_a_lost_one(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/f.db"
    migrate(url)
    database, now = Database(url), 1_800_000_000.0
    codes = database.run_now(lambda connection: second_factor.set_up(connection, 1, SECRET, 0, now))

    def admit(words, at):
        return database.run_now(lambda connection: second_factor.admit(connection, 1, words, at))

    kept = second_factor.keys()
    monkeypatch.setattr(second_factor, "keys", lambda: (b"n" * 32, *kept))
    assert admit(pyotp.TOTP(SECRET).at(now), now) == "code"
    monkeypatch.setattr(second_factor, "keys", lambda: (b"n" * 32,))
    assert admit(pyotp.TOTP(SECRET).at(now + 60), now + 60) == ""
    assert admit(codes[0], now) == "recovery code"
    database.engine.dispose()
