"""Trackers and dispatchers for the actions' tests."""

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher


def bot(name, sources=()):
    """A bot event as Rasa sends it to the action server."""
    return {"event": "bot", "text": "...", "metadata": {"utter_action": name, "sources": list(sources)}}


def run(action, events=(), latest=None):
    """Runs `action`; returns the replies it asked for (keyword arguments) and the events it returned."""
    tracker = Tracker("x", {}, latest or {}, list(events), False, None, {}, "action_listen")
    dispatcher = CollectingDispatcher()
    returned = action.run(dispatcher, tracker, {})
    return [
        {key: value for key, value in message.items() if value and key != "template"} for message in dispatcher.messages
    ], returned
