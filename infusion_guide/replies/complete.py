"""Completes a reply: picks the wording, names the source, leads to a professional, offers next questions."""

from dataclasses import dataclass, field
from typing import Any, List, Mapping, Sequence

from infusion_guide.clinic.settings import settings
from infusion_guide.replies.book import Variation, fill, line, topic_title, variations
from infusion_guide.replies.care import names_crisis_line, offers_callback
from infusion_guide.replies.reply import Button, Reply
from infusion_guide.replies.sources import CLINIC, DOCUMENT, sources
from infusion_guide.replies.topic import Topic


@dataclass(frozen=True)
class Situation:
    """All that a reply depends on beside its name and the settings.

    `said`: names of the replies before, oldest first; `careful`: a crisis was not cleared up; `in_form`: a call-back request
    is being made, `request_sent`: one was; `notice`: the channel is on another company's servers, of which the first reply
    speaks; `own`: the clinic's own answer, said in the place of ours, or ""; `offered`: labels offered in the place of the
    reply's own next topics; `hours`: what to say of the clinic's hours (clinic/hours.py, by_opening_hours); `words`: what
    fills the reply's braces beside the settings.
    """

    said: Sequence[str] = ()
    language: str = "en"
    careful: bool = False
    in_form: bool = False
    request_sent: bool = False
    notice: bool = False
    own: str = ""
    offered: Sequence[str] = ()
    hours: Mapping[str, str] = field(default_factory=lambda: {"response": "utter_clinic_hours"})
    words: Mapping[str, Any] = field(default_factory=dict)


def complete(name: str, now: Situation) -> Reply:
    """The reply `name` as a patient reads it `now`. Raises KeyError: no such reply, or nothing fills one of its braces."""
    chosen = _variation(name, now)
    lines = _lines(name, chosen, now)
    if now.notice and not now.said:
        # What a person in danger must do comes first; what this app is not comes first for everybody else.
        lines.insert(len(lines) if Topic.of(name).kind == "crisis" else 0, line("utter_messaging_notice"))
    offered = [*now.offered] or chosen.next
    buttons = [*chosen.buttons, *(Button(topic_title(label), Topic.of(label).payload) for label in offered)]
    if offers_callback(name, now.in_form, now.request_sent, now.said) and not now.own:
        buttons.append(Button(topic_title("request_callback"), "/request_callback"))
    return Reply(name, "\n".join(lines), tuple(buttons), (CLINIC,) if now.own else tuple(chosen.sources))


def _lines(name: str, chosen: Variation, now: Situation) -> List[str]:
    if now.own:
        lines = [f"{line('utter_clinic_answer_intro')} {now.own.strip()}"]
    else:
        lines = [fill(chosen.text, now.words)]
        document = [source for source in sources(chosen.sources) if source.kind == DOCUMENT]
        if document and Topic.of(name).kind == "faq":
            lines.append(f"{document[0].label}.")
    if chosen.hours:
        lines.append(line(now.hours["response"], now.hours))
    if chosen.refer != "none":
        # After the clinic's own answer only the first line fits: the others say where the answer is to be found.
        lines.append(line(f"utter_referral_{chosen.refer}", turn=0 if now.own else len(now.said) + len(name)))
    if names_crisis_line(name, now.careful, now.said) and settings().crisis_line not in " ".join(lines):
        lines.append(line("utter_careful_note", turn=len(now.said)))
    return lines


def _variation(name: str, now: Situation) -> Variation:
    """The next wording in turn: in the patient's language, for a careful conversation if it is one, never one twice running."""
    fitting = [each for each in variations(name) if now.careful or not each.careful]
    spoken = [each for each in fitting if each.language == now.language] or fitting
    wordings = [each for each in spoken if each.careful] or spoken
    return wordings[now.said.count(name) % len(wordings)]
