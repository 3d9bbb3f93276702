"""How answers look on messaging platforms: texts within the platform's length, buttons as far as it has them.

What a platform cannot show as a button stands below the text as a numbered list, and the number, or the words, is an
answer. A payload is never shown.
"""

import re
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from infusion_guide.replies.book import line
from infusion_guide.replies.reply import Button, Reply

_SENTENCE_END = re.compile(r"(?<=[.!?]) ")


@dataclass(frozen=True)
class Limits:
    """What one message of a platform holds: characters of a text, buttons below it, characters of a button's title."""

    text: int
    buttons: int = 0
    title: int = 0


@dataclass(frozen=True)
class Bubble:
    """One message of the platform."""

    text: str
    buttons: Tuple[Button, ...] = ()
    language: str = ""


def bubbles(replies: Sequence[Reply], limits: Limits) -> List[Bubble]:
    """The messages that say `replies` within `limits`; buttons stand below the last one."""
    language = _language(replies)
    shown, listed = _divided(_offered(replies), limits)
    texts = [reply.text.strip() for reply in replies if reply.text.strip()]
    if listed:
        numbered = [f"{number}. {button.title}" for number, button in enumerate(listed, start=1)]
        texts[-1:] = ["\n".join([*texts[-1:], line("utter_choose_by_number", language=language or "en"), *numbered])]
    parts = [part for text in texts for part in cut(text, limits.text)]
    last = [Bubble(part, tuple(shown), language) for part in parts[-1:]]
    return [Bubble(part, language=language) for part in parts[:-1]] + last


def joined(replies: Sequence[Reply]) -> Reply:
    """`replies` as one, for platforms that charge for each message."""
    texts = [reply.text.strip() for reply in replies if reply.text.strip()]
    return Reply("", "\n".join(texts), tuple(_offered(replies)), language=_language(replies))


def chosen(text: str, replies: Sequence[Reply], limits: Limits) -> Optional[str]:
    """The payload that the patient means by `text`, the number or the title of what `replies` offered; None: just words."""
    offered = _offered(replies)
    words = text.strip().rstrip(".)").casefold()
    if re.fullmatch("[0-9]{1,2}", words):
        _, listed = _divided(offered, limits)
        return listed[int(words) - 1].payload if 0 < int(words) <= len(listed) else None
    return next((button.payload for button in offered if button.title.rstrip(".?").casefold() == words.rstrip("?")), None)


def _language(replies: Sequence[Reply]) -> str:
    return next((reply.language for reply in replies if reply.language), "")


def _offered(replies: Sequence[Reply]) -> List[Button]:
    return [button for reply in replies for button in reply.buttons]


def _divided(buttons: List[Button], limits: Limits) -> Tuple[List[Button], List[Button]]:
    """Those that the platform can show as buttons, and the rest, both in order."""
    fitting = [button for button in buttons if len(button.title) <= limits.title][: limits.buttons]
    return fitting, [button for button in buttons if button not in fitting]


def cut(text: str, longest: int) -> List[str]:
    """`text` in parts of at most `longest` characters, cut between lines, else sentences, else words, else anywhere."""
    parts = []
    while len(text) > longest:
        head = text[: longest + 1]
        ends = [head.rfind("\n"), max((found.start() for found in _SENTENCE_END.finditer(head)), default=-1), head.rfind(" ")]
        at = next((end for end in ends if end > 0), longest)
        parts.append(text[:at].rstrip())
        text = text[at:].lstrip()
    return [*parts, text] if text else parts
