"""Call-back requests: stored in the turn that confirms them, so exactly once, and worked off by staff."""

import time
from typing import Any, Dict, Optional, Sequence

import sqlalchemy as sa
from rasa.shared.core.events import Event, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.engine import Connection

from infusion_guide.callbacks.fields import CONTACT, NAME, REFERENCE, TIME, TOPIC
from infusion_guide.storage.sealing import seal
from infusion_guide.storage.tables import requests

# Slots of the form that tell who somebody is. They are kept in a conversation's state while the form is filled in, and in
# the request afterwards; never in its events.
PRIVATE_SLOTS = (NAME, CONTACT, TIME, TOPIC)

Request = Dict[str, Any]


def of_turn(tracker: DialogueStateTracker, fresh: Sequence[Event]) -> Optional[Request]:
    """The row of the request that was confirmed by the events `fresh` of `tracker`, or None.

    The action that confirms sets REFERENCE; what the patient gave stands in its events before, or in the slots.
    """
    references = [event.value for event in fresh if isinstance(event, SlotSet) and event.key == REFERENCE and event.value]
    if not references:
        return None
    given = _given(tracker, references[-1])
    now = time.time()
    return {
        "reference": references[-1],
        "sender_id": tracker.sender_id,
        "channel": tracker.get_latest_input_channel() or "",
        "at": now,
        "updated": now,
        "status": "new",
        **{column: seal(given[slot]) if given.get(slot) else None for column, slot in _COLUMNS.items()},
    }


_COLUMNS = {"name": NAME, "contact": CONTACT, "best_time": TIME, "topic": TOPIC}


def _given(tracker: DialogueStateTracker, reference: str) -> Dict[str, str]:
    """The values of the private slots when `reference` was set; the same action takes them away afterwards."""
    found: Dict[str, str] = {}
    for event in tracker.events:
        if not isinstance(event, SlotSet):
            continue
        if event.key == REFERENCE and event.value == reference:
            break
        if event.key in PRIVATE_SLOTS:
            found[event.key] = event.value
    return {slot: value for slot, value in found.items() if value}


def put(connection: Connection, request: Request) -> None:
    """Stores `request`."""
    connection.execute(sa.insert(requests).values(**request))
