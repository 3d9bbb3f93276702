"""The pages People and Audit log."""

import csv
import io
import re
import time

import pytest
import sqlalchemy as sa

from infusion_guide.storage import accounts as staff
from infusion_guide.storage import tables
from tests.staff_pages import NAMES, PASSWORD, StaffPages


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with StaffPages(tmp_path_factory.mktemp("staff")) as found:
        found.signed_in("admin")
        yield found


@pytest.fixture(autouse=True)
def as_at_first(pages):
    """Every test begins with the three accounts of StaffPages and an empty log."""
    change = sa.update(tables.staff).values(active=True, failures=0, locked_until=None)
    pages.run(lambda connection: connection.execute(change))
    for role, name in NAMES.items():
        change = sa.update(tables.staff).where(tables.staff.c.name == name).values(role=role)
        pages.run(lambda connection, change=change: connection.execute(change))
    others = sa.delete(tables.staff).where(tables.staff.c.name.notin_(NAMES.values()))
    pages.run(lambda connection: connection.execute(others))
    pages.run(lambda connection: connection.execute(sa.delete(tables.audit)))


@pytest.fixture
def admin(pages):
    browser = pages.signed_in("admin")
    browser.get("/staff/people")
    return browser


def log(pages):
    return [(row.staff, row.action, row.object, row.detail) for row in pages.rows(tables.audit)]


def person(pages, name):
    return pages.run(staff.find, name)


def secret(answered):
    """The first password that a page shows."""
    return re.search(r'<p class="secret">([^<]+)</p>', answered.text)[1]


# ---- People ----


def test_a_new_person_gets_a_first_password_that_is_shown_once(pages, admin):
    answered = admin.post("/staff/people/add", {"name": "Tom.B", "role": "clinician"})
    first = secret(answered)
    assert answered.status_code == 200 and answered.headers["cache-control"] == "no-store"
    assert first not in admin.get("/staff/people").text + admin.get(f"/staff/people/{person(pages, 'tom.b').id}").text
    assert log(pages) == [("ada", "added a person", "tom.b", "clinician")] and first not in str(pages.rows(tables.staff))
    newcomer = pages.browser()
    assert newcomer.sign_in("tom.b", first).status_code == 303
    assert newcomer.get("/staff/requests").headers["location"] == "/staff/password"


@pytest.mark.parametrize(
    "name, role, words",
    [
        ("carla", "clinician", "There is an account carla already."),
        ("CARLA", "clinician", "There is an account carla already."),
        ("x", "clinician", "A name has 2 to 32"),
        ("<b>x</b>", "clinician", "A name has 2 to 32"),
        ("tom", "boss", "There is no role boss."),
        ("tom", "", "There is no role"),
    ],
)
def test_a_person_who_cannot_be_added(pages, admin, name, role, words):
    before = pages.rows(tables.staff)
    answered = admin.post("/staff/people/add", {"name": name, "role": role})
    assert answered.status_code == 422 and words in answered.text and "<b>x" not in answered.text
    assert pages.rows(tables.staff) == before and not log(pages)


def test_another_role_ends_the_sessions(pages, admin):
    carla = pages.browser()
    carla.sign_in("carla")
    answered = admin.post(f"/staff/people/{person(pages, 'carla').id}/role", {"role": "front_desk"})
    assert "carla has the new role now" in admin.get(answered.headers["location"]).text
    assert person(pages, "carla").role == "front_desk"
    assert carla.get("/staff/requests").headers["location"].startswith("/staff/sign-in")
    assert ("ada", "changed a role", "carla", "front_desk") in log(pages)


def test_a_role_that_does_not_exist_changes_nothing(pages, admin):
    admin.post(f"/staff/people/{person(pages, 'carla').id}/role", {"role": "boss"})
    assert person(pages, "carla").role == "clinician"
    assert "Nothing was changed. There is no role boss." in admin.get("/staff/people").text


def test_whoever_is_deactivated_is_out_at_once(pages, admin):
    carla, address = pages.browser(), f"/staff/people/{person(pages, 'carla').id}"
    carla.sign_in("carla")
    admin.post(f"{address}/deactivate")
    assert "Not active" in admin.get(address).text
    assert carla.get("/staff/requests").status_code == 303 and pages.browser().sign_in("carla").status_code == 403
    admin.post(f"{address}/activate")
    assert carla.get("/staff/requests").status_code == 303  # the former session stays ended
    assert pages.browser().sign_in("carla").status_code == 303
    told = [row[1] for row in log(pages) if row[0] == "ada"]
    assert told == ["deactivated a person", "activated a person"]


def test_a_session_of_an_inactive_account_opens_nothing(pages):
    """Also when the row is changed by hand, past the page."""
    carla = pages.browser()
    carla.sign_in("carla")
    change = sa.update(tables.staff).where(tables.staff.c.name == "carla").values(active=False)
    pages.run(lambda connection: connection.execute(change))
    assert carla.get("/staff/requests").status_code == 303


def test_the_last_admin_stays(pages, admin):
    address = f"/staff/people/{person(pages, 'ada').id}"
    for action, fields in (("deactivate", {}), ("role", {"role": "clinician"})):
        admin.post(f"{address}/{action}", fields)
        assert "This is the last active admin." in admin.get(address).text
    assert person(pages, "ada").role == "admin" and person(pages, "ada").active
    assert not log(pages)
    pages.run(lambda connection: staff.add(connection, "bea", "admin", "hash", False))
    pages.run(lambda connection: staff.set_active(connection, person_id(connection, "bea"), False))
    admin.post(f"{address}/deactivate")
    assert person(pages, "ada").active  # an admin who is not active does not count


def person_id(connection, name):
    return staff.find(connection, name).id


def test_an_admin_may_go_when_another_stays(pages):
    pages.run(lambda connection: staff.add(connection, "bea", "admin", staff.hashed(PASSWORD), False))
    bea = pages.browser()
    bea.sign_in("bea")
    answered = bea.post(f"/staff/people/{person(pages, 'bea').id}/role", {"role": "clinician"})
    assert answered.status_code == 303 and bea.get("/staff/people").headers["location"].startswith("/staff/sign-in")
    assert person(pages, "bea").role == "clinician"


def test_a_reset_password(pages, admin):
    pages.run(lambda connection: staff.add(connection, "tom", "clinician", staff.hashed(PASSWORD), False))
    tom = pages.browser()
    tom.sign_in("tom")
    first = secret(admin.post(f"/staff/people/{person(pages, 'tom').id}/password"))
    assert tom.get("/staff/requests").headers["location"].startswith("/staff/sign-in")
    assert pages.browser().sign_in("tom").status_code == 403
    assert pages.browser().sign_in("tom", first).status_code == 303 and person(pages, "tom").must_change
    assert ("ada", "reset a password", "tom", None) in log(pages) and first not in str(log(pages))


def test_an_admin_unlocks(pages, admin):
    address = f"/staff/people/{person(pages, 'carla').id}"
    assert "Unlock" not in admin.get(address).text
    for _ in range(5):
        pages.browser().sign_in("carla", "wrong horse battery")
    assert "Locked until" in admin.get("/staff/people").text and "Unlock" in admin.get(address).text
    admin.post(f"{address}/unlock")
    assert pages.browser().sign_in("carla").status_code == 303
    assert ("ada", "unlocked a person", "carla", None) in log(pages)


def test_a_person_who_is_not_there(admin):
    assert admin.get("/staff/people/999").status_code == 404
    assert {admin.post(f"/staff/people/{where}").status_code for where in ("999/unlock", "999/password", "1/delete")} == {404}


# ---- Audit log ----


def note(pages, name, action, days_ago):
    row = {"staff": name, "action": action, "object": "K7M-2QX", "at": time.time() - 86400 * days_ago}
    pages.run(lambda connection: connection.execute(sa.insert(tables.audit).values(**row)))


def cells(page):
    """What stands in the table, newest first: who did what."""
    return re.findall(r'<td data-label="Who">([^<]*)</td>\s*<td data-label="What">([^<]*)</td>', page.text)


def test_the_log_by_person_and_by_day(pages, admin):
    note(pages, "carla", "long ago", 40)
    note(pages, "carla", "last week", 7)
    note(pages, "fiona", "yesterday", 1)
    assert cells(admin.get("/staff/audit")) == [("fiona", "yesterday"), ("carla", "last week"), ("carla", "long ago")]
    assert cells(admin.get("/staff/audit?person=carla")) == [("carla", "last week"), ("carla", "long ago")]
    since = time.strftime("%Y-%m-%d", time.localtime(time.time() - 86400 * 20))
    until = time.strftime("%Y-%m-%d", time.localtime(time.time() - 86400 * 3))
    assert cells(admin.get(f"/staff/audit?since={since}&until={until}")) == [("carla", "last week")]
    page = admin.get("/staff/audit?person=carla&since=nonsense&until=9999-99-99&page=x")
    assert len(cells(page)) == 2 and "nonsense" not in page.text
    assert log(pages)[-1] == ("ada", "saw the audit log", "carla", None)


def test_both_days_belong_to_the_choice(pages, admin):
    note(pages, "fiona", "now", 0)
    today = re.search(r"\d{4}-\d\d-\d\d", admin.get("/staff/audit.csv").content.decode("utf-8-sig"))[0]
    assert ("fiona", "now") in cells(admin.get(f"/staff/audit?since={today}&until={today}"))


def test_a_long_log_has_pages_of_a_hundred(pages, admin):
    for number in range(105):
        note(pages, "carla", f"did {number}", 1)
    first, second = admin.get("/staff/audit?person=carla"), admin.get("/staff/audit?person=carla&page=2")
    assert len(cells(first)) == 100 and [what for _, what in cells(second)] == ["did 4", "did 3", "did 2", "did 1", "did 0"]
    assert "105 entries" in first.text and "/staff/audit?person=carla&amp;page=2" in first.text


def test_the_export_is_logged_itself(pages, admin):
    note(pages, "carla", "=1+1", 1)
    answered = admin.get("/staff/audit.csv?person=carla")
    header, *rows = csv.reader(io.StringIO(answered.content.decode("utf-8-sig"), newline=""))
    assert header == ["When", "Who", "What", "Of what", "More"] and rows[0][1:] == ["carla", "'=1+1", "K7M-2QX", ""]
    assert log(pages)[-1] == ("ada", "exported the audit log", "carla", "1 of them")


def test_a_failed_sign_in_with_an_unknown_name_keeps_no_name(pages, admin):
    pages.browser().sign_in("my-password-by-mistake", "maria")
    page = admin.get("/staff/audit")
    assert ("unknown", "sign-in failed") in cells(page) and "by-mistake" not in page.text
    assert "mistake" not in str(log(pages))
