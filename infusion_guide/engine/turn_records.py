"""What a turn leaves behind beside the conversation, as far as Rasa's tracker tells it: a call-back request."""

import time
from typing import Dict, Optional, Sequence

from rasa.shared.core.events import Event, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.callbacks.callback import Callback
from infusion_guide.callbacks.fields import PRIVATE, REFERENCE


def callback_of(tracker: DialogueStateTracker, fresh: Sequence[Event]) -> Optional[Callback]:
    """The request that was confirmed by the events `fresh` of `tracker`, or None.

    The action that confirms sets REFERENCE; what the patient gave stands in its events before, or in the slots.
    """
    references = [event.value for event in fresh if isinstance(event, SlotSet) and event.key == REFERENCE and event.value]
    if not references:
        return None
    channel = tracker.get_latest_input_channel() or ""
    return Callback(references[-1], tracker.sender_id, channel, time.time(), _given(tracker, references[-1]))


def _given(tracker: DialogueStateTracker, reference: str) -> Dict[str, str]:
    """What the private slots held when `reference` was set, by the fields' names; the same action empties them afterwards."""
    found: Dict[str, str] = {}
    for event in tracker.events:
        if not isinstance(event, SlotSet):
            continue
        if event.key == REFERENCE and event.value == reference:
            break
        found[event.key] = event.value
    return {field.name: found[field.slot] for field in PRIVATE if found.get(field.slot)}
