"""What a message is: danger first, then buttons, language, topic. Plain values in, plain values out."""

from dataclasses import dataclass, field, replace
from typing import Mapping, Optional, Sequence, Tuple

from infusion_guide.nlu.danger import Verdict
from infusion_guide.replies.care import check_in_about, feared, is_care
from infusion_guide.replies.topic import Topic
from infusion_guide.text.wording import ALARM, CHECK_IN, QUIET

FORM_ANSWER = "form_answer"
ITSELF = "itself"  # in `Heard.in_context`: the message means what it means whatever was said before
TOOL_ANSWER, START_TOOL = "tool_answer", "start_tool"
FALLBACK = "nlu_fallback"
SEVERAL = "several_questions"
ORDINARY = (
    "ordinary"  # output property of a message: the label an unsure guard kept back, said after "I'm OK, I meant something else"
)
QUIET_LINE = "quiet_line"  # output property of a message: whether a help line belongs under its answer
CHOICES = "choices"  # output property of a message that was not understood: topics that may have been meant
TOO_LONG, OTHER_LANGUAGE = "too_long_message", "other_language"
OUT_OF_SCOPE = "out_of_scope"
TOLD = "chitchat/just_saying"

_FACTS = ("uncovered/other_medicines", "uncovered/condition_facts")
_TAKEN_BACK = ("crisis/care_safe", "crisis/care_denied")
# Words that mean nothing by themselves: no doubt about them is asked after.
_BARE = {f"chitchat/{name}" for name in ("affirm", "deny", "unsure", "thanks", "greet", "goodbye", "milestone", "good_news")}
# What is asked of the last reply once there is one: an action answers it.
_OF_THE_LAST_REPLY = {
    "chitchat/repeat": "repeat_last",
    "chitchat/explain": "explain_last",
    "chitchat/not_my_question": "not_my_question",
}
# Small talk that is none: somebody says how they are, and is met before anything is answered.
FEELINGS = tuple(
    f"chitchat/{name}" for name in ("grief", "milestone", "good_news", "ashamed", "lonely", "tired", "afraid", "frustrated")
)
# Topics that say what ketamine is given for: never the answer where another medicine is named and ketamine is not.
_OF_KETAMINE = {
    f"faq/{name}"
    for name in (
        *("what_is", "how_works", "bdnf_glutamate", "dose_conscious", "rapid_onset", "duration_frequency", "other_uses"),
        *("depression", "anxiety", "ptsd", "evidence", "cravings", "withdrawal", "underlying_issues"),
    )
}


@dataclass(frozen=True)
class Least:
    """Least confidences; config.yml sets them.

    `answer`: in a label; `kind`: in its kind when the label has less; `part`: in one question among several;
    `unknown`: in a message without a known word; `choice`: to be offered as "did you mean", at most `choices`; `care`: in the
    care topics together, after a crisis; `one_care`: in the one that answers, where nothing but a gentle question was said;
    `scope`: in out_of_scope, to be told so; `facts`: that another medicine is asked about as a subject; `personal`: in advice
    together, from which the document does not answer; `doubt`: of danger, from which a message that is read in its context is
    asked about; `fresh`: the guard's score from which another danger outranks care.
    """

    answer: float = 0.3
    kind: float = 0.5
    part: float = 0.5
    unknown: float = 0.7
    choice: float = 0.08
    choices: int = 3
    care: float = 0.6
    one_care: float = 0.4
    scope: float = 0.5
    facts: float = 0.7
    personal: float = 0.2
    doubt: float = 0.2
    fresh: float = 0.9


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
    guard's gentle question, and `before` is the topic the conversation is at; `in_context`: what the message means after that,
    by label; `alarmed`: a full crisis reply was given before; `spoken`: whether anything was said at all. `other_medicine`:
    another medicine is named and ketamine is not. `tells`: somebody speaks of themselves or of their people, and asks nothing.
    """

    reading: str = "text"
    button: Optional[str] = None
    language: str = "en"
    ranking: Ranking = ()
    parts: Sequence[Ranking] = ()
    known_words: bool = True
    verdict: Optional[Verdict] = None
    asked: bool = False
    before: Optional[str] = None
    in_context: Mapping[str, float] = field(default_factory=dict)
    alarmed: bool = False
    spoken: bool = False
    other_medicine: bool = False
    in_parts: Sequence[bool] = ()  # the same of each part
    tells: bool = False


@dataclass(frozen=True)
class Decision:
    """What the message is (`label`) and how sure that is.

    `ordinary`: the label that an unsure guard kept back; `questions`: the labels of separate questions, in their order;
    `choices`: labels to ask "did you mean" about, best first; `quiet`: a help line belongs under the answer.
    """

    label: str
    confidence: float
    ordinary: Optional[str] = None
    questions: Tuple[str, ...] = ()
    choices: Tuple[str, ...] = ()
    quiet: bool = False


def kind_of(label: str) -> str:
    """`faq` for faq/depression; the label itself where it has no topic."""
    return label.partition("/")[0]


def plain_label(heard: Heard, least: Least) -> str:
    """What the message is, were there no danger, no form and no second question."""
    if heard.button is not None:
        if heard.button == "check_in_ok" and heard.alarmed:
            return "crisis/care_safe"  # one tap does not end the care that a full alarm began
        return feared(heard.before) if heard.button == "help_now" else heard.button
    if heard.reading == "empty":
        return "empty_message"
    if heard.language not in ("en", "es"):
        return OTHER_LANGUAGE
    if heard.reading == "too_long":
        return TOO_LONG
    return _answerable(heard, heard.ranking, least, None if heard.known_words else least.unknown)


def decide(heard: Heard, form_answer: Optional[str], least: Least, in_tool: Optional[str] = None) -> Decision:
    """The decision on one message; `form_answer`: how it answers the question of a form under way, None: not at all.

    `in_tool`: the label of what the message does with a guided tool (tool_answer/next, start_tool/breathing), None: nothing.
    """
    label = plain_label(heard, least)
    verdict = heard.verdict
    if heard.button is not None or verdict is None:  # a button, or nothing to read: no words to find danger in
        return Decision(label, 1.0)
    confidence = heard.ranking[0].confidence
    if heard.asked and label == "chitchat/affirm" and not verdict.reassured:
        return Decision(feared(heard.before), confidence)
    care = _care(heard, least)
    if care in _TAKEN_BACK and heard.asked and not heard.alarmed and verdict.level != ALARM:
        return Decision("check_in_ok", confidence)  # a gentle question that was a misunderstanding ends at once
    if care and not _is_fresh(care, heard, verdict, least):
        return Decision(care, sum(_crises(heard.in_context).values()), ordinary=label)
    if verdict.level == ALARM:
        return Decision(f"crisis/{verdict.topic}", verdict.score, ordinary=label)
    if heard.asked and verdict.level != CHECK_IN and _says_no(heard, label, verdict):
        return Decision("crisis/care_safe" if heard.alarmed else "check_in_ok", confidence)
    bare = label in _BARE and label == heard.ranking[0].label and confidence >= least.kind
    if verdict.level == CHECK_IN and not bare and not _settled(heard, verdict, least):
        return Decision(check_in_about(verdict.topic), verdict.doubt, ordinary=label)
    if form_answer:
        return Decision(f"{FORM_ANSWER}/{form_answer}", confidence)
    if in_tool:
        return Decision(in_tool, confidence, quiet=verdict.level == QUIET)
    if heard.spoken and label in _OF_THE_LAST_REPLY:
        return Decision(_OF_THE_LAST_REPLY[label], confidence)
    ordinary = _ordinary(heard, label, least)
    return replace(ordinary, quiet=True) if verdict.level and not bare else ordinary


def _crises(in_context: Mapping[str, float]) -> Mapping[str, float]:
    return {label: probability for label, probability in in_context.items() if kind_of(label) == "crisis"}


def _care(heard: Heard, least: Least) -> Optional[str]:
    """The crisis topic, care among them, that answers what is said after a reply about danger; None: the message stands alone."""
    found = _crises(heard.in_context)
    if kind_of(heard.before or "") != "crisis" or sum(found.values()) < least.care:
        return None
    best = max(found, key=lambda label: found[label])
    return best if heard.alarmed or found[best] >= least.one_care else None


def _settled(heard: Heard, verdict: Verdict, least: Least) -> bool:
    """Whether a doubt about the words alone goes away after what was said before: "my mind won't stop", of meditation.

    Never after a crisis: then the doubt is the point.
    """
    if not heard.in_context or kind_of(heard.before or "") == "crisis" or heard.alarmed:
        return False
    own = heard.in_context.get(ITSELF, 0.0)
    return sum(_crises(heard.in_context).values()) + own * verdict.doubt < least.doubt


def _is_fresh(care: str, heard: Heard, verdict: Verdict, least: Least) -> bool:
    """Whether the guard is sure of another danger than the one that is talked about, where the context hears a question."""
    sure = verdict.level == ALARM and verdict.score >= least.fresh
    return sure and is_care(Topic.of(care).reply) and heard.before != f"crisis/{verdict.topic}"


def _says_no(heard: Heard, label: str, verdict: Verdict) -> bool:
    """Whether a person who was asked says they are fine, and nothing else that has an answer."""
    if heard.in_context.get("check_in_ok", 0.0) >= 0.5:
        return True
    return label == "chitchat/deny" or (verdict.reassured and not Topic.of(label).is_answerable)


def _ordinary(heard: Heard, label: str, least: Least) -> Decision:
    confidence = heard.ranking[0].confidence
    questions = _questions(heard, least)
    if len(questions) > 1 and label not in (TOO_LONG, OTHER_LANGUAGE):
        return Decision(SEVERAL, confidence, questions=questions)
    if label in (FALLBACK, OUT_OF_SCOPE) and questions:  # one clear question inside much else
        return Decision(questions[0], confidence)
    if label == FALLBACK and heard.tells and heard.spoken:  # nothing was asked, so nobody is asked what they meant
        return Decision(TOLD, confidence)
    return Decision(label, confidence, choices=_choices(heard.ranking, least) if label == FALLBACK else ())


def _answerable(heard: Heard, ranking: Ranking, least: Least, alone: Optional[float]) -> str:
    """The best label, or FALLBACK where it is not sure enough: by itself or with its kind, or above `alone` where it is given.

    Crisis labels never come from here: the guard has heard the message and did not raise.
    """
    ordinary = [r for r in ranking if kind_of(r.label) != "crisis" and r.label != "check_in_ok"]
    if heard.other_medicine and ordinary:
        found = _of_another_medicine(ordinary, least)
        if found:
            return found
    if not ordinary:
        return FALLBACK
    best = ordinary[0]
    whole = sum(r.confidence for r in ordinary if Topic.of(r.label).widest == Topic.of(best.label).widest)
    in_kind = sum(ranked.confidence for ranked in ordinary if kind_of(ranked.label) == kind_of(best.label))
    advice = [ranked for ranked in ordinary if kind_of(ranked.label) == "advice"]
    if kind_of(best.label) == "faq" and sum(ranked.confidence for ranked in advice) >= least.personal:
        return advice[0].label  # where it may be about somebody's own body or medicine, a clinician answers
    if alone is not None:
        return best.label if best.confidence >= alone and best.label != OUT_OF_SCOPE else FALLBACK
    if best.label == OUT_OF_SCOPE:
        return OUT_OF_SCOPE if best.confidence >= least.scope else FALLBACK
    return best.label if whole >= least.answer or in_kind >= least.kind else FALLBACK


def _of_another_medicine(ranking: Ranking, least: Least) -> Optional[str]:
    """The decline for a message that names another medicine and not ketamine; None where its own topic answers it all the same.

    What the medicine is may be asked; nearly all else that people ask about their medicines a prescriber has to answer.
    """
    best = ranking[0].label
    if best in _OF_KETAMINE or best == OUT_OF_SCOPE or kind_of(best) == "uncovered":
        facts = sum(ranked.confidence for ranked in ranking if ranked.label in _FACTS)
        if facts >= least.facts:
            return "uncovered/other_medicines"
        return next((ranked.label for ranked in ranking if kind_of(ranked.label) == "advice"), "advice/interaction")
    return None


def _choices(ranking: Ranking, least: Least) -> Tuple[str, ...]:
    """Labels worth asking about. Never misuse, advice or a crisis: nobody should be asked whether they meant that."""
    worth = [r.label for r in ranking if r.confidence >= least.choice and r.label.startswith(("faq/", "uncovered/"))]
    return tuple(worth[: least.choices])


def _questions(heard: Heard, least: Least) -> Tuple[str, ...]:
    """Distinct labels of the parts that are sure enough to be answered one by one; at most three, none of a long story.

    A feeling is met first, then what was asked is answered.
    """
    if not 2 <= len(heard.parts) <= 4:
        return ()
    medicines = heard.in_parts or [heard.other_medicine] * len(heard.parts)
    each = (replace(heard, other_medicine=other) for other in medicines)
    labels = dict.fromkeys(_answerable(part, ranking, least, least.part) for part, ranking in zip(each, heard.parts))
    met = [label for label in labels if label in FEELINGS][:1]
    return tuple([*met, *(label for label in labels if Topic.of(label).is_answerable)][:3])
