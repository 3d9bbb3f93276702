"""What a message is: danger first, then buttons, language, topic. Plain values in, plain values out."""

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

from infusion_guide.nlu.danger import Verdict
from infusion_guide.replies.topic import Topic
from infusion_guide.text.wording import ALARM

FORM_ANSWER = "form_answer"
FALLBACK = "nlu_fallback"
SEVERAL = "several_questions"
CHOICES = "choices"  # output property of a message that was not understood: topics that may have been meant
TOO_LONG, SPANISH, OTHER_LANGUAGE = "too_long_message", "spanish", "other_language"
_OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True)
class Least:
    """Least confidences; config.yml sets them.

    `answer`: in a label; `kind`: in its kind when the label has less; `part`: in one question among several;
    `unknown`: in a message without a known word; `choice`: to be offered as "did you mean", at most `choices`.
    """

    answer: float = 0.3
    kind: float = 0.5
    part: float = 0.5
    unknown: float = 0.7
    choice: float = 0.08
    choices: int = 3


@dataclass(frozen=True)
class Ranked:
    """A label such as faq/depression or out_of_scope, and how probable it is."""

    label: str
    confidence: float


Ranking = Sequence[Ranked]  # best first


@dataclass(frozen=True)
class Heard:
    """One message as the components before understood it, and what was said before it.

    `reading`: "text", "button", "empty" or "too_long"; `button`: the label of a pressed one. `ranking`: of the whole text,
    `parts`: of each of its parts; `known_words`: whether a word of it was ever learned. `asked`: the last thing said was the
    guard's gentle question, and `feared` the crisis it suspected; `spoken`: whether anything was said at all.
    """

    reading: str = "text"
    button: Optional[str] = None
    language: str = "en"
    ranking: Ranking = ()
    parts: Sequence[Ranking] = ()
    known_words: bool = True
    verdict: Optional[Verdict] = None
    asked: bool = False
    feared: str = "suicide"
    spoken: bool = False


@dataclass(frozen=True)
class Decision:
    """What the message is (`label`) and how sure that is.

    `ordinary`: the label that an unsure guard kept back; `questions`: the labels of separate questions, in their order;
    `choices`: labels to ask "did you mean" about, best first.
    """

    label: str
    confidence: float
    ordinary: Optional[str] = None
    questions: Tuple[str, ...] = ()
    choices: Tuple[str, ...] = ()


def kind_of(label: str) -> str:
    """`faq` for faq/depression; the label itself where it has no topic."""
    return label.partition("/")[0]


def plain_label(heard: Heard, least: Least) -> str:
    """What the message is, were there no danger, no form and no second question."""
    if heard.button is not None:
        return f"crisis/{heard.feared}" if heard.button == "help_now" else heard.button
    if heard.reading == "empty":
        return "empty_message"
    if heard.language != "en":
        return SPANISH if heard.language == "es" else OTHER_LANGUAGE
    if heard.reading == "too_long":
        return TOO_LONG
    return _answerable(heard.ranking, least, None if heard.known_words else least.unknown)


def decide(heard: Heard, form_answer: Optional[str], least: Least) -> Decision:
    """The decision on one message; `form_answer`: how it answers the question of a form under way, None: not at all."""
    label = plain_label(heard, least)
    verdict = heard.verdict
    if heard.button is not None or verdict is None:  # a button, or nothing to read: no words to find danger in
        return Decision(label, 1.0)
    confidence = heard.ranking[0].confidence
    if heard.asked and label == "chitchat/affirm" and not verdict.reassured:
        return Decision(f"crisis/{heard.feared}", confidence)
    if verdict.level == ALARM:
        return Decision(f"crisis/{verdict.topic}", verdict.score, ordinary=label)
    if heard.asked and not verdict.level and _says_no(label, verdict):
        return Decision("check_in_ok", confidence)
    if verdict.level:
        return Decision("crisis/check_in", verdict.doubt, ordinary=label)
    if form_answer:
        return Decision(f"{FORM_ANSWER}/{form_answer}", confidence)
    if heard.spoken and label == "chitchat/repeat":
        return Decision("repeat_last", confidence)
    return _ordinary(heard, label, least)


def _says_no(label: str, verdict: Verdict) -> bool:
    """Whether a person who was asked says they are fine, and nothing else that has an answer."""
    return label == "chitchat/deny" or (verdict.reassured and not Topic.of(label).is_answerable)


def _ordinary(heard: Heard, label: str, least: Least) -> Decision:
    confidence = heard.ranking[0].confidence
    questions = _questions(heard.parts, least)
    if len(questions) > 1 and label not in (TOO_LONG, SPANISH, OTHER_LANGUAGE):
        return Decision(SEVERAL, confidence, questions=questions)
    if label == FALLBACK and questions:  # one clear question inside much else
        return Decision(questions[0], confidence)
    return Decision(label, confidence, choices=_choices(heard.ranking, least) if label == FALLBACK else ())


def _answerable(ranking: Ranking, least: Least, alone: Optional[float]) -> str:
    """The best label, or FALLBACK where it is not sure enough: by itself or with its kind, or above `alone` where it is given.

    Crisis labels never come from here: the guard has heard the message and did not raise.
    """
    ordinary = [ranked for ranked in ranking if kind_of(ranked.label) != "crisis"]
    best = ordinary[0]
    in_kind = sum(ranked.confidence for ranked in ordinary if kind_of(ranked.label) == kind_of(best.label))
    sure = best.confidence >= alone if alone is not None else best.confidence >= least.answer or in_kind >= least.kind
    return best.label if sure and best.label != _OUT_OF_SCOPE else FALLBACK


def _choices(ranking: Ranking, least: Least) -> Tuple[str, ...]:
    """Labels worth asking about. Never misuse, advice or a crisis: nobody should be asked whether they meant that."""
    worth = [r.label for r in ranking if r.confidence >= least.choice and r.label.startswith(("faq/", "uncovered/"))]
    return tuple(worth[: least.choices])


def _questions(parts: Sequence[Ranking], least: Least) -> Tuple[str, ...]:
    """Distinct labels of the parts that are sure enough to be answered one by one; at most three, none of a long story."""
    if not 2 <= len(parts) <= 4:
        return ()
    labels = (_answerable(ranking, least, least.part) for ranking in parts)
    return tuple(dict.fromkeys(label for label in labels if Topic.of(label).is_answerable))[:3]
