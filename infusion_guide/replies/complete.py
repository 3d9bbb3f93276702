"""Completes a reply: picks the wording, names the source, leads to a professional, offers next questions."""

from dataclasses import dataclass, field
from typing import Any, List, Mapping, Sequence, Tuple

from infusion_guide.clinic.settings import settings
from infusion_guide.replies import guided
from infusion_guide.replies.book import Variation, fill, line, topic_title, variations
from infusion_guide.replies.care import is_alarm, names_crisis_line, offers_callback
from infusion_guide.replies.ledger import must_wait
from infusion_guide.replies.reply import Button, Reply
from infusion_guide.replies.sources import CLINIC, DOCUMENT, sources
from infusion_guide.replies.topic import KINDS, Topic

CARE_INSTEAD = "utter_crisis/care_relief"  # said in a careful conversation in the place of a reply that must wait (ledger.py)


@dataclass(frozen=True)
class Situation:
    """All that a reply depends on beside its name and the settings.

    `said`: names of the replies before, oldest first; `careful`: a crisis was not cleared up; `quiet`: the guard has a doubt
    that a help line under the answer settles; `kept_back`: label of the question that waits while danger comes first;
    `in_form`: a call-back request is being made, `request_sent`: one was; `notice`: the channel is on another company's
    servers, of which the first reply speaks; `own`: the clinic's own answer, said in the place of ours, or ""; `offered`:
    labels offered in the place of the reply's own next topics; `hours`: what to say of the clinic's hours (clinic/hours.py,
    by_opening_hours); `words`: what fills the reply's braces beside the settings; `repeated`: it is said again because the
    patient asked for it; `tools`: nothing but danger speaks against offering a guided tool.
    """

    said: Sequence[str] = ()
    language: str = "en"
    careful: bool = False
    quiet: bool = False
    kept_back: str = ""
    in_form: bool = False
    request_sent: bool = False
    notice: bool = False
    own: str = ""
    offered: Sequence[str] = ()
    hours: Mapping[str, str] = field(default_factory=lambda: {"response": "utter_clinic_hours"})
    words: Mapping[str, Any] = field(default_factory=dict)
    repeated: bool = False
    tools: bool = True


def complete(name: str, now: Situation) -> Reply:
    """The reply `name` as a patient reads it `now`. Raises KeyError: no such reply, or nothing fills one of its braces."""
    chosen, turn = _variation(name, now)
    if now.careful and must_wait(chosen.sources) and not now.own:
        name = CARE_INSTEAD
        chosen, turn = _variation(name, now)
    lines = _lines(name, chosen, turn, now)
    if now.notice and not now.said:
        # What a person in danger must do comes first; what this app is not comes first for everybody else.
        notice = line("utter_messaging_notice", language=now.language)
        lines.insert(len(lines) if Topic.of(name).kind == "crisis" else 0, notice)
    offered = [*now.offered] or chosen.next
    together = [Button(**guided.start(chosen.tool, now.language))] if _offers_tool(chosen, now) else []
    buttons = [
        *together,
        *chosen.buttons,
        *(Button(topic_title(label, now.language), Topic.of(label).payload) for label in offered),
    ]
    if offers_callback(name, now.in_form, now.request_sent, now.said) and not now.own:
        buttons.append(Button(topic_title("request_callback", now.language), "/request_callback"))
    found = (CLINIC,) if now.own else tuple(chosen.sources)
    return Reply(name, "\n".join(lines), tuple(buttons), found, language=chosen.language)


def _lines(name: str, chosen: Variation, turn: int, now: Situation) -> List[str]:
    topic, language, already = Topic.of(name), now.language, len(now.said)
    if now.own:
        lines = [f"{line('utter_clinic_answer_intro', turn=turn, language=language)} {now.own.strip()}"]
    elif _used_up(name, turn, now):
        if topic.kind == "crisis":  # its words are needed again, and nobody should hear a machine say them again
            lines = [f"{line('utter_still_here', turn=turn, language=language)} {fill(chosen.text, now.words)}"]
        else:
            lines = [line("utter_said_before", turn=turn, language=language)]
    else:
        lines = [fill(chosen.text, now.words)]
        document = [source for source in sources(chosen.sources, chosen.language) if source.kind == DOCUMENT]
        if document and topic.kind == "faq":
            lines.append(f"{document[0].said_in(language)}.")
    if topic.kind == "crisis" and Topic.of(now.kept_back).is_answerable and is_alarm(name):
        lines.append(line("utter_several_danger", turn=already, language=language))
    if chosen.hours:
        lines.append(line(now.hours["response"], now.hours, language=language))
    if chosen.refer != "none":
        # After the clinic's own answer only the first line fits: the others say where the answer is to be found.
        lines.append(line(f"utter_referral_{chosen.refer}", turn=0 if now.own else already + len(name), language=language))
    if settings().crisis_line not in " ".join(lines):
        if names_crisis_line(name, now.careful, now.said):
            lines.append(line("utter_careful_note", turn=already, language=language))
        elif now.quiet:
            lines.append(line("utter_quiet_line", turn=already, language=language))
    return lines


def _offers_tool(chosen: Variation, now: Situation) -> bool:
    return bool(chosen.tool) and now.tools and not now.careful and not now.in_form and not now.own


def _wordings(name: str, now: Situation) -> List[Variation]:
    fitting = [each for each in variations(name) if now.careful or not each.careful]
    spoken = [each for each in fitting if each.language == now.language] or fitting
    return [each for each in spoken if each.careful] or spoken


def _variation(name: str, now: Situation) -> Tuple[Variation, int]:
    """The next wording in turn, and the turn: in the patient's language, for a careful conversation if it is one."""
    wordings, turn = _wordings(name, now), now.said.count(name)
    return wordings[turn % len(wordings)], turn


def _used_up(name: str, turn: int, now: Situation) -> bool:
    """Whether every wording of a reply on a topic was said in this conversation: none is said twice, the next best step is."""
    return Topic.of(name).kind in KINDS and turn >= len(_wordings(name, now)) and not now.repeated
