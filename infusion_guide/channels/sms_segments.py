"""What a text message weighs: carriers charge by segments, and one curly quote more than doubles them.

The alphabet is fixed (3GPP TS 23.038). Of the libraries, smsutil and sms-toolkit have not been maintained since 2020 and
2022, gsm0338 and smspdudecoder only convert bytes: none counts segments and replaces punctuation, and it is this little.
"""

import unicodedata

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # two places each
_ALONE, _TOGETHER = {True: 160, False: 70}, {True: 153, False: 67}  # places in one segment, by whether it is GSM-7
_SEGMENTS = 10  # that carriers join to one message on the phone; Twilio takes 1,600 characters, a little more

# Typographic signs that mean the same as a plain one; the letters of a language are never touched.
_PLAIN = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4`", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2022\u00b7", "-"),
    **dict.fromkeys("\t\u00a0\u2002\u2003\u2007\u2009\u200a\u202f", " "),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0f", ""),
    "\u2026": "...",
    "\u00d7": "x",
    "\u2028": "\n",
    "\u2029": "\n",
}
_TABLE = str.maketrans(_PLAIN)
_BARE = str.maketrans("áíóúÁÍÓÚ", "aiouAIOU")  # é, ñ and ü are in the alphabet


def plain(text: str) -> str:
    """`text` without the typographic punctuation that would keep it from being GSM-7."""
    return unicodedata.normalize("NFC", text).translate(_TABLE)


def fitting(text: str) -> str:
    """`text` as one message holds it: where Spanish is too long for that, without the accents that GSM-7 lacks.

    People leave them out on phones themselves; two messages may arrive in the wrong order.
    """
    bare = text.translate(_BARE)
    return bare if len(text) > longest(text) and is_gsm7(bare) else text


def is_gsm7(text: str) -> bool:
    """Whether `text` can be sent at 160 characters a segment instead of 70."""
    return _BASIC.union(_EXTENDED).issuperset(text)


def segments(text: str) -> int:
    """How many segments the carrier charges for `text`. No character is divided between two of them."""
    gsm7 = is_gsm7(text)
    widths = [1 + (c in _EXTENDED if gsm7 else ord(c) > 0xFFFF) for c in text]
    if sum(widths) <= _ALONE[gsm7]:
        return 1
    count, room = 1, _TOGETHER[gsm7]
    for width in widths:
        if width > room:
            count, room = count + 1, _TOGETHER[gsm7]
        room -= width
    return count


def longest(text: str) -> int:
    """How many characters one message may have, in the alphabet that `text` needs."""
    return _SEGMENTS * _TOGETHER[is_gsm7(text)]
