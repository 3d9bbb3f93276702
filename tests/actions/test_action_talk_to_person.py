from actions.action_talk_to_person import ActionTalkToPerson
from tests.actions.trackers import at, run

HOURS = "Mon-Fri 9:00-17:00"


def test_without_hours_nothing_is_said_of_them(monkeypatch):
    at(monkeypatch, "2026-11-23 15:00", "")
    assert run(ActionTalkToPerson())[0] == [{"response": "utter_talk_to_person"}]


def test_during_the_hours(monkeypatch):
    at(monkeypatch, "2026-11-23 15:00", HOURS)  # a Monday, 10 AM in New York
    said = run(ActionTalkToPerson())[0][0]
    assert said["response"] == "utter_talk_to_person_open" and said["closes"] == "today at 5 PM"


def test_outside_the_hours(monkeypatch):
    at(monkeypatch, "2026-11-21 15:00", HOURS)  # a Saturday
    said = run(ActionTalkToPerson())[0][0]
    assert said["response"] == "utter_talk_to_person_closed" and said["next_opening"] == "Monday at 9 AM"
