"""Rasa's door to the replies: reads a tracker into a Situation, hands the completed reply back in Rasa's form."""

from dataclasses import asdict
from typing import Any, Dict, Mapping, Optional

from rasa.core.nlg.generator import NaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from infusion_guide.callbacks.callback import summary
from infusion_guide.callbacks.fields import REFERENCE, place
from infusion_guide.clinic.hours import by_opening_hours
from infusion_guide.nlu.gate import ORDINARY, QUIET_LINE
from infusion_guide.nlu.history import choices, said, spoken
from infusion_guide.nlu.question_splitter import PARTS
from infusion_guide.replies.book import names, variations
from infusion_guide.replies.clinic_answers import clinic_answers
from infusion_guide.replies.complete import Situation, complete
from infusion_guide.replies.language import LANGUAGE
from infusion_guide.replies.signed import INSTEAD, may_say
from infusion_guide.replies.topic import Topic
from infusion_guide.tools.reading import must_wait
from infusion_guide.tools.steps import WAITS
from infusion_guide.tools.words import may_be_offered
from infusion_guide.tools.words import words as tool_words

# Metadata of a message (Rasa's UserMessage) from a channel on another company's servers.
MESSAGING = "messaging"
DID_YOU_MEAN = "utter_fallback_choices"  # offers the topics that may have been meant


class ReviewedReplies(NaturalLanguageGenerator):
    """Says the book's replies (endpoints.yml, `nlg`). The words are those on disk at the start, not those of the model's domain.

    A bot event keeps `utter_action` and `sources` in its metadata, so that channels can show them.
    """

    def __init__(self, endpoint_config: Optional[EndpointConfig] = None, domain: Optional[Domain] = None) -> None:
        self._names = frozenset(names())  # reads the book now: a broken file ends the start, not a turn

    async def generate(
        self, utter_action: str, tracker: DialogueStateTracker, output_channel: str, **kwargs: Any
    ) -> Optional[Dict[str, Any]]:
        """The complete message of `utter_action`, or None where the book has no such reply."""
        if utter_action not in self._names:
            return None
        now = situation(utter_action, tracker, kwargs)
        if not may_say(utter_action, now.own):
            utter_action, now = INSTEAD, situation(INSTEAD, tracker, {})
        reply = complete(utter_action, now)
        offered = {"buttons": [asdict(button) for button in reply.buttons]} if reply.buttons else {}
        told = {"utter_action": reply.name, "sources": list(reply.sources), LANGUAGE: reply.language}
        return {"text": reply.text, **offered, **told}


def situation(name: str, tracker: DialogueStateTracker, given: Mapping[str, Any]) -> Situation:
    """What the reply `name` depends on in a conversation; `given` are an action's keyword arguments: `next`, words for braces."""
    heard, slots = tracker.latest_message, tracker.current_slot_values()
    parsed = (heard.parse_data or {}) if heard else {}
    language = spoken(tracker)
    own = clinic_answers().get(Topic.of(name).label)
    tells_hours = any(variation.hours for variation in variations(name))  # looked up only then: it takes as long as all the rest
    return Situation(
        said=said(tracker),
        language=language,
        careful=bool(slots.get("careful")),
        quiet=bool(parsed.get(QUIET_LINE)),
        kept_back=parsed.get(ORDINARY) or "" if parsed.get(PARTS) else "",
        in_form=bool(tracker.active_loop_name),
        request_sent=bool(slots.get(REFERENCE)),
        notice=bool(heard and (heard.metadata or {}).get(MESSAGING)),
        own=own.text if own else "",
        offered=given.get("next") or (choices(tracker) if name == DID_YOU_MEAN else ()),
        hours=by_opening_hours("utter_clinic_hours", language=language) if tells_hours else {},
        words={
            **slots,
            **summary(slots, language),
            **place(name),
            **tool_words({**slots, **given}, said(tracker), language),
            **given,
        },
        repeated=bool(given.get("repeated")),
        tools=may_be_offered(bool(slots.get(WAITS)) or must_wait((heard.text or "") if heard else ""), said(tracker)),
    )
