"""How a patient's words answer the questions of the call-back form."""

import re
import unicodedata
from collections import defaultdict
from functools import lru_cache
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Sequence, Set

from infusion_guide.callbacks.contact import contact_in, tries_a_contact, without_contacts
from infusion_guide.callbacks.fields import CHANGES, CONSENT, CONTACT, LONGEST, NAME, OPTIONAL, SEND, SLOTS, TIME, TOPIC
from infusion_guide.clinic.data import DATA, read_yaml
from infusion_guide.replies.book import button_title

# What a patient can do at a step besides giving words; the button's payload is /form_answer/<choice>.
AGREE, DECLINE, SEND_IT, SKIP, STOP, BACK = "agree", "decline", "send", "skip", "stop", "back"
TIMES = ("any_time", "mornings", "afternoons")
WORDS = "words"  # the patient's own words are the answer
# What is asked after a request was sent, most telling first (action_old_form_button answers).
AFTER = ("after_change", "after_when", "after_next")

_TIME_LIKE = re.compile(
    r"\d|\b(?:noon|morning|mornings|afternoon|afternoons|evening|evenings|night|nights|today|tonight|tomorrow|tmrw|tmr|lunch"
    r"|week|weekday|weekdays|weekend|weekends|monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tues?|wed|thurs?"
    r"|fri|sat|sun|any ?time|whenever|asap|early|late|later|soon|after|before|between"
    r"|manana|tarde|tardecita|noche|mediodia|medio dia|hoy|lunes|martes|miercoles|jueves|viernes|sabado|domingo|fin de semana"
    r"|semana|hora|temprano|despues|antes|almuerzo|cuando sea|cuando quiera[ns]?|cuando pueda[ns]?)s?\b"
)
_GREETING = (
    r"(?:(?:hi|hello|hey|yes|yeah|ok|okay|sure|um|uh|well|just|hola|buenas|buenos dias|buenas tardes|buenas noches|s[ií]"
    r"|claro|bueno|pues|este|mire)\b[\s,.!]*)*"
)
_I_AM = (
    r"(?:(?:me llamo|mi nombre(?: completo)? es|mi nombre|my (?:full |first |last )?name(?:'s| is)?|name(?:'s| is)?|i am|i'm|im"
    r"|it is|it's|its"
    r"|this is|that's|(?:you |they |she |he |people )?(?:can |could |should |may )?(?:just )?(?:call|ask for)(?: me)?"
    r"|they know me as|put|use|write|just put"
    r"|soy|le habla|habla|aquí|nombre|es|ponga[n]?|que (?:me )?(?:llamen|digan|pregunten por)"
    r"|(?:me )?(?:pueden?|podrían?|podrian?) (?:llamar|decir)(?:me)?(?: como)?|(?:me )?(?:llám|llam|díg|dig)[ae]n?me"
    r"|preg[uú]nt[ae]n? por|me dicen|me llaman)\b[\s:,]*)+"
)
_NAME_LED_IN = re.compile(
    rf"^(?:.*\b(?:calls? me|goe?s? by|todos me dicen|pero me dicen|me conocen como)\b[\s:,]*|{_GREETING}{_I_AM})", re.IGNORECASE
)
_NAME_LED_OUT = re.compile(
    r"(?:[\s,.!]+(?:please|pls|(?:thanks|thank you)(?: \w+)?|is fine|is ok|is okay|is good|works|will do|here|speaking"
    r"|por fa(?:vor)?|porfa|porfis|(?:muchas )?gracias(?: \w+)?|est[aá] bien|nada m[aá]s|nom[aá]s|para servirle"
    r"|a sus [oó]rdenes))+$",
    re.IGNORECASE,
)
# "wrong name, it's Ana": what stands after.
_NEW_NAME = re.compile(
    r"\b(?:it'?s|it is|should be|i'?m|i am|me llamo|es|soy|debe ser|se escribe)\s+(?:spelled\s+)?(\S.*)$", re.I
)


@lru_cache(maxsize=1)
def _phrases() -> Dict[str, FrozenSet[str]]:
    """The wording of each choice in all languages (data/form_words.yml), as it is compared; of one that has none, none."""
    found: Dict[str, Set[str]] = defaultdict(set)
    for wording in read_yaml(DATA / "form_words.yml").values():
        for choice, said in wording.items():
            found[choice] |= set(map(plain, said.split(",")))
    return defaultdict(frozenset, {choice: frozenset(said) for choice, said in found.items()})


def plain(text: str) -> str:
    """`text` as it is compared: lower case, letters and digits, single blanks; apostrophes and accents go without a trace."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^\w\s]|_", " ", re.sub(r"['\u2019]", "", bare)).split())


def reading(step: str, text: str, label: str, given: Mapping[str, Any]) -> Optional[str]:
    """How `text` answers the form's question `step` (one of SLOTS): WORDS, a choice such as "skip", or None: not at all.

    `label` is what the message would be outside the form (faq/depression, chitchat/affirm, nlu_fallback); `given` are the
    slots so far.
    """
    said = plain(text)
    for choice in _choices(step):
        if said in _phrases()[choice]:
            return choice
    if said in _phrases()[BACK]:
        return BACK
    asks = asks_something(text)
    if "?" not in text:
        corrected = _corrects(said, step)
        if corrected:
            return corrected
        if _stops(said, step) and not (step == TIME and names_a_time(text)):
            return STOP
        if step == SEND and wish_in(text):  # "send it, but no voicemail": staff must read that, so the summary comes first
            return "change_time"
        for choice in _choices(step):
            if choice != STOP and not asks and _holds(said, _phrases()[f"{choice}_anywhere"]):
                return choice
    if step == CONSENT:
        return _yes_or_no(said, text, label, AGREE, DECLINE)
    if step == SEND:
        return _change(said, text, given) or _yes_or_no(said, text, label, SEND_IT, STOP)
    if step == CONTACT:
        return WORDS if tries_a_contact(text) or not (asks or label != "nlu_fallback") else None
    if step == TIME:
        return None if asks and not _proposes_a_time(said, text) else WORDS
    if step == TOPIC:  # "how to get started" and "what it costs" name a topic; "what does it cost" asks
        return None if asks_in_order(text) else WORDS
    return None if asks and not _holds(said, _phrases()["gives_a_name"]) else WORDS


def after_request(text: str) -> Optional[str]:
    """What `text` asks of a request that was sent, one of AFTER; None: something else."""
    said = plain(text)
    return next((asked for asked in AFTER if _holds(said, _phrases()[asked])), None)


def before(step: str) -> Optional[str]:
    """The step before `step`, None for the first."""
    index = SLOTS.index(step)
    return SLOTS[index - 1] if index else None


def _corrects(said: str, step: str) -> Optional[str]:
    """The change of an earlier answer that `said` asks for at a later step: "wrong number, it is ..."; None: no change."""
    earlier = SLOTS[: SLOTS.index(step)] if step != SEND else ()  # the summary is read more freely (_change)
    wanted = (change for change, slot in CHANGES.items() if slot in earlier)
    return next((change for change in wanted if _holds(said, _phrases()[f"wrong_{change.removeprefix('change_')}"])), None)


def _stops(said: str, step: str) -> bool:
    """Whether `said` leaves the form, whatever stands around it. "Don't call me after 5" and "cancel my appointment" do not."""
    said = said.removesuffix(" por favor")  # no condition, though "por la tarde" is one
    if step == TOPIC:
        return any(said.startswith(phrase) for phrase in _phrases()["stop_first"])
    return any(
        (found := f" {said} ".find(f" {phrase} ")) >= 0 and _after(said, found + len(phrase)) not in _phrases()["condition_first"]
        for phrase in _phrases()["stop_anywhere"]
    )


def _after(said: str, index: int) -> str:
    """The word of `said` that begins after `index`; empty at the end."""
    return (said[index:].split() or [""])[0]


def wish_in(text: str) -> Optional[str]:
    """What `text` asks staff to heed when they call, such as "but don't leave a message", in its own words; None without.

    Such a wish can protect somebody at home. It is kept with the time, which staff read before they dial.
    """
    if not _holds(plain(text), _phrases()["wish"]):
        return None
    return words_in(without_contacts(text), TIME).strip(" ,.;:-")


def with_wish(time: Any, wish: str) -> str:
    """The value of TIME with `wish` added to what it holds."""
    return words_in(f"{time}; {wish}" if time else wish, TIME)


def _choices(step: str) -> Sequence[str]:
    """The choices whose own wording counts at `step`, most telling first."""
    if step == CONSENT:
        return (STOP, AGREE, DECLINE)
    if step == SEND:
        return (STOP, SEND_IT, *CHANGES)
    return (STOP, SKIP) if step in OPTIONAL else (STOP,)


def _yes_or_no(said: str, text: str, label: str, yes: str, no: str) -> Optional[str]:
    if asks_something(text):
        return None
    if label == "chitchat/affirm" or said.split(" ")[0] in _phrases()["yes_first"]:
        return yes
    return no if label == "chitchat/deny" else None


def _holds(said: str, phrases: FrozenSet[str]) -> bool:
    return any(f" {phrase} " in f" {said} " for phrase in phrases)


def _change(said: str, text: str, given: Mapping[str, Any]) -> Optional[str]:
    """Which part of the summary `text` wants to change."""
    if contact_in(text):
        return "change_contact"
    if _holds(said, _phrases()["calls_me"]) and names_a_time(text):  # "call me after 5 instead" is about no name
        return "change_time"
    named = next((change for change in CHANGES if _holds(said, _phrases()[f"{change}_words"])), None)
    if named and (named == "change_name" or _holds(said, _phrases()["fault"])):
        return named
    if asks_something(text):
        return None
    if set(said.split()) & set(plain(str(given.get(NAME) or "")).split()):
        return "change_name"
    return "change_time" if names_a_time(text) else None


def _proposes_a_time(said: str, text: str) -> bool:
    """Whether a question names a time for the call: "tomorrow?", "can you call at 3?", "when my kids are in school"."""
    if (
        text.lower().startswith(("when ", "cuando "))
        and not text.rstrip().endswith("?")
        and not _holds(said, _phrases()["asks_when"])
    ):
        return True
    asks_first = said.split(" ")[0] in _phrases()["question_first"] and not _holds(said, _phrases()["calls_me"])
    return names_a_time(text) and not asks_first


def asks_something(text: str) -> bool:
    """Whether `text` has the form of a question: a mark, or it begins as questions do ("wait, what does", "oiga, por qué")."""
    if text.rstrip().endswith("?") or "¿" in text:
        return True
    words = _after_lead(plain(text))
    orders = tuple(f"{order} " for order in _phrases()["orders"])
    return len(words) >= 3 and _begins_as_questions_do(words) and not " ".join(words).startswith(orders)


def _begins_as_questions_do(words: List[str]) -> bool:
    return bool({words[0], " ".join(words[:2])} & _phrases()["question_first"])


def asks_in_order(text: str) -> bool:
    """Whether `text` asks even where things are named: "what does it cost" does, "what it costs" and "when I'm sad" do not."""
    return asks_something(text) and (text.rstrip().endswith("?") or _asks_in_order(plain(text)))


def _asks_in_order(said: str) -> bool:
    """Whether a verb stands where questions have it: "do i have to", "how much is it", not "how much it is"."""
    words = _after_lead(said)
    verbs = _phrases()["question_verbs"]
    return bool(words) and (words[0] in verbs or bool(set(words[1:3]) & verbs and words[0] in _phrases()["question_first"]))


def _after_lead(said: str) -> List[str]:
    words = said.split()
    while words and words[0] in _phrases()["question_lead"]:
        words = words[1:]
    return words


def name_in(text: str) -> str:
    """The name that `text` gives, as it should be written: "it's maria please" gives "Maria"; at most 60 characters."""
    name = _NAME_LED_OUT.sub("", _NAME_LED_IN.sub("", " ".join(text.split()))).strip(" .,!?;:\"'()")
    name = name or " ".join(text.split()).strip(" .,!?;:\"'()")
    if name.islower() or name.isupper() and len(name) > 3:
        name = " ".join(part[:1].upper() + part[1:].lower() for part in name.split())
    return name[: LONGEST[NAME]].strip()


def words_in(text: str, slot: str) -> str:
    """What is kept of a patient's words for the field `slot`: one line, not endless."""
    return " ".join(text.split())[: LONGEST[slot]].strip()


def names_a_time(text: str) -> bool:
    """Whether `text` speaks of a day or an hour."""
    return bool(_TIME_LIKE.search(plain(text)))


def new_name_in(text: str) -> Optional[str]:
    """The name that a correction such as "wrong name, it's Ana" gives; None: none."""
    found = _NEW_NAME.search(text)
    return (name_in(found[1]) or None) if found else None


def button_words(choice: str, language: str) -> str:
    """What is kept of a pressed button of TIMES: the words on it."""
    return button_title(f"/form_answer/{choice}", language)
