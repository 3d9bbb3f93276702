"""What a turn leaves behind, as far as Rasa's tracker tells it: a call-back request, a missed question."""

import time
from typing import Any, Dict, Mapping, Optional, Sequence

from rasa.shared.core.events import Event, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.callbacks.callback import Callback
from infusion_guide.callbacks.fields import PRIVATE, REFERENCE
from infusion_guide.nlu.history import spoken
from infusion_guide.storage.misses import Miss, reason_of
from infusion_guide.storage.sealing import seal_words


def callback_of(tracker: DialogueStateTracker, fresh: Sequence[Event]) -> Optional[Callback]:
    """The request that was confirmed by the events `fresh` of `tracker`, or None.

    The action that confirms sets REFERENCE; what the patient gave stands in its events before, or in the slots.
    """
    references = [event.value for event in fresh if isinstance(event, SlotSet) and event.key == REFERENCE and event.value]
    if not references:
        return None
    channel = tracker.get_latest_input_channel() or ""
    return Callback(
        references[-1], tracker.sender_id, channel, time.time(), _given(tracker, references[-1]), language=spoken(tracker)
    )


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


def miss_of(tracker: DialogueStateTracker, message_id: str, names: Sequence[str]) -> Optional[Miss]:
    """The missed question of a turn whose replies `names` did not help, or were chosen without much confidence, or None."""
    heard = tracker.latest_message
    if heard is None or not (heard.text or "").strip():
        return None
    parsed = heard.parse_data or {}
    confidence = float((parsed.get("intent") or {}).get("confidence") or 0.0)
    reason = reason_of(names, confidence)
    if reason is None:
        return None
    return Miss(tracker.sender_id, message_id, reason, names[0], seal_words(heard.text or ""), _label(parsed), confidence)


def _label(parsed: Mapping[str, Any]) -> Optional[str]:
    """What the message was taken for, best guess: uncovered/cost."""
    ranking = parsed.get("intent_ranking") or []
    best = ranking[0].get("name") if ranking else None
    selected = (parsed.get("response_selector") or {}).get(best) or {}
    return (selected.get("response") or {}).get("intent_response_key") or best
