"""Whether somebody tells something of themselves or of their people, and asks nothing."""

import re

_PEOPLE = frozenset(
    [*("i", "im", "i'm", "ive", "i've", "my", "we", "our", "he", "she", "his", "her", "hes", "he's", "shes", "she's", "they")]
    + [*("mi", "mis", "yo", "estoy", "me", "él", "ella", "mijo", "nosotros", "llevo", "tengo", "vivo")]
)
_ASKS = frozenset(
    [*("what", "whats", "what's", "how", "who", "when", "where", "why", "which", "can", "could", "should", "would", "do", "does")]
    + [*("is", "are", "will", "tell", "help", "need", "want", "please", "wonder", "wondering")]
    + [*("qué", "que", "cómo", "como", "cuánto", "cuanto", "quién", "dónde", "donde", "cuándo", "puedo", "puede", "quiero")]
    + [*("necesito", "ayuda", "ayúdeme", "dígame", "busco")]
)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def begins_with_people(text: str) -> bool:
    """`my son ...`, `I ...`, `estoy ...`: not a question, a wish or a thing."""
    first = _WORD.match(text.strip().lower())
    return first is not None and first[0] in _PEOPLE


def only_tells(text: str) -> bool:
    """Begins with people, and holds no word that asks for anything."""
    return "?" not in text and begins_with_people(text) and not _ASKS & set(_WORD.findall(text.lower()))
