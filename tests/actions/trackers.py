"""Trackers and dispatchers for the actions' tests."""

from datetime import UTC, datetime

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from infusion_guide.clinic import hours
from infusion_guide.clinic.settings import Settings


def bot(name, sources=()):
    """A bot event as Rasa sends it to the action server."""
    return {"event": "bot", "text": "...", "metadata": {"utter_action": name, "sources": list(sources)}}


def heard(**parsed):
    """A user event as Rasa sends it to the action server."""
    return {"event": "user", "text": "...", "parse_data": parsed}


def at(monkeypatch, utc, clinic_hours):
    """The actions' clock stands at `utc` ("2026-11-23 15:00"), and the clinic's hours are `clinic_hours` (maybe empty)."""
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return now.astimezone(tz)

    chosen = Settings(clinic_hours=clinic_hours)
    monkeypatch.setattr(hours, "datetime", Clock)
    monkeypatch.setattr(hours, "settings", lambda: chosen)


def run(action, events=(), latest=None, slots=None):
    """Runs `action`; returns the replies it asked for (keyword arguments) and the events it returned."""
    tracker = Tracker("x", slots or {}, latest or {}, list(events), False, None, {}, "action_listen")
    dispatcher = CollectingDispatcher()
    returned = action.run(dispatcher, tracker, {})
    return [
        {key: value for key, value in message.items() if value and key != "template"} for message in dispatcher.messages
    ], returned
