"""Every reply of the assistant as a messaging platform gets it: what must be seen of it there, and what must not."""

import re

from infusion_guide.channels.rendering import bubbles
from infusion_guide.replies.complete import Situation, complete
from tests.test_replies import FORM, KEYWORDS, REPLIES, WHOLE

PAYLOAD = re.compile(r"(?<![\w/])/[a-z_]+(/[a-z_]+)?\b")


def every_reply():
    """Each reply in each variation and language: as the first of a talk (with the notice) and as a later one."""
    return [
        _said(name, turn, first, language=language, careful=careful)
        for name in WHOLE
        for turn in range(len(REPLIES[name]))
        for language in ("en", "es")
        for first in ((True, False) if turn == 0 else (False,))
        for careful in (False, True)
    ]


def _said(name, turn, first, **special):
    said = ([] if first else ["utter_chitchat/thanks"]) + [name] * turn
    return complete(name, Situation(said=said, notice=True, words={**KEYWORDS, **FORM}, **special))


def _comparable(text):
    """A text message too long for one may leave out accents (channels/sms_segments.py), and lines break elsewhere."""
    return " ".join(text.split()).translate(str.maketrans("áíóúÁÍÓÚ", "aiouAIOU"))


def assert_whole(channel, replies, address, seen):
    """All words and all choices of `replies` are seen at `address`, and no payload is. The calls that show them.

    `seen(call)`: the text and the buttons' titles that a person reads of a call.
    """
    calls = [call for bubble in bubbles(replies, channel.limits) for call in channel.calls(address, bubble)]
    read = [words for call in calls for words in seen(call)]
    together = _comparable(" ".join(read))
    for reply in replies:
        for line in reply.text.splitlines():
            assert _comparable(line) in together, line
        for button in reply.buttons:
            assert _comparable(button.title) in together and button.payload not in together, button
    assert not PAYLOAD.search(together), together
    return calls
