"""What no reply may say, as far as words can show it: for the tests of the reviewed replies, and for what a clinician writes.

The rules are a net, not a judge: a clinician answers for every word, and a net has holes.
"""

import re
from dataclasses import dataclass
from typing import List, NamedTuple, Optional, Pattern

from infusion_guide.clinic.settings import settings
from infusion_guide.text.cleaning import clean

MOST_WORDS = 46  # of a clinic's own answer: with its first words and the referral it fits on a small screen
HARDEST_GRADE = 8.0  # Flesch-Kincaid: the grade in an American school in which most can read it


class Broken(NamedTuple):
    """A rule that a text breaks: its name, the words that break it ("" for the whole text), and what to do."""

    rule: str
    words: str
    advice: str


@dataclass(frozen=True)
class _Rule:
    """Words that match `pattern` break it, unless what stands before or after them in their sentence excuses them."""

    name: str
    advice: str
    pattern: Pattern[str]
    excused_before: Optional[Pattern[str]] = None
    excused_after: Optional[Pattern[str]] = None

    def found(self, sentence: str) -> Optional[str]:
        for match in self.pattern.finditer(sentence):
            before, after = sentence[: match.start()], sentence[match.end() :]
            if not (
                (self.excused_before and self.excused_before.search(before))
                or (self.excused_after and self.excused_after.search(after))
            ):
                return match.group(0).strip(" ,;:")
        return None


def _any(*shapes: str) -> str:
    return "(?:" + "|".join(shapes) + ")"


def _excuse(*shapes: str) -> Pattern[str]:
    return re.compile(_any(*shapes), re.IGNORECASE)


def _words(*shapes: str) -> Pattern[str]:
    return re.compile(rf"\b{_any(*shapes)}\b", re.IGNORECASE)


_NUMBER = _any(r"\d+(?:[.,/]\d+)*", "half", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_AMOUNT = _any(
    "mg", "milligrams?", "mcg", "ug", "micrograms?", "ml", "milliliters?", "cc", "grams?", "g", "iu", "units?",
    "pills?", "tablets?", "capsules?", "lozenges?", "troches?", "sprays?", "drops?", "puffs?", "doses?",
)  # fmt: skip
_MEDICINE = _any(
    "medicines?", "medications?", "meds?", "pills?", "tablets?", "dos(?:e|es|age)", "drugs?", "supplements?", "vitamins?",
    "antidepressants?", "antipsychotics?", "benzos?", "benzodiazepines?", "opioids?", "painkillers?", "sedatives?",
    "stimulants?", "blood thinners?", "ssris?", "snris?", "maois?", "insulin", "lithium", "ketamine", "esketamine", "spravato",
    "xanax", "alprazolam", "valium", "diazepam", "klonopin", "clonazepam", "ativan", "lorazepam", "gabapentin", "trazodone",
    "zoloft", "sertraline", "prozac", "fluoxetine", "lexapro", "escitalopram", "celexa", "citalopram", "paxil", "effexor",
    "cymbalta", "wellbutrin", "bupropion", "lamictal", "lamotrigine", "seroquel", "abilify", "adderall", "ritalin", "naltrexone",
    "suboxone", "buprenorphine", "methadone", "ibuprofen", "advil", "tylenol", "acetaminophen", "aspirin", "benadryl", "zofran",
    "melatonin", "cannabis", "marijuana",
)  # fmt: skip
_CHANGE = _any(
    r"take(?!\s(?:a|the|your)\s(?:list|photo|picture))", r"(?:stop|start|keep|quit|continue|begin) taking", r"stop(?!\sby\b)",
    r"start(?!\s(?:by|with)\b)", "skip", "quit", "begin", "continue", "double", "halve", "lower", "raise", "increase", "reduce",
    "cut", "change", "switch", "mix", "combine", "hold", "pause", "resume", "restart", "miss", "avoid", "drop", "taper",
    "swallow", "crush", "use",
)  # fmt: skip
_A_FEW_WORDS = r"(?:[\w'/-]+,?\s){0,4}?"
_MODAL = r"(?:should|must|can|may|could|might|will|need to|needs to|have to|has to|ought to|are allowed to)"
_YOU = r"(?:you|patients?|people|they|everyone|anyone)"
_CLAUSE = r"(?:^|[,;:]\s|\b(?:please|just|always|then|and|or|but)\s)"
_FINE_TO = r"\b(?:safe|fine|ok|okay|best|better|good|wise|allowed|important)\s(?:for you\s)?to\s"
_NOT = r"\b(?:do not|don't|never|should not|shouldn't|must not|mustn't|cannot|can't|may not)\s"
_CONDITION = _any(
    "depression", "anxiety", "ptsd", "adhd", "ocd", "bipolar", "schizophrenia", "psychosis", "dementia", "cancer", "addiction",
    r"(?:[\w'-]+\s){0,2}(?:disorder|disease|syndrome|addiction|depression|infection)",
)  # fmt: skip

# "Ask the nurse which medicines you should take": the question is passed on, not answered.
_ASKED = (
    r"\b(?:ask|asks|tell|tells|say|says|know|check|checks|decide|decides|see|explain|explains|discuss|learn|find out|plan)\b"
    r"[^;:]*\b(?:if|whether|which|what|when|how)\s(?:[\w'-]+\s){0,4}$"
)
_NEVER = r"\b(?:do not|don't|never)\s(?:[\w'-]+\s){1,2}$"
_NOT_PROMISED = r"\b(?:not|cannot|can't|don't|doesn't|isn't|never|no one can|nobody can)\s(?:[\w'-]+\s){0,2}$"
_IF = r"\b(?:if|whether|when|while|once|that|do|says?|said|think)\s$"
_WITH_THE_PRESCRIBER = re.compile(
    r"\b(?:without|unless|until|before)\b.*\b(?:ask|ask(?:ing|s)|talk|talking|speak|speaking|check|checking|prescri\w+|doctor|nurse"
    r"|clinician|pharmacist|care team)\b|\bon your own\b",
    re.IGNORECASE,
)

_RULES = (
    _Rule(
        "dose",
        "Please name no dose and no amount of a medicine. The prescriber says how much.",
        _words(rf"{_NUMBER}\s?(?:to\s{_NUMBER}\s|-)?(?:a\s|of a\s)?{_AMOUNT}", "milligrams?", "mg", r"per (?:kg|kilo|kilogram)"),
    ),
    _Rule(
        "eligibility",
        "Please leave open who can have treatment. Say who decides it and what they look at.",
        _words(
            r"you (?:do not |don't |will |won't |would )?qualify",
            r"(?:you are|you're) (?:not )?(?:eligible|(?:an? )?(?:\w+ )?candidate)",
            r"(?:safe|right|fine|okay|ok|good) for you",
            r"you (?:can|cannot|can't|may|may not|could|are able to|are not able to) "
            rf"(?:have|get|receive|start(?! with| by)|do|try) {_A_FEW_WORDS}(?:ketamine|infusions?)",
            r"you (?:can|cannot|can't|may|may not) be treated",
        ),
        _excuse(_ASKED),
    ),
    _Rule(
        "medicines",
        "Please give no advice to take, stop, change or mix a medicine. Lead to the person who prescribed it.",
        re.compile(
            _any(
                rf"{_CLAUSE}{_CHANGE}\s{_A_FEW_WORDS}{_MEDICINE}\b",
                rf"\b{_YOU}\s(?:\w+\s)?{_MODAL}\s(?:\w+ly\s|still\s|also\s)?{_CHANGE}\s{_A_FEW_WORDS}{_MEDICINE}\b",
                rf"{_FINE_TO}{_CHANGE}\s{_A_FEW_WORDS}{_MEDICINE}\b",
                rf"\b{_MEDICINE}\b[^.!?;]{{0,40}}\b(?:can|may|should|must)(?: not|n't)? be "
                r"(?:taken|stopped|mixed|combined|skipped|held)\b",
                r"\byou (?:should|must|can|may|could) (?:take|stop|mix|combine)\s(?:it|them|that|this)\b(?! home)",
                r"(?:\bsafely |\bcan |\bmay |\bto |^)(?:mix|combine)\w*\s(?:[\w'-]+\s){0,3}(?:alcohol|drinks|wine|beer)\b",
                r"(?:^|\b(?:please|should|must|can|may|to)\s)(?:stop|keep|start|quit|continue) taking\b",
            ),
            re.IGNORECASE,
        ),
        _excuse(_ASKED, _NEVER),
    ),
    _Rule(
        "medicines",
        "Please tell nobody not to take a medicine. 'Don't change a medicine without the person who prescribed it' is fine.",
        re.compile(rf"{_NOT}{_CHANGE}\s{_A_FEW_WORDS}{_MEDICINE}\b", re.IGNORECASE),
        _excuse(_ASKED),
        _WITH_THE_PRESCRIBER,
    ),
    _Rule(
        "promise",
        "Please promise nothing: no cure, no sure effect, no safety. 'It may help some people' is as far as words can go.",
        _words(
            "cured?",
            "cures",
            "curing",
            r"guarantee[ds]?",
            r"promise[ds]?",
            "don't worry",
            "do not worry",
            "no need to worry",
            r"(?:it|ketamine|infusions?|treatments?|therapy) (?:will|always|does|is sure to|are sure to) "
            r"(?:help|work|heal|fix|end|stop|take away|make you)(?! to\b)",
            r"works (?:for everyone|every time|for all)",
            r"you will (?:feel|be|get) (?:better|fine|okay|ok|well)",
            r"(?:is|are|it's) (?:\w+ly |very |quite )?(?:safe|harmless|painless)",
            r"risk[- ]free",
            r"(?:has|have|having|there are|with) no (?:\w+ )?(?:side effects|risks?)",
            r"without (?:any )?(?:side effects|risks?)",
        ),
        _excuse(_ASKED, _NOT_PROMISED),
    ),  # fmt: skip
    _Rule(
        "diagnosis",
        "Please tell nobody what illness they have. That takes an exam, or a talk with a clinician.",
        _words(
            r"you (?:probably |likely |clearly |surely |may |might |must |could )?(?:have|are having|suffer from) "
            rf"(?:an? |the )?{_CONDITION}",
            r"(?:you are|you're) (?:probably |likely |clearly )?(?:depressed|bipolar|addicted|psychotic|manic|anxious)",
            rf"(?:it|this|that) (?:sounds like|looks like|is a sign of|means) (?:that )?(?:you have )?(?:an? )?{_CONDITION}",
        ),
        _excuse(_IF),
    ),
    _Rule(
        "person first",
        "Please put the person first: 'a person with an addiction', 'a person who drinks', 'died by suicide'.",
        _words(
            "addicts?",
            "abusers?",
            "junkies?",
            r"alcoholics?(?! anonymous)",
            "druggies?",
            "drunks",
            "crackheads?",
            "drug users?",
            "schizophrenics?",
            "the mentally ill",
            "psychos?",
            "lunatics?",
            r"commit(?:s|ted|ting)? suicide",
        ),
    ),  # fmt: skip
)

_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")


def wording(text: str) -> List[Broken]:
    """The rules that the words of `text` break: no medical advice, no promise, the person first. One finding a rule."""
    found = {}
    for sentence in _SENTENCES.split(text):
        for rule in _RULES:
            words = rule.found(sentence)
            if words:
                found.setdefault(rule.name, Broken(rule.name, words, rule.advice))
    return list(found.values())


def grade(text: str) -> float:
    """The reading grade of `text` (Flesch-Kincaid), lines taken as one."""
    import textstat  # half a second, and most processes judge no text

    return float(textstat.flesch_kincaid_grade(text.replace("\n", " ")))


def tidy(text: str) -> str:
    """`text` as it is kept: one line, without what word processors slip in and text messages cannot carry.

    >>> tidy("Don\\u2019t\\n worry \\u2014 call\\x00 us\\u2026")
    "Don't worry - call us..."
    """
    return re.sub("[\u2010-\u2015\u2212]", "-", clean(text))


def broken(text: str) -> List[Broken]:
    """Every rule that the clinic's own answer `text` breaks, for the person who wrote it; none for a text that may be said."""
    found: List[Broken] = []
    count, level = len(text.split()), grade(text)
    if count > MOST_WORDS:
        found.append(Broken("length", "", f"It has {count} words. Please say it in at most {MOST_WORDS}."))
    if level > HARDEST_GRADE:
        advice = f"It reads at grade {level:.1f}. Please use shorter sentences and everyday words, to reach grade 8 or easier."
        found.append(Broken("grade", "", advice))
    if re.search(r"[{}]", text):
        found.append(Broken("braces", "{ }", "Please write the words themselves: braces are not filled in here."))
    return found + _foreign_numbers(text) + wording(text)


_DATE = re.compile(r"(?<!\d)(?:\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}/\d{2,4})(?!\d)")
_PHONE = re.compile(
    r"(?<![\w$.,])\+?\(?\d[\d\s()./-]{5,}\d(?!\w)"  # in any of the usual groups
    r"|\b(?:1[-. ]?)?\(?8\d\d\)?[-. ][A-Z][A-Z0-9-]{5,}"  # 1-800-SOMETHING
)
_SHORT = re.compile(
    r"\b(?:call|dial|text|phone)\s(?:[\w']+\sto\s|us at\s|at\s|to\s)?(\d{3,6})\b(?![-. ]\d{3})(?!\s?(?:dollars|days|hours))", re.I
)


def _foreign_numbers(text: str) -> List[Broken]:
    """Phone numbers in `text` that are neither the clinic's nor a help line of the settings."""
    known = settings()
    ours = (
        known.clinic_phone,
        known.emergency_number,
        known.crisis_line,
        known.poison_help,
        known.treatment_helpline,
        known.domestic_violence_hotline,
        known.domestic_violence_text,
        known.domestic_violence_tty,
        known.child_abuse_hotline,
    )
    undated = _DATE.sub("", text)
    named = [match.group(0) for match in _PHONE.finditer(undated) if len(re.sub(r"\W", "", match.group(0))) >= 7]
    named += [match.group(1) for match in _SHORT.finditer(undated)]
    foreign = [number for number in named if _dialled(number) not in {_dialled(own) for own in ours if own}]
    if not foreign:
        return []
    allowed = ", ".join(number for number in ours if number)
    return [Broken("phone number", foreign[0], f"Please name only the clinic's own number and the help lines: {allowed}.")]


def _dialled(number: str) -> str:
    """What is dialled, without the country code of the US and Canada."""
    kept = re.sub(r"[\W_]", "", number).upper()
    return kept[1:] if len(kept) == 11 and kept[0] == "1" else kept
