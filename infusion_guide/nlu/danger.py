"""The verdict on danger: what was found in one message, and what that means. Plain values in, plain values out."""

from dataclasses import dataclass
from typing import Mapping, Optional, Sequence

from infusion_guide.text.wording import ALARM, CHECK_IN, HARMLESS, QUIET, REASSURED, Wording

UNNAMED = "unnamed"  # somebody may be in danger, and nothing says of what kind
_OF_THE_BODY = ("overdose", "medical_emergency")
NONE = "none"  # the classifier's label for everything without danger

Probabilities = Mapping[str, float]  # of each crisis topic, CHECK_IN and NONE; they sum to 1


@dataclass(frozen=True)
class Thresholds:
    """Least probabilities; see `judge`. config.yml sets them."""

    alarm: float = 0.65
    check_in: float = 0.27
    careful_alarm: float = 0.4
    careful_check_in: float = 0.15
    part_alarm: float = 0.9
    part_check_in: float = 0.6
    pattern_alarm: float = 0.5
    pattern_check_in: float = 0.25
    quiet: float = 0.12
    named: float = 0.15


@dataclass(frozen=True)
class Evidence:
    """What was found in one message, and what was said before it.

    `careful`: a crisis reply was given in this conversation; `asked`: the last thing said was the gentle question.
    """

    whole: Probabilities
    parts: Sequence[Probabilities] = ()
    wording: Optional[Wording] = None
    language: str = "en"
    careful: bool = False
    asked: bool = False


@dataclass(frozen=True)
class Verdict:
    """`level`: ALARM, CHECK_IN, QUIET (the ordinary answer, with a help line under it) or None.

    `topic`: the likeliest crisis; at a CHECK_IN UNNAMED where none is likely enough to ask about by its name.

    `score`: probability of the crisis topics together; `doubt`: the same with CHECK_IN, which is unsure wording.
    """

    level: Optional[str]
    topic: str
    score: float
    doubt: float
    reassured: bool


def judge(evidence: Evidence, least: Thresholds) -> Verdict:
    """The verdict on one message.

    An alarm needs the classifier to be surer than `alarm`, or an alarm wording that the classifier finds as likely as not
    (`pattern_alarm`). Anything less, down to `check_in`, asks gently, and so does a wording that the classifier finds a
    little likely (`pattern_check_in`): alone the wordings fire on idioms. What is asked after is the crisis that is likely
    by itself (`named`). Below that, down to `quiet`, the ordinary answer is given with a help line under it. After harmless
    wording only a very sure classifier (`part_alarm`) is believed. Parts of a message count at that same certainty, and are
    asked about from `part_check_in`: people bury the worst sentence in a story, or put it behind a price. After an alarm
    the conversation stays careful and lower thresholds count. Right after a check-in, "I'm fine" is believed unless the
    classifier alone would sound the alarm, and doubt is not asked about twice: as strong as before it is an alarm, less is
    let pass. The wordings are English: they mean nothing in a Spanish text.
    """
    wording = evidence.wording if evidence.language != "es" else None
    found = wording.level if wording else None
    score = _danger(evidence.whole)
    doubt = score + evidence.whole[CHECK_IN]
    worst = max([evidence.whole, *evidence.parts], key=_danger)
    buried = _danger(worst) >= least.part_alarm
    hidden = max((1 - part[NONE] for part in evidence.parts), default=0.0) >= least.part_check_in
    topic = _likeliest(worst if buried else evidence.whole)
    level = None
    if found == HARMLESS:
        level = ALARM if score >= least.part_alarm else None
    elif found == REASSURED and evidence.careful:
        level = ALARM if score >= least.alarm else None
    elif buried or score >= (least.careful_alarm if evidence.careful else least.alarm):
        level = ALARM
    elif wording and found == ALARM and score >= least.pattern_alarm:
        level, topic = ALARM, wording.topic
    elif found in (ALARM, CHECK_IN) and doubt >= least.pattern_check_in:
        level, topic = CHECK_IN, topic if evidence.whole[topic] >= least.named else wording.topic  # type: ignore[union-attr]
    elif doubt >= (least.careful_check_in if evidence.careful else least.check_in):
        level, topic = CHECK_IN, topic if evidence.whole[topic] >= least.named else UNNAMED
    elif hidden:
        level, topic = CHECK_IN, _likeliest(worst) if worst[_likeliest(worst)] >= least.named else UNNAMED
    elif doubt >= least.quiet or found in (ALARM, CHECK_IN):
        level = QUIET
    if level == ALARM and topic == "someone_else" and wording and wording.level == ALARM and wording.topic in _OF_THE_BODY:
        topic = wording.topic  # whoever it is, what to do for a body that does not wake comes first
    if evidence.asked and level == CHECK_IN:
        level = ALARM if doubt >= least.check_in else QUIET
        topic = _likeliest(evidence.whole)
    return Verdict(level, topic, round(score, 3), round(doubt, 3), found == REASSURED)


def _danger(text: Probabilities) -> float:
    return sum(text[topic] for topic in _topics(text))


def _likeliest(text: Probabilities) -> str:
    return max(_topics(text), key=lambda topic: text[topic])


def _topics(text: Probabilities) -> Sequence[str]:
    return [label for label in text if label not in (NONE, CHECK_IN)]
