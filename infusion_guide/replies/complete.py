"""Says the reviewed replies: picks the variation, names the source, leads to a professional, offers next questions."""

import copy
from typing import Any, Dict, List, Optional

from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from infusion_guide import care
from infusion_guide.callbacks import form as callback
from infusion_guide.clinic.hours import by_opening_hours
from infusion_guide.clinic.settings import settings
from infusion_guide.replies.library import CLINIC, ClinicAnswer, button_title, claims, clinic_answers, section_labels

# Channels on other companies' servers: the first reply says what that means.
MESSAGING = ("telegram", "slack", "messenger", "whatsapp", "sms")

CHOICES = "choices"  # of a message that was not understood: topics that may have been meant (infusion_guide/nlu/gate.py)
DID_YOU_MEAN = "utter_fallback_choices"  # offers them

REFERRALS = {
    "clinician": "utter_referral_clinician",
    "prescriber": "utter_referral_prescriber",
    "specialist": "utter_referral_specialist",
    "clinic": "utter_referral_clinic",
}


def said(tracker: DialogueStateTracker) -> List[str]:
    """Names of the replies the bot has said in this conversation, oldest first."""
    return [e.metadata.get("utter_action", "") for e in tracker.events if isinstance(e, BotUttered)]


def choices(tracker: DialogueStateTracker) -> List[str]:
    """The topics that the last message not understood may have meant; "say that again" may have come after it."""
    heard = (event.parse_data or {} for event in reversed(tracker.events) if isinstance(event, UserUttered))
    return next((parsed[CHOICES] for parsed in heard if parsed.get(CHOICES)), [])


class ReviewedReplies(TemplatedNaturalLanguageGenerator):
    """Rasa's response templates, plus what a patient is owed with each of them.

    A response's `metadata` (data/responses/) says how it is completed:
    `sources` (claims or authorities it rests on), `hours` (whether the clinic's opening hours follow), `refer` (who the last
    line leads to), `next` (topics offered as buttons), `title` (its own button), `language` ("es" for the Spanish variation).
    The bot event keeps `utter_action` and `sources` in its metadata, so that channels can show them.
    """

    def __init__(self, endpoint_config: Optional[EndpointConfig] = None, domain: Optional[Domain] = None) -> None:
        super().__init__(domain.responses if domain else {})

    async def generate(
        self, utter_action: str, tracker: DialogueStateTracker, output_channel: str, **kwargs: Any
    ) -> Optional[Dict[str, Any]]:
        """The complete message of `utter_action`, or None where no such response exists."""
        earlier = said(tracker)
        variation = self._variation(utter_action, tracker, earlier)
        if variation is None:
            return None
        extra = variation.pop("metadata", None) or {}
        variation.pop("condition", None)
        words = {**settings().words(), **tracker.current_slot_values(), **callback.shown_slots(tracker.slots), **kwargs}
        reply = self._fill_response(variation, words)
        lines = [reply["text"].strip()]
        own = self.own_answer(utter_action[len("utter_") :])
        if own:
            lines = [f"{self._line('utter_clinic_answer_intro', 0, words)} {own['text'].strip()}"]
        else:
            section = self.section(extra.get("sources", []))
            if section and utter_action.startswith("utter_faq/"):
                lines.append(self._line("utter_document_source", 0, {**words, "section": section}))
        if extra.get("hours"):
            hours = by_opening_hours("utter_clinic_hours")
            lines.append(self._line(hours["response"], 0, {**words, **hours}))
        referral = REFERRALS.get(extra.get("refer", "none"))
        if referral:
            # After the clinic's own answer only the first line fits: the others say where the answer is to be found.
            lines.append(self._line(referral, 0 if own else len(earlier) + len(utter_action), words))
        careful = bool(tracker.get_slot("careful"))
        if care.names_crisis_line(utter_action, careful, earlier) and settings().crisis_line not in " ".join(lines):
            lines.append(self._line("utter_careful_note", len(earlier), words))
        if not earlier and tracker.get_latest_input_channel() in MESSAGING:
            # What a person in danger must do comes first; what this app is not comes first for everybody else.
            lines.insert(
                len(lines) if utter_action.startswith("utter_crisis/") else 0, self._line("utter_messaging_notice", 0, words)
            )
        reply["text"] = "\n".join(lines)
        offered = kwargs.get("next") or extra.get("next") or (choices(tracker) if utter_action == DID_YOU_MEAN else [])
        reply["buttons"] = (reply.get("buttons") or []) + [
            {"title": self.title(label), "payload": f"/{label}"} for label in offered
        ]
        in_form, sent = bool(tracker.active_loop_name), bool(tracker.get_slot(callback.REFERENCE))
        if care.offers_callback(utter_action, in_form, sent, earlier) and not own:
            reply["buttons"].append({"title": button_title("/request_callback"), "payload": "/request_callback"})
        if not reply["buttons"]:
            del reply["buttons"]
        reply["utter_action"] = utter_action
        reply["sources"] = [CLINIC] if own else extra.get("sources", [])
        return reply

    @staticmethod
    def own_answer(label: str) -> Optional[ClinicAnswer]:
        """The clinic's own answer on a topic such as uncovered/cost, which is said in the place of ours."""
        return clinic_answers().get(label)

    def _variation(self, name: str, tracker: DialogueStateTracker, earlier: List[str]) -> Optional[Dict[str, Any]]:
        """The next variation in turn: the patient's language, the slots' conditions, never one twice running."""
        language = "en"
        if tracker.latest_message is not None and (tracker.latest_message.parse_data or {}).get("language") == "es":
            language = "es"
        fitting = [
            r
            for r in self.responses.get(name, [])
            if all(tracker.get_slot(c["name"]) == c["value"] for c in r.get("condition", []) if c["name"] in tracker.slots)
        ]
        spoken = [r for r in fitting if (r.get("metadata") or {}).get("language", "en") == language]
        candidates = spoken or fitting
        conditional = [r for r in candidates if r.get("condition")]
        candidates = conditional or candidates
        return copy.deepcopy(candidates[earlier.count(name) % len(candidates)]) if candidates else None

    def _line(self, name: str, turn: int, words: Dict[str, Any]) -> str:
        """One of the lines `name`, chosen by the turn so that it changes from reply to reply."""
        lines = self.responses[name]
        return self._fill_response(copy.deepcopy(lines[turn % len(lines)]), words)["text"].strip()

    @staticmethod
    def section(sources: List[str]) -> Optional[str]:
        """Short name of the document's section that the first claim among `sources` stands under."""
        for source in sources:
            if source in claims():
                return section_labels()[claims()[source]["section"]]
        return None

    def title(self, label: str) -> str:
        """Button text of a topic such as faq/depression."""
        return self.responses[f"utter_{label}"][0]["metadata"]["title"]
